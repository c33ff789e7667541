//! First look at a document: bounds, before a tree is built of it.
//!
//! A tree builder may do work that grows with the square of depth, attributes or
//! namespaces; this pass is linear and allocates nothing. It does not check that
//! the document is well-formed.

use super::Limits;
use crate::ProblemKind;

/// Attributes of one element.
const MOST_ATTRIBUTES: usize = 128;
/// Declarations of namespaces in the whole document.
const MOST_NAMESPACES: usize = 1024;

/// Looks for what is over the limits and for a document type.
///
/// # Errors
/// The first such thing, with its place.
pub(super) fn scan(text: &str, limits: &Limits) -> Result<(), (usize, ProblemKind)> {
    let limit = |at, what, limit| Err((at, ProblemKind::Limit { what, limit }));
    if text.len() > limits.bytes {
        return limit(0, "bytes", limits.bytes);
    }
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut namespaces) = (0, 0_usize, 0);
    while let Some(start) = find(bytes, at, b'<') {
        let rest = bytes.get(start..).unwrap_or_default();
        let skip_to = |end: &str| {
            text.get(start..)
                .and_then(|rest| rest.find(end))
                .map_or(text.len(), |found| start + found + end.len())
        };
        if rest.starts_with(b"<!--") {
            at = skip_to("-->");
        } else if rest.starts_with(b"<![CDATA[") {
            at = skip_to("]]>");
        } else if rest.starts_with(b"<!") {
            return Err((start, ProblemKind::Doctype));
        } else if rest.starts_with(b"<?") {
            at = skip_to("?>");
        } else if rest.starts_with(b"</") {
            depth = depth.saturating_sub(1);
            at = start + 2;
        } else {
            let tag = scan_tag(bytes, start);
            namespaces += tag.namespaces;
            if tag.attributes > MOST_ATTRIBUTES {
                return limit(start, "attributes of one element", MOST_ATTRIBUTES);
            }
            if namespaces > MOST_NAMESPACES {
                return limit(start, "declarations of namespaces", MOST_NAMESPACES);
            }
            if !tag.empty {
                depth += 1;
            }
            if depth > limits.depth {
                return limit(start, "levels of elements", limits.depth);
            }
            at = tag.end;
        }
    }
    Ok(())
}

struct Tag {
    end: usize,
    empty: bool,
    attributes: usize,
    namespaces: usize,
}

fn scan_tag(bytes: &[u8], start: usize) -> Tag {
    let mut tag = Tag {
        end: bytes.len(),
        empty: false,
        attributes: 0,
        namespaces: 0,
    };
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'>' => {
                tag.empty = bytes.get(at - 1) == Some(&b'/');
                tag.end = at + 1;
                break;
            }
            quote @ (b'\'' | b'"') => {
                tag.attributes += 1;
                at = find(bytes, at + 1, *quote).unwrap_or(bytes.len());
            }
            b'x' if bytes
                .get(at..)
                .is_some_and(|rest| rest.starts_with(b"xmlns")) =>
            {
                tag.namespaces += 1;
            }
            _ => {}
        }
        at += 1;
    }
    tag
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter()
        .position(|byte| *byte == wanted)
        .map(|found| from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold() {
        let limits = Limits {
            depth: 3,
            ..Limits::default()
        };
        assert_eq!(
            scan("<a><b><c x='<' y=\">\"/><c/></b></a>", &limits),
            Ok(())
        );
        let (at, kind) = scan("<a><b><c><d>", &limits).unwrap_err();
        assert_eq!(at, 9);
        assert_eq!(kind.to_string(), "more than 3 levels of elements");
        assert_eq!(scan("<a><!-- <b><b><b><b> --></a>", &limits), Ok(()));
        let many = format!("<a {}/>", "a='' ".repeat(200));
        assert!(scan(&many, &limits).is_err());
        let many = "<a xmlns:a='b'/>".repeat(2000);
        assert!(scan(&many, &limits).is_err());
    }

    #[test]
    fn a_document_type_is_found() {
        let text = "<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY a 'b'>]><x/>";
        assert_eq!(
            scan(text, &Limits::default()),
            Err((22, ProblemKind::Doctype))
        );
    }
}
