//! Tables and lists of fields in virsh's layout. Nothing here knows what the
//! cells mean or where they are printed.

use crate::color::Style;

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: clean(&text.into()),
            style: Style::Plain,
        }
    }
}

impl Cell {
    /// The cell in a colour.
    #[must_use]
    pub(crate) fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// Rows under a header.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    header: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
    remark: Option<&'static str>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(header: &[&str]) -> Self {
        let header = header.iter().map(|title| Cell::from(*title)).collect();
        Self {
            header,
            rows: Vec::new(),
            remark: None,
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// What stands behind the header, if anything.
    #[must_use]
    pub(crate) fn remark(mut self, remark: Option<&'static str>) -> Self {
        self.remark = remark;
        self
    }

    /// The text: header, rule and rows; rows only if `bare`.
    pub(crate) fn render(&self, bare: bool, color: bool) -> String {
        let widths = self.widths(bare);
        let mut text = String::new();
        if !bare {
            text.push_str(&line(&self.header, &widths, color));
            if let Some(remark) = self.remark {
                text.push_str("   ");
                text.push_str(&Style::Yellow.paint(remark, color));
            }
            text.push('\n');
            text.push_str(&"-".repeat(widths.iter().map(|width| width + 3).sum()));
            text.push('\n');
        }
        for row in &self.rows {
            text.push_str(&line(row, &widths, color));
            text.push('\n');
        }
        text
    }

    fn widths(&self, bare: bool) -> Vec<usize> {
        let mut widths = vec![0; self.header.len()];
        let header = (!bare).then_some(&self.header);
        for row in header.into_iter().chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        widths
    }
}

/// Fields, one a line: `Name:           web`.
pub(crate) fn fields(list: &[(&str, String)], width: usize) -> String {
    let mut text = String::new();
    for (name, value) in list {
        let name = format!("{name}:");
        text.push_str(&format!("{name:width$}{}\n", clean(value)));
    }
    text
}

/// `text` without characters that a terminal would act on.
pub(crate) fn clean(text: &str) -> String {
    if !text.contains(|c: char| c.is_control()) {
        return text.to_owned();
    }
    let mut clean = String::new();
    for c in text.chars() {
        if c.is_control() {
            clean.push_str(&format!("\\x{:02x}", u32::from(c)));
        } else {
            clean.push(c);
        }
    }
    clean
}

fn line(cells: &[Cell], widths: &[usize], color: bool) -> String {
    let mut text = String::new();
    let last = widths.len().saturating_sub(1);
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        text.push(' ');
        text.push_str(&cell.style.paint(&cell.text, color));
        if column < last {
            let fill = width.saturating_sub(cell.text.chars().count()) + 2;
            text.push_str(&" ".repeat(fill));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_virshs_layout() {
        let mut table = Table::new(&["Id", "Name", "State"]);
        table.row(vec![
            "1".into(),
            "test".into(),
            Cell::from("running").styled(Style::Green),
        ]);
        assert_eq!(
            table.render(false, false),
            " Id   Name   State\n----------------------\n 1    test   running\n"
        );
        assert_eq!(
            table.render(true, true),
            " 1   test   \x1b[32mrunning\x1b[0m\n"
        );
    }

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(clean("a\x1b[2Jb"), "a\\x1b[2Jb");
    }

    #[test]
    fn fields_are_aligned() {
        assert_eq!(fields(&[("Id", "-".to_owned())], 16), "Id:             -\n");
    }
}
