//! Python's `%` on strings, as far as configuration files use it: `%s %d %i %x
//! %X %%` with width, zero padding and `-`.

use super::value::Value;

/// Widest padding.
const WIDTH_MAX: usize = 1000;

/// Longest result.
const LENGTH_MAX: usize = 1 << 20;

/// `format % values`; a list gives one value for each conversion.
pub(super) fn format(format: &str, values: &Value) -> Result<String, &'static str> {
    let mut values = match values {
        Value::List(values) => values.iter(),
        single => std::slice::from_ref(single).iter(),
    };
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if out.len() > LENGTH_MAX {
            return Err("gives a text over 1 MiB");
        }
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = String::new();
        while let Some(flag) = chars.next_if(|c| "-0 +".contains(*c)) {
            flags.push(flag);
        }
        let mut width = 0_usize;
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            width = width * 10 + digit.to_digit(10).unwrap_or(0) as usize;
            if width > WIDTH_MAX {
                return Err("has a width over 1000");
            }
        }
        let conversion = chars.next().ok_or("ends in '%'")?;
        if conversion == '%' {
            out.push('%');
            continue;
        }
        let value = values.next().ok_or("wants more values than there are")?;
        let text = converted(conversion, value)?;
        let missing = width.saturating_sub(text.chars().count());
        if flags.contains('-') {
            out.push_str(&text);
            out.extend(std::iter::repeat_n(' ', missing));
        } else if flags.contains('0') && conversion != 's' {
            let (sign, digits) = text
                .strip_prefix('-')
                .map_or(("", text.as_str()), |d| ("-", d));
            out.push_str(sign);
            out.extend(std::iter::repeat_n('0', missing));
            out.push_str(digits);
        } else {
            out.extend(std::iter::repeat_n(' ', missing));
            out.push_str(&text);
        }
    }
    if values.next().is_some() {
        Err("wants fewer values than there are")
    } else {
        Ok(out)
    }
}

fn converted(conversion: char, value: &Value) -> Result<String, &'static str> {
    match (conversion, value) {
        ('s', value) => value.to_text().ok_or("cannot show a list"),
        ('d' | 'i' | 'u', Value::Integer(number)) => Ok(number.to_string()),
        ('x', Value::Integer(number)) => Ok(format!("{number:x}")),
        ('X', Value::Integer(number)) => Ok(format!("{number:X}")),
        ('d' | 'i' | 'u' | 'x' | 'X', _) => Err("wants a number"),
        _ => Err("has a conversion other than %s %d %i %x %X %%"),
    }
}
