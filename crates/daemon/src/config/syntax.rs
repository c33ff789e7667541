//! The language of the configuration file: `key = value` in lines, values being
//! numbers, texts in quotes and lists of texts.
//!
//! What the keys mean is in `keys`.

/// Elements of a list.
const LIST_MAX: usize = 10_000;

/// A value in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    List(Vec<String>),
}

/// What there is to say about a line, and its number.
pub(crate) type Remark = (usize, String);

/// The keys and values of a file, with their lines.
///
/// # Errors
/// Names the first line that is not understood.
pub(super) fn parse(file: &str) -> Result<Vec<(usize, String, Value)>, Remark> {
    let parsed = statements(file).into_iter().map(|(line, statement)| {
        let at = |message: String| (line, message);
        let (key, value) = statement
            .split_once('=')
            .ok_or_else(|| at("'key = value' is needed".to_owned()))?;
        let value = parse_value(value.trim()).map_err(at)?;
        Ok((line, key.trim().to_owned(), value))
    });
    parsed.collect()
}

/// Lines without comments, those of a list joined, with the number of the first.
fn statements(file: &str) -> Vec<(usize, String)> {
    let mut statements: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(file.lines()) {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        match statements.last_mut().filter(|_| open) {
            Some((_, statement)) => statement.push_str(line),
            None => {
                let value = line.split_once('=').map_or("", |(_, value)| value.trim());
                open = value.starts_with('[');
                statements.push((number, line.to_owned()));
            }
        }
        open &= !line.ends_with(']');
    }
    statements
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (place, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') => return line.get(..place).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    line
}

fn parse_value(value: &str) -> Result<Value, String> {
    if let Some(list) = between(value, '[', ']') {
        return parse_list(list).map(Value::List);
    }
    if let Some(text) = quoted(value) {
        return Ok(Value::Text(text.to_owned()));
    }
    let number = value.parse().map(Value::Number);
    number.map_err(|_| format!("{value} is no number, text in quotes or list"))
}

fn parse_list(list: &str) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let quote = rest
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''));
        let text = quote.and_then(|quote| rest.get(1..)?.split_once(quote));
        let (text, behind) = text.ok_or_else(|| format!("{rest} is no text in quotes"))?;
        if texts.len() == LIST_MAX {
            return Err(format!("a list has at most {LIST_MAX} texts"));
        }
        texts.push(text.to_owned());
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.is_empty() => behind,
            None => return Err(format!("a comma is needed before {behind}")),
        };
    }
    Ok(texts)
}

fn quoted(value: &str) -> Option<&str> {
    let text = between(value, '"', '"').or_else(|| between(value, '\'', '\''))?;
    let quote = value.chars().next()?;
    (!text.contains(quote)).then_some(text)
}

fn between(value: &str, open: char, close: char) -> Option<&str> {
    value.strip_prefix(open)?.strip_suffix(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(file: &str) -> Result<Value, Remark> {
        parse(file).map(|mut values| values.remove(0).2)
    }

    #[test]
    fn values_are_numbers_texts_and_lists() {
        let list = |texts: &[&str]| Value::List(texts.iter().map(|text| (*text).into()).collect());
        for (file, value) in [
            ("a = -7", Value::Number(-7)),
            ("a = \"x # y\" # z", Value::Text("x # y".into())),
            ("a = 'it is \"so\"'", Value::Text("it is \"so\"".into())),
            ("a = []", list(&[])),
            ("a = [ \"x,]\", 'y' ]", list(&["x,]", "y"])),
            ("a = [\n # why\n \"x\",\n\n \"y\",\n]\n", list(&["x", "y"])),
        ] {
            assert_eq!(one(file), Ok(value), "{file}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_refused_with_its_line() {
        for file in [
            "a",
            "a = b",
            "a = \"b",
            "a = \"b\"c\"",
            "a = [ b ]",
            "a = [ \"b\" \"c\" ]",
        ] {
            assert_eq!(one(&format!("\n{file}")).unwrap_err().0, 2, "{file}");
        }
    }
}
