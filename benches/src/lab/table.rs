//! Rows of numbers, one column for each program that was measured, with what is aimed at and
//! whether it is met; printed as a table of Markdown.
//!
//! What the numbers are is in `scene`.

use crate::measure::verdict;
use std::fmt;

/// Programs that are measured; the first one is ours.
const COLUMNS: [&str; 3] = ["virtxend", "libvirtd", "xl"];

/// What is aimed at: a share of a column's number.
const TARGETS: &[(&str, &str, f64)] = &[
    ("list", "libvirtd", 1.0 / 3.0),
    ("look-up by name", "libvirtd", 1.0 / 3.0),
    ("state", "libvirtd", 1.0 / 3.0),
    ("info", "libvirtd", 1.0 / 3.0),
    ("dumpxml", "libvirtd", 1.0 / 3.0),
    ("start", "xl", 1.0),
];

#[derive(Clone, Copy)]
pub(super) enum Unit {
    Milliseconds,
    MiB,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::MiB => "MiB",
        }
    }
}

struct Row {
    name: String,
    unit: Unit,
    values: [Option<f64>; COLUMNS.len()],
}

/// Rows, in the order in which they came.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A number of one program, which is told as it comes: the whole takes minutes.
    pub(super) fn put(&mut self, name: &str, column: &str, value: f64, unit: Unit) {
        eprintln!("{column}: {name}: {value:.2} {}", unit.name());
        let known = self.rows.iter().position(|row| row.name == name);
        let place = known.unwrap_or(self.rows.len());
        if known.is_none() {
            self.rows.push(Row {
                name: name.to_owned(),
                unit,
                values: [None; COLUMNS.len()],
            });
        }
        let cells = self.rows.get_mut(place).map(|row| &mut row.values);
        for (cell, known) in cells.into_iter().flatten().zip(COLUMNS) {
            if known == column {
                *cell = Some(value);
            }
        }
    }
}

impl Row {
    fn of(&self, column: &str) -> Option<f64> {
        let place = COLUMNS.iter().position(|known| *known == column)?;
        self.values.get(place).copied().flatten()
    }

    fn ratio(&self, column: &str) -> Option<f64> {
        let ratio = self.of(COLUMNS[0])? / self.of(column)?;
        ratio.is_finite().then_some(ratio)
    }

    /// What is aimed at and whether it is met, of all targets of this row.
    fn verdict(&self) -> String {
        let targets = TARGETS.iter().filter(|(name, ..)| *name == self.name);
        let words = targets.filter_map(|(_, column, share)| {
            let is_met = self.ratio(column)? <= *share;
            Some(format!("≤ {share:.2} of {column}: {}", verdict(is_met)))
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = COLUMNS[0];
        let others = &COLUMNS[1..];
        writeln!(
            out,
            "| measure | {} | {ours} / {} | target |",
            COLUMNS.join(" | "),
            others.join(&format!(" | {ours} / "))
        )?;
        writeln!(
            out,
            "|{}",
            " --- |".repeat(2 + COLUMNS.len() + others.len())
        )?;
        for row in &self.rows {
            write!(out, "| {}, {} |", row.name, row.unit.name())?;
            let ratios = others.iter().map(|column| row.ratio(column));
            for value in row.values.into_iter().chain(ratios) {
                match value {
                    Some(value) => write!(out, " {value:.2} |")?,
                    None => write!(out, " |")?,
                }
            }
            writeln!(out, " {} |", row.verdict())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_target_is_met() {
        let mut table = Table::default();
        for (column, value) in [("virtxend", 1.0), ("libvirtd", 2.0)] {
            table.put("list", column, value, Unit::Milliseconds);
        }
        for (column, value) in [("virtxend", 1.0), ("xl", 2.0)] {
            table.put("start", column, value, Unit::Milliseconds);
        }
        let text = table.to_string();
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| list, ms | 1.00 | 2.00 | | 0.50 | | ≤ 0.33 of libvirtd: not met |",
                "| start, ms | 1.00 | | 2.00 | | 0.50 | ≤ 1.00 of xl: met |"
            ]
        );
    }
}
