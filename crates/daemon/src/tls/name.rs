//! The name of a certificate's owner as text, the way GnuTLS writes it for lists such
//! as `tls_allowed_dn_list`: the parts in the certificate's order, RFC 4514's words
//! and escapes.
//!
//! Whether the certificate is good is not asked here.

/// The words for the parts of a name, by their object identifiers. Those that have
/// none appear with their numbers, and their values as bytes.
const WORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "surName"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.65", "pseudonym"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "EMAIL"),
    (
        "1.3.6.1.4.1.311.60.2.1.1",
        "jurisdictionOfIncorporationLocalityName",
    ),
    (
        "1.3.6.1.4.1.311.60.2.1.2",
        "jurisdictionOfIncorporationStateOrProvinceName",
    ),
    (
        "1.3.6.1.4.1.311.60.2.1.3",
        "jurisdictionOfIncorporationCountryName",
    ),
];

/// Tags of DER.
mod tag {
    pub(super) const OBJECT: u8 = 0x06;
    pub(super) const UTF8: u8 = 0x0c;
    pub(super) const PRINTABLE: u8 = 0x13;
    pub(super) const TELETEX: u8 = 0x14;
    pub(super) const IA5: u8 = 0x16;
    pub(super) const UNIVERSAL: u8 = 0x1c;
    pub(super) const BMP: u8 = 0x1e;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
}

/// The text of a name, given the DER of its parts without the sequence around them.
/// None when it is not DER.
pub(crate) fn text(mut parts: &[u8]) -> Option<String> {
    let mut text = String::new();
    while !parts.is_empty() {
        let (mut set, rest) = expect(parts, tag::SET)?;
        parts = rest;
        let mut separator = if text.is_empty() { "" } else { "," };
        while !set.is_empty() {
            let (part, rest) = expect(set, tag::SEQUENCE)?;
            set = rest;
            text.push_str(separator);
            text.push_str(&part_text(part)?);
            separator = "+";
        }
    }
    Some(text)
}

/// One part: `CN=ann`.
fn part_text(part: &[u8]) -> Option<String> {
    let (object, value) = expect(part, tag::OBJECT)?;
    let object = identifier(object)?;
    let (kind, bytes, rest) = element(value)?;
    if !rest.is_empty() {
        return None;
    }
    let word = WORDS.iter().find(|(number, _)| *number == object);
    let known = word.and_then(|(_, word)| Some((word, decoded(kind, bytes)?)));
    Some(match known {
        Some((word, value)) => format!("{word}={}", escaped(&value)),
        None => {
            let name = word.map_or(object.as_str(), |(_, word)| word);
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{name}=#{hex}")
        }
    })
}

/// An element with this tag, without its head, and what is behind it.
fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, inside, rest) = element(bytes)?;
    (found == tag).then_some((inside, rest))
}

/// The first element: its tag, what is inside, what is behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, mut bytes) = bytes.split_first()?;
    let mut length = usize::from(first);
    if first > 0x80 {
        let (digits, rest) = bytes.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 3 {
            return None;
        }
        length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        bytes = rest;
    } else if first == 0x80 {
        return None;
    }
    let (inside, rest) = bytes.split_at_checked(length)?;
    Some((tag, inside, rest))
}

/// An object identifier in numbers.
fn identifier(bytes: &[u8]) -> Option<String> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number: u64 = 0;
    for byte in bytes {
        number = number
            .checked_mul(128)?
            .checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if numbers.is_empty() {
            // The first two numbers are in one.
            let first = (number / 40).min(2);
            numbers.push(first);
            number = number.checked_sub(first.checked_mul(40)?)?;
        }
        numbers.push(std::mem::take(&mut number));
    }
    let complete = bytes.last().is_some_and(|last| last & 0x80 == 0);
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    complete.then(|| numbers.join("."))
}

