//! Reader of XenD's HTTP replies: bytes in, [`Reply`] out.
//!
//! It reads exactly as many bytes as a reply announces, since XenD keeps the
//! connection open for ever after many operations. What a reply says is not
//! judged here, see [`answer`](crate::answer).

use crate::request::Method;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Words after the status code, may be empty.
    pub reason: String,
    /// `Content-type`, where XenD sends one.
    pub content_type: Option<String>,
    /// `Location`; XenD always names port 8080 of localhost, whatever it serves.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Bounds on what the reader accepts.
#[derive(Clone, Copy, Debug)]
pub struct ReplyLimits {
    /// Most bytes before the body.
    pub head: usize,
    /// Most header lines.
    pub headers: usize,
    /// Most bytes of the body.
    pub body: usize,
}

impl Default for ReplyLimits {
    /// Room for the details of thousands of domains.
    fn default() -> Self {
        Self {
            head: 64 << 10,
            headers: 100,
            body: 64 << 20,
        }
    }
}

/// Why bytes are not a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The connection ended before the first byte.
    #[error("the connection was closed without a reply")]
    Nothing,
    /// The connection ended inside the reply.
    #[error("the reply was cut after {got} bytes of {part}")]
    Cut {
        /// Where it ended.
        part: &'static str,
        /// Bytes of this part that came.
        got: usize,
    },
    /// The first line is not HTTP.
    #[error("not an HTTP reply, it begins with '{start}'")]
    NotHttp {
        /// Its first characters.
        start: String,
    },
    /// A header line cannot be read.
    #[error("malformed header line '{line}'")]
    Header {
        /// The line's first characters.
        line: String,
    },
    /// A transfer coding that XenD never uses.
    #[error("transfer coding '{coding}' is not supported")]
    Coding {
        /// Its name.
        coding: String,
    },
    /// Over one of the [`ReplyLimits`].
    #[error("the reply has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
}

/// Reads one reply that arrives in pieces.
#[derive(Debug)]
pub struct ReplyReader {
    limits: ReplyLimits,
    method: Method,
    head: Vec<u8>,
    /// How far `head` has been searched for its end.
    searched: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Head,
    /// `None` reads to the end of the connection.
    Body(Reply, Option<usize>),
    Done,
}

impl ReplyReader {
    /// A reader of the reply to a request with this method.
    #[must_use]
    pub fn new(method: Method, limits: ReplyLimits) -> Self {
        Self {
            limits,
            method,
            head: Vec::new(),
            searched: 0,
            state: State::Head,
        }
    }

    /// Takes the next bytes; returns the reply once it is whole. Bytes after it
    /// are ignored.
    ///
    /// # Errors
    /// When the bytes are not a reply.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let State::Head = self.state else {
            return self.feed_body(bytes);
        };
        self.head.extend_from_slice(bytes);
        loop {
            self.check_start()?;
            let Some(end) = self.head_end() else {
                if self.head.len() > self.limits.head {
                    return Err(limit("bytes of header", self.limits.head));
                }
                return Ok(None);
            };
            if end > self.limits.head {
                return Err(limit("bytes of header", self.limits.head));
            }
            let rest = self.head.split_off(end);
            let head = std::mem::replace(&mut self.head, rest);
            self.searched = 0;
            let (reply, length) = self.read_head(&head)?;
            if reply.status / 100 == 1 {
                continue;
            }
            let rest = std::mem::take(&mut self.head);
            self.state = State::Body(reply, length);
            return self.feed_body(&rest);
        }
    }

    /// The connection ended; returns the reply if that was its end.
    ///
    /// # Errors
    /// When the reply is not whole.
    pub fn end(&mut self) -> Result<Reply, ReplyError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Body(reply, None) => Ok(reply),
            State::Body(reply, Some(_)) => Err(ReplyError::Cut {
                part: "the body",
                got: reply.body.len(),
            }),
            State::Head if !self.head.is_empty() => Err(ReplyError::Cut {
                part: "the header",
                got: self.head.len(),
            }),
            State::Head | State::Done => Err(ReplyError::Nothing),
        }
    }

    fn feed_body(&mut self, bytes: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let State::Body(reply, length) = &mut self.state else {
            return Ok(None);
        };
        let most = length.unwrap_or(self.limits.body.saturating_add(1));
        let missing = most.saturating_sub(reply.body.len());
        let taken = bytes.get(..missing).unwrap_or(bytes);
        reply.body.extend_from_slice(taken);
        if reply.body.len() > self.limits.body {
            return Err(limit("bytes of body", self.limits.body));
        }
        if length.is_none_or(|length| reply.body.len() < length) {
            return Ok(None);
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Body(reply, _) => Ok(Some(reply)),
            State::Head | State::Done => Ok(None),
        }
    }

    /// Ends early what is no HTTP, so that a wrong server is named and not
    /// waited for.
    fn check_start(&self) -> Result<(), ReplyError> {
        let magic = b"HTTP/";
        let n = self.head.len().min(magic.len());
        if self.head.get(..n) == magic.get(..n) {
            return Ok(());
        }
        Err(ReplyError::NotHttp {
            start: shown(&self.head),
        })
    }

    /// Offset after the empty line; both CR LF and LF end a line.
    fn head_end(&mut self) -> Option<usize> {
        let from = self.searched;
        let tail = self.head.get(from..).unwrap_or_default();
        for (i, byte) in tail.iter().enumerate() {
            if *byte != b'\n' {
                continue;
            }
            let line_end = from + i;
            let after = self.head.get(line_end + 1..).unwrap_or_default();
            if after.starts_with(b"\n") {
                return Some(line_end + 2);
            }
            if after.starts_with(b"\r\n") {
                return Some(line_end + 3);
            }
        }
        self.searched = self.head.len().saturating_sub(3);
        None
    }

    fn read_head(&self, head: &[u8]) -> Result<(Reply, Option<usize>), ReplyError> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let mut reply = status_line(lines.next().unwrap_or_default())?;
        let mut length = None;
        for (count, line) in lines.filter(|line| !line.is_empty()).enumerate() {
            if count >= self.limits.headers {
                return Err(limit("header lines", self.limits.headers));
            }
            let malformed = || ReplyError::Header {
                line: shown(line.as_bytes()),
            };
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "content-length" => {
                    let announced: usize = value.parse().map_err(|_| malformed())?;
                    if length.is_some_and(|length| length != announced) {
                        return Err(malformed());
                    }
                    length = Some(announced);
                }
                "content-type" => reply.content_type = Some(value.to_owned()),
                "location" => reply.location = Some(value.to_owned()),
                "transfer-encoding" if !value.eq_ignore_ascii_case("identity") => {
                    return Err(ReplyError::Coding {
                        coding: shown(value.as_bytes()),
                    });
                }
                _ => {}
            }
        }
        if self.method == Method::Head || matches!(reply.status, 204 | 304) {
            length = Some(0);
        }
        if length.is_some_and(|length| length > self.limits.body) {
            return Err(limit("bytes of body", self.limits.body));
        }
        // What is announced is not believed before it comes.
        reply.body.reserve(length.unwrap_or(0).min(1 << 20));
        Ok((reply, length))
    }
}

