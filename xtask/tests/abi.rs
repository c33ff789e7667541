//! The committed table of Xen's ABI is what the shelf's facts say.

use virtxen_testkit::shared;

#[test]
fn the_table_is_fresh() {
    let Some(facts) = shared("facts/xen-abi.json") else {
        return;
    };
    let wanted = xtask::abi::render(&facts).expect("the facts are readable");
    let table = std::fs::read_to_string(xtask::root().join(xtask::abi::TABLE));
    assert!(
        table.expect("the table is committed") == wanted,
        "run `cargo xtask gen-abi`"
    );
}
