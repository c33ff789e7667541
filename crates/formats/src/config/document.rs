//! A configuration file as a person wrote it, with its values.
//!
//! Setting one value changes its characters only; comments, order, unknown names
//! and spacing stay.

use super::error::ConfigError;
use super::lex::{Lexer, TokenKind};
use super::read;
use super::value::Value;
use std::fmt;

/// One statement of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Value after evaluation; of a `+=`, the sum so far.
    pub value: Value,
    /// Offset of the name.
    pub(super) start: usize,
    /// Offset of the value.
    pub(super) value_at: usize,
    /// Offset after the value.
    pub(super) end: usize,
    /// It is a `+=`.
    pub(super) adds: bool,
}

impl Setting {
    /// Byte offset of the name in the text.
    #[must_use]
    pub fn at(&self) -> usize {
        self.start
    }
}

/// A configuration file. [`Display`](fmt::Display) gives its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    text: String,
    settings: Vec<Setting>,
}

impl Document {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            text: text.to_owned(),
            settings: read::read(text)?,
        })
    }

    /// A new file with these names.
    pub(crate) fn from_settings<'a>(
        settings: impl Iterator<Item = (&'static str, &'a Value)>,
    ) -> Self {
        let mut text = String::new();
        for (name, value) in settings {
            text.push_str(name);
            text.push_str(" = ");
            value.write(&mut text);
            text.push('\n');
        }
        let mut document = Self {
            text,
            settings: Vec::new(),
        };
        document.refresh();
        document
    }

    /// All statements in order; a name may stand more than once, the last counts.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The value that a name has in the end.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.settings
            .iter()
            .rev()
            .find(|it| it.name == name)
            .map(|it| &it.value)
    }

    /// Line and column of a byte offset, from 1.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let kind = super::ConfigErrorKind::NumberRange;
        let error = ConfigError::at(&self.text, at, kind);
        (error.line, error.column)
    }

    /// Sets a name: where the file sets it already, in that place, else in a new
    /// last line. The same value changes nothing.
    pub fn set(&mut self, name: &str, value: &Value) {
        if self.get(name) == Some(value) {
            return;
        }
        let mut written = String::new();
        value.write(&mut written);
        self.free_users(name);
        let places = self.places(name);
        let Some((last, earlier)) = places.split_last() else {
            self.append(name, &written);
            return;
        };
        if last.adds {
            // A sum is in several lines: all but the first go.
            let first = earlier.first().unwrap_or(last).clone();
            for place in places.iter().skip(1).rev() {
                self.cut(place);
            }
            self.replace(&first, &written);
        } else {
            self.replace(last, &written);
        }
    }

    /// Removes a name, with the line where nothing else is in it.
    pub fn remove(&mut self, name: &str) {
        self.free_users(name);
        for place in self.places(name).iter().rev() {
            self.cut(place);
        }
        self.refresh();
    }

    fn append(&mut self, name: &str, written: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(name);
        self.text.push_str(" = ");
        self.text.push_str(written);
        self.text.push('\n');
        self.refresh();
    }

    fn replace(&mut self, place: &Setting, written: &str) {
        self.text.replace_range(place.value_at..place.end, written);
        self.refresh();
    }

    fn cut(&mut self, place: &Setting) {
        let before = self.text.get(..place.start).unwrap_or_default();
        let after = self.text.get(place.end..).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let alone = before
            .get(line_start..)
            .unwrap_or_default()
            .trim()
            .is_empty();
        let rest = after.find('\n').map_or(after.len(), |at| at + 1);
        let tail = after.get(..rest).unwrap_or_default().trim();
        let (start, end) = if alone && (tail.is_empty() || tail.starts_with('#')) {
            (line_start, place.end + rest)
        } else {
            let separator = usize::from(after.trim_start_matches([' ', '\t']).starts_with(';'));
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            (
                place.start,
                place.end + if separator == 1 { blanks + 1 } else { 0 },
            )
        };
        self.text.replace_range(start..end, "");
    }

    /// Gives every line that computes its value from this name the value that it
    /// has, so that a change of the name changes nothing else.
    fn free_users(&mut self, name: &str) {
        let uses = |it: &&Setting| it.name != name && self.mentions(it, name);
        let users: Vec<_> = self.settings.iter().filter(uses).cloned().collect();
        if users.is_empty() {
            return;
        }
        for user in users.iter().rev() {
            let mut written = String::new();
            let start = if user.adds {
                written = format!("{} = ", user.name);
                user.start
            } else {
                user.value_at
            };
            user.value.write(&mut written);
            self.text.replace_range(start..user.end, &written);
        }
        self.refresh();
    }

    fn mentions(&self, setting: &Setting, name: &str) -> bool {
        let text = self.text.get(setting.value_at..setting.end);
        let mut lexer = Lexer::new(text.unwrap_or_default());
        loop {
            match lexer.next().map(|token| token.kind) {
                Ok(TokenKind::Name(used)) if used == name => return true,
                Ok(TokenKind::End) | Err(_) => return false,
                Ok(_) => {}
            }
        }
    }

    fn places(&self, name: &str) -> Vec<Setting> {
        let named = self.settings.iter().filter(|it| it.name == name);
        named.cloned().collect()
    }

    /// Reads the changed text anew.
    fn refresh(&mut self) {
        if let Ok(settings) = read::read(&self.text) {
            self.settings = settings;
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigErrorKind;

    const FILE: &str = "# my guest\nname = 'web'   # the name\nmemory=64; vcpus = 2\n\
        disk = [ 'file:/a,xvda,w',\n         'phy:/b,xvdb,r', ]\nodd_key = \"\"\"kept\"\"\"\n";

    #[test]
    fn a_change_touches_its_value_only() {
        let mut document = Document::read(FILE).unwrap();
        assert_eq!(document.to_string(), FILE);
        document.set("memory", &Value::Integer(64));
        assert_eq!(document.to_string(), FILE);
        document.set("memory", &Value::Integer(128));
        document.set("name", &Value::text("web2"));
        document.set("boot", &Value::text("c"));
        let expected = FILE.replace("=64", "=128").replace("'web'", "\"web2\"");
        assert_eq!(document.to_string(), format!("{expected}boot = \"c\"\n"));
        assert_eq!(document.get("boot"), Some(&Value::text("c")));
    }

    #[test]
    fn a_removal_leaves_its_neighbours() {
        let mut document = Document::read(FILE).unwrap();
        document.remove("memory");
        document.remove("name");
        document.remove("disk");
        assert_eq!(
            document.to_string(),
            "# my guest\n vcpus = 2\nodd_key = \"\"\"kept\"\"\"\n"
        );
        assert_eq!(document.settings().len(), 2);
    }

    #[test]
    fn a_change_does_not_reach_lines_that_compute_with_it() {
        let text =
            "vmid = 3\nname = 'vm%d' % vmid  # by number\nlist = []\nlist += ['%d' % vmid]\n";
        let mut document = Document::read(text).unwrap();
        document.set("vmid", &Value::List(Vec::new()));
        assert_eq!(
            document.to_string(),
            "vmid = [  ]\nname = \"vm3\"  # by number\nlist = []\nlist = [ \"3\" ]\n"
        );
        assert_eq!(document.get("name"), Some(&Value::text("vm3")));
        let mut document = Document::read("memory = 64\nmaxmem = 2 * memory\n").unwrap();
        document.remove("memory");
        assert_eq!(document.to_string(), "maxmem = 128\n");
    }

    #[test]
    fn fractions_are_read_again() {
        let mut document = Document::read("a = 1\n").unwrap();
        for number in [0.5, 1e-9, 1e30, 2.0, -3.25] {
            document.set("a", &Value::Real(number));
            let again = Document::read(&document.to_string()).unwrap();
            assert_eq!(
                again.get("a").and_then(Value::to_text),
                Some(number.to_string())
            );
        }
        assert!(Document::read("a = 1e999").is_err());
    }

    #[test]
    fn sums_are_replaced_as_a_whole() {
        let mut document = Document::read("a = ['1']\nb = 1\na += ['2']\n").unwrap();
        let both = [Value::text("1"), Value::text("2")];
        assert_eq!(document.get("a").and_then(Value::as_list), Some(&both[..]));
        document.set("a", &Value::List(vec![Value::text("3")]));
        assert_eq!(document.to_string(), "a = [ \"3\" ]\nb = 1\n");
    }

    #[test]
    fn python_of_real_files_is_evaluated() {
        let text = "import_me = 0\nvmid = 3\nname = \"vm%d\" % vmid\nip = '10.0.%d.%02x' % (vmid, 10)\n\
            memory = 2 * 128 + len('ab')\nextra = 'a' 'b' + r'\\c'\nhalf = -7 / 2\npae = True\n\
            vif = [ 'mac=%s' % '00:16', ]\nmode = 0x1f\nt = (1,)\nn = int('5') + 010L\n";
        let document = Document::read(text).unwrap();
        let text = |name: &str| document.get(name).and_then(Value::to_text).unwrap();
        assert_eq!(text("name"), "vm3");
        assert_eq!(text("ip"), "10.0.3.0a");
        assert_eq!(text("memory"), "258");
        assert_eq!(text("extra"), "ab\\c");
        assert_eq!(text("half"), "-4");
        assert_eq!(text("pae"), "1");
        assert_eq!(text("mode"), "31");
        assert_eq!(text("n"), "13");
        assert_eq!(
            document.get("t"),
            Some(&Value::List(vec![Value::Integer(1)]))
        );
        assert_eq!(
            document.get("vif"),
            Some(&Value::List(vec![Value::text("mac=00:16")]))
        );
    }

    #[test]
    fn other_python_is_refused_with_its_place() {
        let refused = |text: &str| Document::read(text).unwrap_err();
        let error = refused("a = 1\nimport os\n");
        assert_eq!((error.line, error.column), (2, 1));
        assert_eq!(
            error.kind,
            ConfigErrorKind::Code {
                word: "import".into()
            }
        );
        let error = refused("arch = os.uname()[4]\n");
        assert_eq!(error.kind, ConfigErrorKind::Code { word: "os".into() });
        let error = refused("if a:\n    b = 1\n");
        assert_eq!(error.kind, ConfigErrorKind::Code { word: "if".into() });
        let error = refused("a = open('/etc/passwd')\n");
        assert_eq!(
            error.kind,
            ConfigErrorKind::Call {
                name: "open".into()
            }
        );
        assert_eq!((error.line, error.column), (1, 5));
        assert_eq!(
            refused("a = b").kind,
            ConfigErrorKind::UnknownName { name: "b".into() }
        );
        assert_eq!(
            refused("a = [ 'x'").kind,
            ConfigErrorKind::Open { what: "list" }
        );
        assert_eq!(
            refused("a = 'x\ny'").kind,
            ConfigErrorKind::Open { what: "string" }
        );
        for bad in [
            "a = 1 2",
            "= 1",
            "a = ",
            "a = 'x' - 1",
            "a = 1 % 0",
            "a = '%q' % 1",
            "a = 99999999999999999999",
            "a = 0x",
            "a = {1: 2}",
            "a = 1 if 2 else 3",
            "\u{e9} = 1",
        ] {
            assert!(Document::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = format!("a = {}", "[".repeat(100_000));
        let kind = Document::read(&deep).unwrap_err().kind;
        assert_eq!(
            kind,
            ConfigErrorKind::Limit {
                what: "nested brackets",
                limit: 32
            }
        );
        let minus = format!("a = {}1", "-".repeat(100_000));
        assert!(Document::read(&minus).is_err());
        let mut text = String::from("a = 'xxxxxxxxxxxxxxxx'\n");
        for _ in 0..40 {
            text.push_str("a = a + a\n");
        }
        assert!(Document::read(&text).is_err());
        // Lists that double, sums that are kept for each line, wide formats.
        let doubling = format!("a = [1]\n{}", "a = [a, a]\n".repeat(30));
        let sums = format!("a = [1]\n{}", "a += ['x']\n".repeat(9_000));
        let wide = format!(
            "f = '{}'\nv = [{}]\n{}",
            "%1000d".repeat(1000),
            "1,".repeat(1000),
            "a = f % v\n".repeat(9_000)
        );
        let nested = format!("a = [1]\n{}", "a = [a]\n".repeat(9_000));
        for text in [doubling, sums, wide, nested] {
            let kind = Document::read(&text).unwrap_err().kind;
            assert!(matches!(kind, ConfigErrorKind::Limit { .. }), "{kind}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_reading_keeps_it(text in "[-a-z0-9='\"\\[\\](),+*/% \n#\\\\;]{0,60}") {
            if let Ok(document) = Document::read(&text) {
                proptest::prop_assert_eq!(document.to_string(), text);
            }
        }

        #[test]
        fn what_is_set_is_read_again(value in "[ -~é\n]{0,30}", number: i64) {
            let mut document = Document::read(FILE).unwrap();
            let list = vec![Value::text(value.clone()), Value::Integer(number.saturating_abs())];
            document.set("name", &Value::text(value));
            document.set("list", &Value::List(list));
            let again = Document::read(&document.to_string()).unwrap();
            proptest::prop_assert_eq!(again.get("name"), document.get("name"));
            proptest::prop_assert_eq!(again.get("list"), document.get("list"));
            proptest::prop_assert!(document.get("list").is_some());
        }
    }
}
