//! XenD's HTTP: bytes to a request, a response to bytes. No input or output.
//!
//! The habits are those of XenD's own small server: what it takes for a request,
//! what it refuses before it looks at the path, and how its header lines are spelt
//! and ordered. Which page answers is told in `dispatch`, connections in `serve`.

use super::form::{self, Form};
use super::header_order::dictionary_order;

/// Longest body that XenD reads, in bytes; more is refused with 413.
pub(crate) const MAX_BODY: usize = 10_000;
/// Header lines, with the empty one, that XenD reads at most.
const MAX_HEADER_LINES: usize = 500;
/// Longest head (request line and headers) that is read here, in bytes. Real XenD
/// has no limit; a test host must.
const MAX_HEAD: usize = 64 * 1024;

/// A request that XenD accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Method as sent; case matters.
    pub(crate) method: String,
    /// Path without its first slash, split at slashes, then unquoted.
    pub(crate) path: Vec<String>,
    /// Query and body together; the body's names replace the query's.
    pub(crate) form: Form,
    /// The client asked for the connection to stay.
    pub(crate) keep_alive: bool,
    /// The reply is HTML and not an S-expression.
    pub(crate) html: bool,
    /// Host name of the `Host` line without a port, if there was one.
    pub(crate) host: Option<String>,
}

/// What the bytes so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// A whole request; so many bytes of the input were its own.
    Request(Box<Request>, usize),
    /// XenD answers this at once and closes.
    Refused(Response),
}

/// Reads the first request of `input`. `ended` says that no more bytes come, which
/// XenD takes for the end of the line, head or body.
pub(crate) fn read_request(input: &[u8], ended: bool) -> Progress {
    let Some(line_end) = line_end(input, 0, ended) else {
        return too_long_or_incomplete(input);
    };
    let line = String::from_utf8_lossy(input.get(..line_end).unwrap_or_default());
    let Some((method, uri)) = request_line(&line) else {
        return Progress::Refused(Response::of_status(400));
    };
    let headers = match Headers::read(input, line_end, ended) {
        HeadersRead::Incomplete => return too_long_or_incomplete(input),
        HeadersRead::TooMany => return Progress::Refused(Response::of_status(400)),
        HeadersRead::Whole(headers) => headers,
    };
    let Some(length) = headers.body_length() else {
        return Progress::Refused(Response::of_status(413));
    };
    let body = input.get(headers.end..).unwrap_or_default();
    if body.len() < length && !ended {
        return Progress::Incomplete;
    }
    let body = body.get(..length).unwrap_or(body);
    let used = headers.end + body.len();
    Progress::Request(Box::new(request(&method, &uri, &headers, body)), used)
}

/// A reply of XenD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// Status code.
    pub(crate) code: u16,
    /// Words of the status line.
    pub(crate) reason: String,
    /// Header lines set by the page: lower-case names, in the order of setting.
    headers: Vec<(&'static str, String)>,
    /// What the page wrote.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// An empty reply with the usual words for `code`.
    pub(crate) fn of_status(code: u16) -> Self {
        Self {
            code,
            reason: usual_reason(code).to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sets the status with the usual words.
    pub(crate) fn set_status(&mut self, code: u16) {
        self.set_reason(code, usual_reason(code));
    }

    /// Sets the status with words of its own.
    pub(crate) fn set_reason(&mut self, code: u16, reason: impl Into<String>) {
        self.code = code;
        self.reason = reason.into();
    }

    /// Sets a header line; `name` is lower-case. A line set again keeps its place.
    pub(crate) fn set_header(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        match self.headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name, value)),
        }
    }

    /// Adds to the body.
    pub(crate) fn write(&mut self, text: &str) {
        self.body.extend_from_slice(text.as_bytes());
    }

    /// The bytes on the wire. A reply to HEAD has no body and no length.
    pub(crate) fn bytes(mut self, head: bool, keep_alive: bool) -> Vec<u8> {
        if keep_alive {
            self.set_header("connection", "keep-alive");
        }
        self.set_header("pragma", "no-cache");
        self.set_header("cache-control", "no-cache");
        self.set_header("expires", "-1");
        let has_body = !(head || matches!(self.code, 204 | 304));
        if has_body {
            self.set_header("content-length", self.body.len().to_string());
        }
        // A line end in the words would end the status line early, as it does in
        // real XenD; the op of a form is the only way to one.
        let mut bytes = format!("HTTP/1.1 {} {}\r\n", self.code, self.reason).into_bytes();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        for index in dictionary_order(&names) {
            if let Some((name, value)) = self.headers.get(index) {
                bytes.extend_from_slice(format!("{}: {value}\r\n", capitalized(name)).as_bytes());
            }
        }
        bytes.extend_from_slice(b"\r\n");
        if has_body {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// Python's `capitalize`: `content-length` becomes `Content-length`.
fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn usual_reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        400 => "Bad request",
        404 => "Not found",
        406 => "Not acceptable",
        413 => "Request entity too large",
        500 => "Internal server error",
        501 => "Not implemented",
        _ => "unknown",
    }
}