fn status_line(line: &str) -> Result<Reply, ReplyError> {
    let mut words = line.splitn(3, ' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().unwrap_or_default();
    let valid = version.starts_with("HTTP/") && status.len() == 3;
    let status = status.parse().ok().filter(|_| valid);
    let Some(status @ 100..=599) = status else {
        return Err(ReplyError::NotHttp {
            start: shown(line.as_bytes()),
        });
    };
    Ok(Reply {
        status,
        reason: words.next().unwrap_or_default().trim().to_owned(),
        content_type: None,
        location: None,
        body: Vec::new(),
    })
}

fn limit(what: &'static str, limit: usize) -> ReplyError {
    ReplyError::Limit { what, limit }
}

/// The first characters of a text from outside, safe to print.
fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..60).unwrap_or(bytes);
    let text = String::from_utf8_lossy(start);
    text.chars().flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Reply, ReplyError> {
        let mut reader = ReplyReader::new(Method::Get, ReplyLimits::default());
        match reader.feed(bytes)? {
            Some(reply) => Ok(reply),
            None => reader.end(),
        }
    }

    #[test]
    fn lenient_about_line_ends_case_and_reason() {
        let reply = read(b"HTTP/1.0 200\ncontent-LENGTH:  3 \nlocation: x\n\nabcd").unwrap();
        assert_eq!((reply.status, reply.reason.as_str()), (200, ""));
        assert_eq!(reply.body, b"abc");
        assert_eq!(reply.location.as_deref(), Some("x"));
        let reply = read(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap();
        assert_eq!(reply.body, b"to the end");
        let reply = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 x\nContent-length: 0\n\n");
        assert_eq!(reply.unwrap().status, 201);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(read(b""), Err(ReplyError::Nothing));
        let cut = |part, got| Err(ReplyError::Cut { part, got });
        assert_eq!(read(b"HTTP/1.1 200"), cut("the header", 12));
        assert_eq!(
            read(b"HTTP/1.1 200 OK\r\nContent-length: 9\r\n\r\nabc"),
            cut("the body", 3)
        );
        for garbage in [
            &b"SSH-2.0-x\r\n"[..],
            b"HTTP/1.1 2000 x\n\n",
            b"HTTP/1.1 abc\n\n",
        ] {
            assert!(matches!(read(garbage), Err(ReplyError::NotHttp { .. })));
        }
        for bad in ["Content-length: -1", "Content-length: 1\nContent-length: 2"] {
            let reply = format!("HTTP/1.1 200 OK\n{bad}\n\nabc");
            assert!(matches!(
                read(reply.as_bytes()),
                Err(ReplyError::Header { .. })
            ));
        }
        let chunked = b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n\n";
        assert!(matches!(read(chunked), Err(ReplyError::Coding { .. })));
    }

    #[test]
    fn bounded() {
        let limits = ReplyLimits {
            head: 60,
            headers: 2,
            body: 4,
        };
        let read = |text: &str| ReplyReader::new(Method::Get, limits).feed(text.as_bytes());
        let long = format!("HTTP/1.1 200 {}", "x".repeat(100));
        assert_eq!(read(&long), Err(limit("bytes of header", 60)));
        let many = "HTTP/1.1 200 OK\na:b\na:b\na:b\n\n";
        assert_eq!(read(many), Err(limit("header lines", 2)));
        let big = "HTTP/1.1 200 OK\nContent-length: 5\n\n";
        assert_eq!(read(big), Err(limit("bytes of body", 4)));
        assert_eq!(
            read("HTTP/1.1 200 OK\n\nabcde"),
            Err(limit("bytes of body", 4))
        );
        assert!(
            read("HTTP/1.1 200 OK\nContent-length: 4\n\nabcd")
                .unwrap()
                .is_some()
        );
    }
}