/// A value of a kind that is text, if it is text that can be shown.
fn decoded(kind: u8, bytes: &[u8]) -> Option<String> {
    let text = match kind {
        tag::UTF8 | tag::PRINTABLE | tag::IA5 => String::from_utf8(bytes.to_vec()).ok()?,
        tag::TELETEX => bytes.iter().copied().map(char::from).collect(),
        tag::BMP => {
            let (units, []) = bytes.as_chunks::<2>() else {
                return None;
            };
            let units = units.iter().copied().map(u16::from_be_bytes);
            char::decode_utf16(units).collect::<Result<_, _>>().ok()?
        }
        tag::UNIVERSAL => {
            let (units, []) = bytes.as_chunks::<4>() else {
                return None;
            };
            let units = units.iter().copied().map(u32::from_be_bytes);
            units.map(char::from_u32).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!text.chars().any(char::is_control)).then_some(text)
}

/// A value with a backslash before what would mean something in a name.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    let last = value.len().saturating_sub(1);
    for (place, character) in value.char_indices() {
        let special = match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            '#' => place == 0,
            ' ' => place == 0 || place == last,
            _ => false,
        };
        if special {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, inside: &[u8]) -> Vec<u8> {
        let length = u8::try_from(inside.len()).unwrap();
        let head = if length < 0x80 {
            vec![tag, length]
        } else {
            vec![tag, 0x81, length]
        };
        [head, inside.to_vec()].concat()
    }

    fn part(object: &[u8], kind: u8, value: &[u8]) -> Vec<u8> {
        let inside = [der(tag::OBJECT, object), der(kind, value)].concat();
        der(tag::SEQUENCE, &inside)
    }

    const COUNTRY: &[u8] = &[0x55, 4, 6];
    const NAME: &[u8] = &[0x55, 4, 3];

    /// As `virt-pki-query-dn` prints certificates with these names.
    #[test]
    fn names_are_written_as_gnutls_writes_them() {
        let set = |parts: &[Vec<u8>]| der(tag::SET, &parts.concat());
        let one = |object: &[u8], kind, value: &[u8]| set(&[part(object, kind, value)]);
        let email = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
        let user = [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1];
        for (name, expected) in [
            (
                [
                    one(COUNTRY, tag::PRINTABLE, b"GB"),
                    one(NAME, tag::UTF8, "Ünï".as_bytes()),
                ],
                "C=GB,CN=Ünï",
            ),
            (
                [one(NAME, tag::UTF8, b"Q\"uo<te>\\;a,b+c=d #e"), Vec::new()],
                "CN=Q\\\"uo\\<te\\>\\\\\\;a\\,b\\+c=d #e",
            ),
            (
                [one(NAME, tag::UTF8, b" x "), one(NAME, tag::UTF8, b"#x")],
                "CN=\\ x\\ ,CN=\\#x",
            ),
            (
                [
                    set(&[part(NAME, tag::UTF8, b"y"), part(&user, tag::UTF8, b"z")]),
                    Vec::new(),
                ],
                "CN=y+UID=z",
            ),
            ([one(&email, tag::IA5, b"a@b.c"), Vec::new()], "EMAIL=a@b.c"),
            (
                [one(&[0x55, 4, 97], tag::UTF8, b"oi"), Vec::new()],
                "2.5.4.97=#0c026f69",
            ),
            (
                [one(NAME, tag::BMP, &[0, 0x41, 1, 0x61]), Vec::new()],
                "CN=Aš",
            ),
            (
                [one(NAME, tag::UTF8, b"a\0b"), Vec::new()],
                "CN=#0c03610062",
            ),
            (
                [one(NAME, tag::UTF8, &[b'x'; 130]), Vec::new()],
                &format!("CN={}", "x".repeat(130)),
            ),
        ] {
            assert_eq!(text(&name.concat()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_name_has_no_text() {
        let whole = der(tag::SET, &part(NAME, tag::UTF8, b"ann"));
        for length in 1..whole.len() {
            assert_eq!(text(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(text(&[tag::SET, 0x80, 0, 0]), None);
        assert_eq!(text(&[tag::SET, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(text(&[]).as_deref(), Some(""));
    }
}