/// Method and address of a request line. Two words are an HTTP/0.9 request.
fn request_line(line: &str) -> Option<(String, String)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    match words.as_slice() {
        [method, uri] => Some(((*method).to_owned(), (*uri).to_owned())),
        [method, uri, version] => {
            let (major, minor) = version.strip_prefix("HTTP/")?.split_once('.')?;
            let number = |text: &str| text.parse::<u32>().is_ok();
            (number(major) && number(minor)).then(|| ((*method).to_owned(), (*uri).to_owned()))
        }
        _ => None,
    }
}

fn request(method: &str, uri: &str, headers: &Headers, body: &[u8]) -> Request {
    let mut parts = uri.split('?');
    let path = parts.next().unwrap_or_default();
    let mut parameters = form::url_encoded(parts.next().unwrap_or_default().as_bytes(), false);
    if method == "POST" && headers.get("content-length").is_some() {
        parameters.update(body_form(headers, body));
    }
    let mut shortened = path.chars();
    shortened.next();
    Request {
        method: method.to_owned(),
        path: shortened
            .as_str()
            .split('/')
            .map(|part| String::from_utf8_lossy(&form::unquoted(part.as_bytes())).into_owned())
            .collect(),
        form: parameters,
        keep_alive: headers
            .get("connection")
            .is_some_and(|mode| mode.eq_ignore_ascii_case("keep-alive")),
        html: headers.wants_html(),
        host: headers
            .get("host")
            .filter(|host| !host.is_empty())
            .map(|host| host.split(':').next().unwrap_or_default().to_owned()),
    }
}

/// Parameters of the body; none for a type that XenD does not know.
fn body_form(headers: &Headers, body: &[u8]) -> Form {
    let kind = headers.get("content-type").unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-www-form-urlencoded" => form::url_encoded(body, true),
        "multipart/form-data" => form::header_parameter(kind, "boundary")
            .map(|boundary| form::multipart(body, &boundary))
            .unwrap_or_default(),
        _ => Form::default(),
    }
}

fn too_long_or_incomplete(input: &[u8]) -> Progress {
    if input.len() > MAX_HEAD {
        Progress::Refused(Response::of_status(400))
    } else {
        Progress::Incomplete
    }
}

/// Where the line that starts at `from` ends, after its line feed.
fn line_end(input: &[u8], from: usize, ended: bool) -> Option<usize> {
    let rest = input.get(from..)?;
    match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) => Some(from + at + 1),
        None => ended.then_some(input.len()),
    }
}

/// Header lines of a request; the last of a name counts.
struct Headers {
    lines: Vec<(String, String)>,
    /// Where the body starts.
    end: usize,
}

enum HeadersRead {
    Incomplete,
    TooMany,
    Whole(Headers),
}

