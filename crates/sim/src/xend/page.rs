//! How an answer looks: headers, status, S-expression or HTML.
//!
//! A page writes while it runs and may return something that is written after it;
//! XenD's replies show which of the two it was. What is answered is decided in
//! `dispatch` and `operations`.

use virtxen_formats::sxpr::{EmptyAtom, Sxpr, write_reply};

use super::habits::{Habits, UnknownDomain};
use super::http::{Request, Response};
use super::python;
use super::reply::{Reply, Status};

/// Status words of a POST without one operation.
pub(crate) const INVALID_REQUEST: &str = "Invalid request";
/// XenD's type for S-expressions.
const SXP: &str = "application/sxp";
/// The port that XenD believes itself on, also behind a UNIX socket.
const PORT: u16 = 8080;
/// Operations that say 202 and where to look next before they begin.
const ACCEPTED_FIRST: &[&str] = &[
    "rename",
    "shutdown",
    "delete",
    "start",
    "sysrq",
    "wait_for_devices",
    "destroy",
    "save",
    "dump",
    "reset",
];
/// Operations after whose success even the releases that forget it close.
const CLOSES: &[&str] = &[
    "new",
    "rename",
    "sysrq",
    "cpu_sedf_get",
    "cpu_sedf_set",
    "domain_sched_credit_get",
    "domain_sched_credit_set",
    "pincpu",
    "devices",
    "device_configure",
];

/// A reply in the making.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    request: &'a Request,
    habits: Habits,
    /// The reply so far.
    pub(crate) response: Response,
}

impl<'a> Page<'a> {
    /// An empty page with status 200.
    pub(crate) fn new(request: &'a Request, habits: Habits) -> Self {
        Self {
            request,
            habits,
            response: Response::of_status(200),
        }
    }

    /// Writes what an operation answered. `None`: nothing is sent at all. Else
    /// whether XenD then forgets to close the connection.
    pub(crate) fn reply(&mut self, reply: Reply, op: &str) -> Option<bool> {
        let post = self.request.method == "POST";
        if post && ACCEPTED_FIRST.contains(&op) && ran(&reply) {
            self.response.set_status(202);
            let location = format!("{}/..", self.url());
            self.response.set_header("location", location);
        }
        let left_open = post && self.habits.forgets_to_close && self.forgets(&reply, op);
        match reply {
            Reply::Page(text) => {
                self.shown(&text);
                self.returned("");
            }
            Reply::List(text) => self.shown(&text),
            Reply::Value(text) => self.value(&text),
            Reply::Created { name, body } => {
                self.response.set_reason(201, "created");
                self.located(&name);
                self.value(&body);
            }
            Reply::Restored { name } => {
                self.response.set_status(201);
                self.located(&name);
            }
            Reply::Empty | Reply::Accepted => {}
            Reply::Failed { words, status } => self.failed(&words, status, op),
            Reply::NoDomain { name } => self.no_domain(&name),
            Reply::Broken => {
                self.response.set_header("content-type", "application/sxp");
                self.response.set_status(500);
            }
            Reply::NotImplemented => self.not_implemented(op),
            Reply::Hang => return None,
        }
        Some(left_open)
    }

    /// A directory of resources.
    pub(crate) fn directory(&mut self, names: &[&str]) {
        if self.request.html {
            let url = self.directory_url();
            self.begin_html();
            self.response.write("<ul>");
            for name in names {
                let item = format!("<li><a href=\"{url}{name}\">{name}</a></li>");
                self.response.write(&item);
            }
            self.response.write("</ul></body></html>");
        } else {
            let names: String = names.iter().map(|name| format!(" {name}")).collect();
            self.expression(&format!("(ls {names})"));
        }
        self.returned("");
    }

    /// The machine.
    pub(crate) fn node(&mut self, expression: &str, items: &str) {
        if !self.request.html {
            return self.expression(expression);
        }
        let url = self.directory_url();
        self.begin_html();
        let list = format!(
            "<ul>{items}<li><a href=\"{url}dmesg\">Xen dmesg output</a>\
             <li><a href=\"{url}log\">Xend log</a></ul></body></html>"
        );
        self.response.write(&list);
    }

    /// Xen's boot messages.
    pub(crate) fn messages(&mut self, text: &str) {
        if self.request.html {
            self.begin_html();
            self.response
                .write(&format!("<pre>{text}</pre></body></html>"));
        } else {
            self.plain(text);
        }
    }

    /// XenD's log: a file, whose length is set before anything else.
    pub(crate) fn log(&mut self, text: &str) {
        self.response.set_header("content-type", "text/plain");
        self.response
            .set_header("content-length", text.len().to_string());
        self.response.write(text);
    }

    /// The virtual networks: there are none.
    pub(crate) fn vnets(&mut self) {
        if self.request.html {
            self.begin_html();
            let url = self.url();
            let page = format!(
                "<ul></ul><ul></ul><form method=\"post\" action=\"{url}\" \
                 enctype=\"multipart/form-data\"><button type=\"submit\" name=\"op\" \
                 value=\"create\">Create Vnet</button>Config <input type=\"file\" \
                 name=\"config\"><br></form></body></html>"
            );
            self.response.write(&page);
        } else {
            self.expression("()");
        }
    }

    /// Plain text.
    pub(crate) fn plain(&mut self, text: &str) {
        self.response.set_header("content-type", "text/plain");
        self.response.write(text);
    }

