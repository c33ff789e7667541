//! The table of results in docs/lab.md: a row for each test, a column for each release of
//! Xen, seconds or that it fails.
//!
//! A run of one release leaves the columns of the others as they are.

use super::super::report::replace;
use super::super::suite::Suite;
use super::{Outcome, chosen};
use crate::Result;
use std::collections::HashMap;
use std::path::Path;

/// Cells by the name of the test and the release.
type Cells = HashMap<(String, String), String>;

/// Writes what came of the tests of a suite into the table.
///
/// # Errors
/// When docs/lab.md cannot be read or written, or has no place for the table.
pub(in super::super) fn write(root: &Path, suite: Suite, outcomes: &[Outcome]) -> Result<()> {
    replace(root, "results", "test --write", |table| {
        let mut cells = read(table);
        for outcome in outcomes {
            let key = (outcome.test.name.to_owned(), suite.xen().to_owned());
            let cell = match outcome.passed {
                true => format!("{} s", outcome.seconds),
                false => "fails".to_owned(),
            };
            cells.insert(key, cell);
        }
        table_of(&cells)
    })
}

fn read(table: &str) -> Cells {
    let mut rows = table.lines().map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.map(str::trim).collect::<Vec<_>>()
    });
    let releases = rows.next().unwrap_or_default();
    let mut cells = Cells::new();
    for row in rows.skip(1) {
        let name = row.first().map(|name| name.trim_matches('`').to_owned());
        for (release, cell) in releases.iter().zip(&row).skip(2) {
            let key = (name.clone().unwrap_or_default(), (*release).to_owned());
            cells.insert(key, (*cell).to_owned());
        }
    }
    cells
}

fn table_of(cells: &Cells) -> String {
    let releases = Suite::ALL.map(Suite::xen);
    let mut table = format!("| test | what it shows | {} |\n", releases.join(" | "));
    table.push_str("| --- | --- | --- | --- | --- |\n");
    for test in chosen(&[], false) {
        let row = releases.map(|release| {
            let key = (test.name.to_owned(), release.to_owned());
            cells.get(&key).map_or("", String::as_str)
        });
        let row = row.join(" | ");
        table.push_str(&format!("| `{}` | {} | {row} |\n", test.name, test.what));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let key = |name: &str, release: &str| (name.to_owned(), release.to_owned());
        let mut cells = Cells::new();
        cells.insert(key("list", "4.17"), "12 s".to_owned());
        cells.insert(key("pv", "4.14"), "fails".to_owned());
        let table = table_of(&cells);
        let again = read(&table);
        assert_eq!(
            again.get(&key("list", "4.17")),
            cells.get(&key("list", "4.17"))
        );
        assert_eq!(again.get(&key("pv", "4.14")), cells.get(&key("pv", "4.14")));
        assert_eq!(table_of(&again), table);
    }
}
