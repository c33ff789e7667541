//! Parameters of a request: the query of its path and the body of a POST.
//!
//! Two encodings, with the habits of Python's `cgi` module that XenD calls: `;`
//! separates as `&` does, a parameter without value counts in a body but not in a
//! query. What the parameters mean is told in `operations`.

/// Parameters by name, in their order; a name may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// A form of these parameters.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter, in order.
    #[cfg(test)]
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that comes exactly once.
    pub(crate) fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }

    /// Takes over `other`, whose parameters replace those of the same names.
    pub(crate) fn update(&mut self, other: Self) {
        self.pairs.retain(|(name, _)| other.get(name).is_none());
        self.pairs.extend(other.pairs);
    }

    fn add(&mut self, name: String, value: String) {
        self.pairs.push((name, value));
    }
}

/// Parameters of a query or of an `application/x-www-form-urlencoded` body.
/// `keep_blank` keeps those without a value, as XenD does for bodies.
pub(crate) fn url_encoded(text: &[u8], keep_blank: bool) -> Form {
    let mut form = Form::default();
    for pair in text.split(|byte| matches!(byte, b'&' | b';')) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        if pair.is_empty() || (value.is_empty() && !keep_blank) {
            continue;
        }
        form.add(unquoted_plus(name), unquoted_plus(value));
    }
    form
}

/// Parameters of a `multipart/form-data` body whose parts `boundary` separates.
pub(crate) fn multipart(body: &[u8], boundary: &str) -> Form {
    let mut form = Form::default();
    let marker = format!("--{boundary}");
    let last = format!("--{boundary}--");
    let mut part: Option<Vec<&[u8]>> = None;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = trimmed_end(line);
        if text == marker.as_bytes() || text == last.as_bytes() {
            if let Some((name, value)) = part.take().and_then(|lines| part_of(&lines)) {
                form.add(name, value);
            }
            if text == last.as_bytes() {
                break;
            }
            part = Some(Vec::new());
        } else if let Some(lines) = &mut part {
            lines.push(line);
        }
    }
    form
}

/// `%XX` undone; anything else stays, also a `%` that no two digits follow.
pub(crate) fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let code = digits
            .filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                plain.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push(*byte);
                rest = tail;
            }
        }
    }
    plain
}

fn unquoted_plus(text: &[u8]) -> String {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    String::from_utf8_lossy(&unquoted(&spaced)).into_owned()
}

/// Name and content of one part: headers, an empty line, lines whose last line end
/// belongs to the boundary.
fn part_of(lines: &[&[u8]]) -> Option<(String, String)> {
    let blank = lines.iter().position(|line| trimmed_end(line).is_empty())?;
    let name = lines.get(..blank)?.iter().find_map(|line| {
        let line = String::from_utf8_lossy(trimmed_end(line)).into_owned();
        let (header, value) = line.split_once(':')?;
        header
            .eq_ignore_ascii_case("content-disposition")
            .then(|| header_parameter(value, "name"))?
    })?;
    let mut content: &[u8] = &lines.get(blank + 1..)?.concat();
    content = content.strip_suffix(b"\n").unwrap_or(content);
    content = content.strip_suffix(b"\r").unwrap_or(content);
    Some((name, String::from_utf8_lossy(content).into_owned()))
}

/// The parameter `wanted` of a header value such as `form-data; name="x"`.
pub(crate) fn header_parameter(value: &str, wanted: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case(wanted)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn trimmed_end(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let Some((last, rest)) = line.split_last() {
        if !last.is_ascii_whitespace() {
            break;
        }
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_separates_and_a_blank_counts_in_bodies_only() {
        let body = url_encoded(b"op=mem_target_set&target=16;x=&op=two", true);
        assert_eq!(
            body.all("op").collect::<Vec<_>>(),
            ["mem_target_set", "two"]
        );
        assert_eq!(body.only("target"), Some("16"));
        assert_eq!(body.only("x"), Some(""));
        assert_eq!(body.only("op"), None);
        assert_eq!(url_encoded(b"x=&y", false), Form::default());
    }

    #[test]
    fn unquotes_what_is_quoted_only() {
        assert_eq!(unquoted(b"a%2Fb%zz%4"), b"a/b%zz%4");
        let form = url_encoded(b"n=a+b%2Bc", true);
        assert_eq!(form.get("n"), Some("a b+c"));
    }

    #[test]
    fn multipart_parts_keep_their_inner_line_ends() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"op\"\r\n\r\ncreate\r\n\
            --B\r\nContent-Disposition: form-data; name=\"config\"; filename=\"x\"\r\n\
            Content-Type: text/plain\r\n\r\n(vm\r\n(name x))\r\n--B--\r\n";
        let form = multipart(body, "B");
        assert_eq!(form.only("op"), Some("create"));
        assert_eq!(form.only("config"), Some("(vm\r\n(name x))"));
    }

    #[test]
    fn a_body_replaces_the_query() {
        let mut form = url_encoded(b"op=unpause&x=1", false);
        form.update(url_encoded(b"op=pause", true));
        assert_eq!(form.only("op"), Some("pause"));
        assert_eq!(form.only("x"), Some("1"));
    }
}