impl Headers {
    fn read(input: &[u8], from: usize, ended: bool) -> HeadersRead {
        let mut lines: Vec<(String, String)> = Vec::new();
        let mut at = from;
        for _ in 0..MAX_HEADER_LINES {
            let Some(end) = line_end(input, at, ended) else {
                return HeadersRead::Incomplete;
            };
            let line = String::from_utf8_lossy(input.get(at..end).unwrap_or_default());
            at = end;
            if line.trim_end_matches(['\r', '\n']).is_empty() {
                return HeadersRead::Whole(Self { lines, end: at });
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = lines.last_mut() {
                    value.push_str("\n ");
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                lines.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        HeadersRead::TooMany
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Bytes of body to read; `None` when XenD refuses to. Without a length, or
    /// with one that is no number, XenD reads nothing.
    fn body_length(&self) -> Option<usize> {
        let length = self
            .get("content-length")
            .and_then(|text| text.parse().ok());
        length.map_or(Some(0), |length| (length <= MAX_BODY).then_some(length))
    }

    /// XenD answers in HTML when the client names itself and what it accepts, and
    /// S-expressions are not among it.
    fn wants_html(&self) -> bool {
        let filled = |name| self.get(name).filter(|value| !value.is_empty());
        match (filled("user-agent"), filled("accept")) {
            (Some(_), Some(accepted)) => !accepted.contains("application/sxp"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(input: &[u8]) -> Request {
        match read_request(input, false) {
            Progress::Request(request, _) => *request,
            other => panic!("not accepted: {other:?}"),
        }
    }

    fn refused(input: &[u8]) -> u16 {
        match read_request(input, false) {
            Progress::Refused(response) => response.code,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn line_feeds_alone_end_lines() {
        let request = accepted(b"GET /xend/a%2Fb/?x=1 HTTP/1.1\nHost: me:8000\n\n");
        assert_eq!(request.path, ["xend", "a/b", ""]);
        assert_eq!(request.form.only("x"), Some("1"));
        assert_eq!(request.host.as_deref(), Some("me"));
        assert!(!request.keep_alive && !request.html);
    }

    #[test]
    fn a_body_is_read_to_its_length() {
        let head = "POST /xend/domain HTTP/1.1\r\ncontent-type: \
            application/x-www-form-urlencoded\r\nCONTENT-LENGTH: 4\r\n\r\n";
        let short = format!("{head}op=");
        assert_eq!(read_request(short.as_bytes(), false), Progress::Incomplete);
        let long = format!("{head}op=xyz");
        assert_eq!(accepted(long.as_bytes()).form.only("op"), Some("x"));
        let Progress::Request(_, used) = read_request(long.as_bytes(), false) else {
            panic!("incomplete");
        };
        assert_eq!(used, head.len() + 4);
    }

    #[test]
    fn refuses_what_xend_refuses() {
        assert_eq!(refused(b"hello\r\n"), 400);
        assert_eq!(refused(b"GET /a b HTTP/1.1\r\n"), 400);
        assert_eq!(refused(b"GET /a HTTP/x.y\r\n"), 400);
        assert_eq!(
            refused(b"POST /a HTTP/1.1\r\nContent-Length: 10001\r\n\r\n"),
            413
        );
        assert_eq!(refused(&vec![b'a'; MAX_HEAD + 1]), 400);
        let many = format!("GET /a HTTP/1.1\r\n{}", "x: y\r\n".repeat(600));
        assert_eq!(refused(many.as_bytes()), 400);
    }

    #[test]
    fn without_a_length_or_a_known_type_there_are_no_parameters() {
        let bare = accepted(
            b"POST /a HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nop=x",
        );
        assert_eq!(bare.form, Form::default());
        let untyped = accepted(b"POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nop=x");
        assert_eq!(untyped.form, Form::default());
    }

    #[test]
    fn a_head_reply_has_no_length() {
        let bytes = Response::of_status(200).bytes(true, false);
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "HTTP/1.1 200 OK\r\nExpires: -1\r\nPragma: no-cache\r\nCache-control: no-cache\r\n\r\n"
        );
    }
}
