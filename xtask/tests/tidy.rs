//! The rules of the house hold, as an ordinary test: `cargo test` says so where
//! people look. The same as `cargo xtask tidy`; the rules are in `xtask::tidy`.

#[test]
fn the_house_is_tidy() {
    let findings = xtask::tidy::check(&xtask::root()).expect("the workspace can be read");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "\n{}\n", lines.join("\n"));
}
