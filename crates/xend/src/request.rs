//! Requests to XenD: method, path, query or form, to bytes.
//!
//! Nothing here opens a connection, and nothing knows what an operation means;
//! only how its parts are spelled so that every XenD release reads them.

/// Most bytes of a form that XenD reads, all releases. A longer one is answered
/// with 413 and a reset.
pub const FORM_LIMIT: usize = 10_000;

/// Method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks; changes nothing.
    Get,
    /// Does.
    Post,
    /// As `GET`, the answer has no body.
    Head,
}

/// One request. It is complete in itself: XenD serves one a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    method: Method,
    path: String,
    query: String,
    form: String,
}

/// A form that XenD would not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has {length} bytes, XenD reads {FORM_LIMIT}: the configuration is too large")]
pub struct FormTooLarge {
    /// Length of the encoded form in bytes.
    pub length: usize,
}

impl Request {
    /// `GET` of the path made of these segments; a segment may hold any text.
    #[must_use]
    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::Get, segments)
    }

    /// `POST` to the path made of these segments.
    #[must_use]
    pub fn post(segments: &[&str]) -> Self {
        Self::new(Method::Post, segments)
    }

    /// Adds a parameter to the query, for `GET`.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        add(&mut self.query, name, value);
        self
    }

    /// Adds a parameter to the form, for `POST`.
    #[must_use]
    pub fn form(mut self, name: &str, value: &str) -> Self {
        add(&mut self.form, name, value);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Path and query as they are sent.
    #[must_use]
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// The bytes to send.
    ///
    /// # Errors
    /// When the form is longer than XenD reads.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormTooLarge> {
        if self.form.len() > FORM_LIMIT {
            return Err(FormTooLarge {
                length: self.form.len(),
            });
        }
        let method = match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Head => "HEAD",
        };
        // Without User-Agent XenD answers in S-expressions, errors included.
        let mut text = format!("{method} {} HTTP/1.1\r\nHost: localhost\r\n", self.target());
        text.push_str("Accept: application/sxp\r\nConnection: close\r\n");
        if self.method == Method::Post {
            text.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            text.push_str(&format!("Content-Length: {}\r\n", self.form.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.form);
        Ok(text.into_bytes())
    }

    fn new(method: Method, segments: &[&str]) -> Self {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            // A segment "." or ".." is only special to clients that normalise.
            escape(&mut path, segment, |b| {
                b.is_ascii_alphanumeric() || b"-._~:".contains(&b)
            });
        }
        Self {
            method,
            path,
            query: String::new(),
            form: String::new(),
        }
    }
}

/// Appends `name=value`. Only what a form reader would take for something else
/// is escaped, since XenD counts the encoded bytes against its limit.
fn add(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    for (text, end) in [(name, "="), (value, "")] {
        for (i, word) in text.split(' ').enumerate() {
            if i > 0 {
                out.push('+');
            }
            escape(out, word, |b| {
                b.is_ascii_graphic() && !b"%&+;=#".contains(&b)
            });
        }
        out.push_str(end);
    }
}

fn escape(out: &mut String, text: &str, stands: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if stands(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_segment_may_hold_anything() {
        let request = Request::get(&["xend", "domain", "a b/ü+?"]).query("detail", "1");
        assert_eq!(
            request.target(),
            "/xend/domain/a%20b%2F%C3%BC%2B%3F?detail=1"
        );
        let text = String::from_utf8(request.to_bytes().unwrap()).unwrap();
        assert!(text.starts_with("GET /xend/domain/a%20b"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }

    #[test]
    fn a_form_is_escaped_sparingly() {
        let request = Request::post(&["xend", "domain"])
            .form("op", "create")
            .form("config", "(vm (name 'a+b')(args \"x=1;y%&ü\n\"))");
        let text = String::from_utf8(request.to_bytes().unwrap()).unwrap();
        let body = text.split("\r\n\r\n").nth(1).unwrap();
        assert_eq!(
            body,
            "op=create&config=(vm+(name+'a%2Bb')(args+\"x%3D1%3By%25%26%C3%BC%0A\"))"
        );
        assert!(text.contains(&format!("Content-Length: {}\r\n", body.len())));
    }

    #[test]
    fn a_form_that_xend_does_not_read_is_not_sent() {
        let room = FORM_LIMIT - "op=new&config=".len();
        let form = |n: usize| {
            Request::post(&["xend", "domain"])
                .form("op", "new")
                .form("config", &"x".repeat(n))
                .to_bytes()
        };
        assert!(form(room).is_ok());
        assert_eq!(
            form(room + 1).unwrap_err(),
            FormTooLarge {
                length: FORM_LIMIT + 1
            }
        );
    }
}
