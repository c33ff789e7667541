//! What a reply says: text, nothing, or an error in XenD's words.
//!
//! Statuses changed with the releases, `(xend.err …)` did not: it is an error
//! whatever the status, since long operations set theirs before they run.

use crate::error::{Error, Result};
use crate::reply::Reply;
use virtxen_formats::sxpr::{Limits, read_prefix};

/// What an answer is read for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Name of the operation, for errors.
    pub operation: &'static str,
    /// The path names a domain.
    pub domain: bool,
    /// This release says that a domain is unknown with "500 Internal server
    /// error" and an empty body (Xen 3.1 to 3.3).
    pub unknown_is_internal_error: bool,
}

/// The text of a reply, empty where it has none.
///
/// # Errors
/// What XenD said was wrong.
pub fn answer(asked: Asked, reply: Reply) -> Result<String> {
    let operation = asked.operation;
    let status = reply.status;
    let body = text(reply.body);
    if body.trim_start().starts_with("(xend.err") {
        let words = words_of_error(&body);
        return Err(Error::Refused {
            operation,
            status,
            words,
        });
    }
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let said = plain(&body);
    let silent = said.is_empty();
    let words = if silent {
        format!("{status} {}", reply.reason)
    } else {
        said
    };
    Err(match status {
        404 if asked.domain && !words.starts_with("Not found:") => {
            Error::NoDomain { operation, words }
        }
        500 if asked.domain && silent && asked.unknown_is_internal_error => {
            Error::NoDomain { operation, words }
        }
        501 => Error::NotImplemented { operation, words },
        _ => Error::Refused {
            operation,
            status,
            words,
        },
    })
}

/// Replies are UTF-8 as far as the requests were; the log may hold anything.
fn text(body: Vec<u8>) -> String {
    String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The text in `(xend.err 'text')`. Xen 3.0.4 leaves it out for errors that
/// have none.
fn words_of_error(body: &str) -> String {
    let words = match read_prefix(body, Limits::default()) {
        Ok((tree, _)) => {
            let words: Vec<&str> = tree
                .rest()
                .iter()
                .filter_map(|node| node.as_atom())
                .collect();
            words.join(" ")
        }
        // Bare words with characters that the dialect has quoted.
        Err(_) => {
            let inner = body.trim().trim_start_matches("(xend.err");
            inner.trim_end_matches(')').trim().to_owned()
        }
    };
    if words.is_empty() {
        "an error without words".to_owned()
    } else {
        words
    }
}

/// A body that is not an S-expression, for people: the last line of an HTML
/// page's text is where a traceback has its cause.
fn plain(body: &str) -> String {
    let body = body.trim();
    // From 4.1 on, what a page's function returns follows what it wrote.
    let body = body.strip_suffix("''").unwrap_or(body).trim();
    if !looks_like_html(body) {
        return body.to_owned();
    }
    let text = without_tags(body);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.next_back().unwrap_or_default();
    if text.contains("Traceback") {
        last.to_owned()
    } else {
        let lines: Vec<&str> = lines.chain([last]).collect();
        lines.join(" ").trim().to_owned()
    }
}

fn looks_like_html(body: &str) -> bool {
    let start: String = body.chars().take(200).collect::<String>().to_lowercase();
    ["<html", "<head", "<body", "<pre", "<h1", "<p>", "<!doctype"]
        .iter()
        .any(|tag| start.contains(tag))
}

fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((tag, next)) = after.split_once('>') else {
            rest = "";
            break;
        };
        let tag = tag.trim_start_matches('/').to_lowercase();
        if ["p", "br", "pre", "h1", "h2", "li", "title", "head", "body"]
            .iter()
            .any(|name| tag.split(' ').next() == Some(name))
        {
            out.push('\n');
        }
        rest = next;
    }
    out.push_str(rest);
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, reason: &str, body: &str) -> Result<String> {
        let asked = Asked {
            operation: "pause",
            domain: true,
            unknown_is_internal_error: true,
        };
        let reply = Reply {
            status,
            reason: reason.to_owned(),
            content_type: None,
            location: None,
            body: body.as_bytes().to_vec(),
        };
        answer(asked, reply)
    }

    fn words(result: Result<String>) -> String {
        match result.unwrap_err() {
            Error::Refused { words, .. }
            | Error::NoDomain { words, .. }
            | Error::NotImplemented { words, .. } => words,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_error_is_one_whatever_the_status() {
        for status in [200, 202, 500] {
            let body = r#"(xend.err "can't connect: [Errno 111]")"#;
            assert_eq!(words(said(status, "", body)), "can't connect: [Errno 111]");
        }
        assert_eq!(
            words(said(500, "", "(xend.err )")),
            "an error without words"
        );
        assert_eq!(words(said(500, "", "(xend.err it's)")), "it's");
        assert_eq!(words(said(500, "", r"(xend.err 'a\nb\'')")), "a\nb'");
    }

    #[test]
    fn unknown_domains_of_every_release() {
        for (status, body) in [
            (404, "No such domain x"),
            (404, "No domain named 'x'."),
            (404, "<Fault 3: 'x'>"),
            (500, ""),
        ] {
            let error = said(status, "Internal server error", body).unwrap_err();
            assert!(error.is_no_domain(), "{error}");
        }
        let other = said(404, "Not found", "Not found: more").unwrap_err();
        assert!(matches!(other, Error::Refused { status: 404, .. }));
    }

    #[test]
    fn unknown_operations() {
        let error = said(501, "x", "Operation not implemented: y''").unwrap_err();
        assert!(matches!(error, Error::NotImplemented { words, .. }
            if words == "Operation not implemented: y"));
        assert_eq!(
            words(said(413, "Request entity too large", "")),
            "413 Request entity too large"
        );
    }

    #[test]
    fn html_is_reduced_to_its_words() {
        let page = "<html><head><title>Error</title></head><body><pre>Traceback (most recent \
                    call last):\n  File \"x.py\", line 3\nXendError: no &lt;disk&gt;\n</pre></body></html>";
        assert_eq!(words(said(500, "x", page)), "XendError: no <disk>");
        assert_eq!(
            words(said(
                400,
                "x",
                "<html><body><h1>Bad</h1><p>request</body></html>"
            )),
            "Bad request"
        );
    }
}