    /// What a page returned, written as XenD writes it, is the whole body.
    pub(crate) fn value(&mut self, text: &str) {
        if self.request.html {
            self.html_value(text);
        } else {
            self.expression(text);
        }
    }

    /// 404 with these words.
    pub(crate) fn not_found(&mut self, text: &str) {
        self.response.set_status(404);
        self.plain(text);
    }

    /// No domain of that name, in the release's words.
    pub(crate) fn no_domain(&mut self, name: &str) {
        match self.habits.unknown_domain {
            UnknownDomain::NoSuchDomain => self.not_found(&format!("No such domain {name}")),
            UnknownDomain::NoDomainNamed => self.not_found(&format!("No domain named '{name}'.")),
            UnknownDomain::ServerError => self.response.set_status(500),
            UnknownDomain::Fault => {
                self.not_found(&format!("<Fault 3: {}>", python::repr(name)));
            }
        }
    }

    /// A POST without one operation.
    pub(crate) fn no_operation(&mut self) {
        self.response.set_reason(406, INVALID_REQUEST);
        self.returned("");
    }

    /// A POST with an operation that the page does not know.
    pub(crate) fn not_implemented(&mut self, op: &str) {
        self.not_implemented_text(op);
        self.returned("");
    }

    /// As [`Self::not_implemented`], of a page that returns nothing.
    pub(crate) fn not_implemented_text(&mut self, op: &str) {
        let text = format!("Operation not implemented: {op}");
        self.response.set_reason(501, text.as_str());
        self.plain(&text);
    }

    /// A method that no page knows.
    pub(crate) fn unsupported(&mut self, method: &str) {
        self.response.set_header("accept", "GET,HEAD,POST");
        self.response.set_status(501);
        self.plain(&format!("Request method not supported ({method})"));
    }

    /// An expression that was shown while the page ran.
    fn shown(&mut self, text: &str) {
        if self.request.html {
            self.begin_html();
            self.response
                .write(&format!("<code><pre>{text}</pre></code></body></html>"));
        } else {
            self.expression(text);
        }
    }

    /// A text that the page returned after it wrote.
    fn returned(&mut self, text: &str) {
        if self.request.html {
            self.html_value(text);
        } else {
            let written = if self.habits.empty_is_quotes && text.is_empty() {
                "''"
            } else {
                text
            };
            self.expression(written);
        }
    }

    fn failed(&mut self, words: &str, status: Status, op: &str) {
        match status {
            Status::Failure if self.habits.failure_is_500 => self
                .response
                .set_reason(500, format!("Request failed: {op}")),
            Status::Failure | Status::Accepted => {}
            Status::Okay => self.response.set_status(200),
        }
        if self.request.html && status == Status::Failure {
            self.html_value(&format!("<p>{words}</p>"));
        } else if self.request.html {
            self.plain(&format!("Error : {words}"));
        } else {
            let empty = if self.habits.empty_is_quotes {
                EmptyAtom::Quotes
            } else {
                EmptyAtom::Nothing
            };
            let error = Sxpr::list(vec![Sxpr::atom("xend.err"), Sxpr::atom(words)]);
            self.expression(&write_reply(&error, empty));
        }
    }

    /// Whether the release forgets to close after this POST: after whatever left a
    /// traceback or kept the domain's object.
    fn forgets(&self, reply: &Reply, op: &str) -> bool {
        match reply {
            Reply::Failed { words, .. } => !words.starts_with("Missing parameter") || !threaded(op),
            Reply::NoDomain { .. } | Reply::NotImplemented => false,
            _ if op == "device_destroy" => self.habits.forgets_after_detach,
            _ => !CLOSES.contains(&op),
        }
    }

    fn expression(&mut self, text: &str) {
        self.response.set_header("content-type", SXP);
        self.response.write(text);
    }

    fn html_value(&mut self, text: &str) {
        self.begin_html();
        self.response.write(text);
        self.response.write("</body></html>");
    }

    /// The head of an HTML page, with the path as links.
    fn begin_html(&mut self) {
        self.response
            .write("<html><head></head><body><h1><a href=\"/\">/</a>");
        let mut path = String::from("/");
        for element in self.request.path.iter().filter(|name| !name.is_empty()) {
            path.push_str(element);
            path.push('/');
            self.response
                .write(&format!(" <a href=\"{path}\">{element}</a>/"));
        }
        self.response.write("</h1>");
    }

    fn located(&mut self, name: &str) {
        let location = format!("{}/{name}", self.url());
        self.response.set_header("location", location);
    }

    /// The address of this page as XenD believes it.
    fn url(&self) -> String {
        let host = self.request.host.as_deref().unwrap_or("localhost");
        let path = python::url_quoted(&self.request.path.join("/"));
        format!("http://{host}:{PORT}/{path}")
    }

    fn directory_url(&self) -> String {
        let url = self.url();
        if url.ends_with('/') { url } else { url + "/" }
    }
}

/// Whether the operation was found and began.
fn ran(reply: &Reply) -> bool {
    !matches!(reply, Reply::NoDomain { .. } | Reply::NotImplemented)
}

/// Operations that run in a thread of their own, after the server has let go.
pub(crate) fn threaded(op: &str) -> bool {
    matches!(op, "save" | "dump" | "migrate" | "restore")
}
