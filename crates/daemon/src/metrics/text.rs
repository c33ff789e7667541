//! Prometheus' text format, version 0.0.4: families of samples with labels.
//!
//! Which families there are is in the other files.

use std::fmt::Write;

/// A page of metrics while it is written.
#[derive(Debug, Default)]
pub(super) struct Page(String);

/// What a family of numbers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until it begins anew.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Numbers in classes.
    Histogram,
}

/// A number of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// Names and values of a sample.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// Begins a family. All its samples have to follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn sample(&mut self, name: &str, labels: Labels<'_>, number: impl Into<Number>) {
        self.0.push_str(name);
        let mut before = '{';
        for (label, value) in labels {
            self.0.push(before);
            before = ',';
            let _ = write!(self.0, "{label}=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = match number.into() {
            Number::Whole(number) => writeln!(self.0, " {number}"),
            Number::Real(number) => writeln!(self.0, " {number}"),
        };
    }

    /// A family of one sample without labels.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, number: impl Into<Number>) {
        self.family(name, kind, help);
        self.sample(name, &[], number);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_prometheus_reads() {
        let mut page = Page::default();
        page.single("up", Kind::Gauge, "Whether it is.", 1);
        page.family("time_total", Kind::Counter, "Time.");
        page.sample("time_total", &[("a", "x\"\\\n"), ("b", "")], 0.25);
        let expected = "# HELP up Whether it is.\n# TYPE up gauge\nup 1\n\
                        # HELP time_total Time.\n# TYPE time_total counter\n\
                        time_total{a=\"x\\\"\\\\\\n\",b=\"\"} 0.25\n";
        assert_eq!(page.into_text(), expected);
    }
}
