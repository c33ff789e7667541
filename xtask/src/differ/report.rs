//! The differences as a page of the documentation, and in a few words.
//!
//! Which there are is in `rules`.

use super::rules::{RULES, Rule, Verdict};
use super::{Difference, Found, count};
use std::fmt::Write as _;

/// Characters of an example in the page.
const LONGEST: usize = 110;

/// How many steps and differences there were.
pub(super) fn summary(found: &Found) -> String {
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| format!("{} {}", count(found, *verdict), verdict.name()))
        .collect();
    format!(
        "{} of {} answers are the same; differences: {}, {} unknown",
        found.same,
        found.steps,
        counts.join(", "),
        found.unknown.len()
    )
}

/// docs/differences.md.
pub(super) fn document(found: &Found) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "{}.\n", summary(found));
    for verdict in Verdict::ALL {
        let _ = writeln!(text, "## {}\n\n{}\n", verdict.title(), verdict.meaning());
        let rules = RULES.iter().zip(&found.known);
        let rules = rules.filter(|(rule, _)| rule.verdict == verdict);
        let rows: String = rules.map(|(rule, known)| row(rule, known)).collect();
        text.push_str(match rows.is_empty() {
            true => "None.\n",
            false => "| difference | libvirt | virtxend | seen |\n| --- | --- | --- | --- |\n",
        });
        text.push_str(&rows);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

const HEAD: &str = "\
# Differences from libvirt's daemon

Written by `cargo xtask differ --write`, which asks libvirt's own daemon (9.0, its Xen driver on
Xen 4.17) and virtxend the same: calls of libvirt's library for Python, commands of virsh, and
domain documents that are defined, read back and made Xen's configuration of. Each difference
belongs to a rule in `xtask/src/differ/rules.rs`; one that does not fails the check. The middle
columns show the first example of a rule.

";

fn row(rule: &Rule, known: &[Difference]) -> String {
    let example = known.first();
    let cell = |text: Option<&String>| text.map_or_else(|| "–".to_owned(), |text| quoted(text));
    let place = example.map_or_else(String::new, |it| format!("<br>{}", quoted(&it.step)));
    format!(
        "| {}{place} | {} | {} | {} |\n",
        rule.why,
        cell(example.map(|it| &it.theirs)),
        cell(example.map(|it| &it.ours)),
        known.len()
    )
}

/// As code in a cell of a table.
fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace('|', "¦").replace('`', "'");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", line.get(..end).unwrap_or_default()),
        None if line.is_empty() => "–".to_owned(),
        None => format!("`{line}`"),
    }
}
