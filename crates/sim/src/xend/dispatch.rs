//! From a request to the page that answers it: XenD's tree of resources.
//!
//! Which elements of a path lead where, which methods and operations a page knows,
//! and in which order XenD finds fault with a request. What domains answer is asked
//! from `operations`; how an answer looks is in `page`.

use super::habits::Habits;
use super::http::{Request, Response};
use super::node;
use super::operations;
use super::page::{self, Page};
use super::reply::Reply;
use crate::state::SimHost;

/// What the server does with a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Sends this.
    Respond {
        /// The reply.
        response: Response,
        /// XenD forgets to close the connection afterwards.
        left_open: bool,
    },
    /// Says nothing and keeps the connection.
    Silence,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Top,
    Root,
    Node,
    Messages,
    Log,
    Domains,
    Domain(&'a str),
    Vnets,
    /// Below something that exists; `domain` has to exist first.
    Missing {
        text: String,
        domain: Option<&'a str>,
    },
}

/// Answers a request.
pub(crate) async fn answer(host: &SimHost, request: &Request) -> Answer {
    let mut page = Page::new(request, Habits::of(host.release()));
    let Some(left_open) = page_of(host, request, &mut page).await else {
        return Answer::Silence;
    };
    Answer::Respond {
        response: page.response,
        left_open,
    }
}

/// Whether the server lets go of the request and answers it from a thread.
pub(crate) fn runs_in_thread(request: &Request) -> bool {
    request.method == "POST" && request.form.only("op").is_some_and(page::threaded)
}

/// What faults call a request: its operation, or the kind of page.
pub(crate) fn kind(request: &Request) -> String {
    if request.method == "POST" {
        return request.form.get("op").unwrap_or("post").to_owned();
    }
    let kind = match place_of(&request.path) {
        Place::Domains => "list",
        Place::Domain(_) => "detail",
        Place::Node => "node",
        Place::Log => "log",
        _ => "get",
    };
    kind.to_owned()
}

/// Fills `page`; `None` when XenD says nothing, else whether it forgets to close.
async fn page_of(host: &SimHost, request: &Request, page: &mut Page<'_>) -> Option<bool> {
    let place = place_of(&request.path);
    if let Place::Missing { text, domain } = place {
        return missing(host, &text, domain, page).await;
    }
    match (request.method.as_str(), place) {
        ("GET" | "HEAD", place) => get(host, request, &place, page).await,
        ("POST", Place::Domain(name)) => post_domain(host, request, name, page).await,
        ("POST", Place::Domains) => post_domains(host, request, page).await,
        ("POST", Place::Node | Place::Messages | Place::Vnets) => {
            post_node(request, &place_of(&request.path), page);
            Some(false)
        }
        ("POST", _) => {
            page.plain("POST");
            Some(false)
        }
        (_, Place::Domain(name)) if domain_missing(host, name, page).await => Some(false),
        (method, _) => {
            page.unsupported(method);
            Some(false)
        }
    }
}

fn place_of(path: &[String]) -> Place<'_> {
    let mut place = Place::Top;
    for element in path.iter().map(String::as_str) {
        place = match (place, element) {
            (place, "") => place,
            (Place::Top, "xend") => Place::Root,
            (Place::Root, "node") => Place::Node,
            (Place::Root, "domain") => Place::Domains,
            (Place::Root, "vnet") => Place::Vnets,
            (Place::Node, "dmesg") => Place::Messages,
            (Place::Node, "log") => Place::Log,
            (Place::Domains, name) => Place::Domain(name),
            (Place::Vnets, name) => {
                return Place::Missing {
                    text: format!("No such vnet {name}"),
                    domain: None,
                };
            }
            (place, unknown) => {
                return Place::Missing {
                    text: format!("Not found: {unknown}"),
                    domain: match place {
                        Place::Domain(name) => Some(name),
                        _ => None,
                    },
                };
            }
        };
    }
    place
}

async fn missing(
    host: &SimHost,
    text: &str,
    domain: Option<&str>,
    page: &mut Page<'_>,
) -> Option<bool> {
    if let Some(name) = domain
        && domain_missing(host, name, page).await
    {
        return Some(false);
    }
    page.not_found(text);
    Some(false)
}

/// Whether there is no domain `name`; the page then says so.
async fn domain_missing(host: &SimHost, name: &str, page: &mut Page<'_>) -> bool {
    // An operation that no release has does nothing but look the domain up.
    match operations::post_domain(host, name, "", &super::Form::default()).await {
        Reply::NoDomain { name } => {
            page.no_domain(&name);
            true
        }
        _ => false,
    }
}

async fn get(
    host: &SimHost,
    request: &Request,
    place: &Place<'_>,
    page: &mut Page<'_>,
) -> Option<bool> {
    let release = host.release();
    match place {
        Place::Top => page.directory(&[]),
        Place::Root => page.directory(&["node", "domain", "vnet"]),
        Place::Node => {
            let node = host.node_facts();
            page.node(
                &node::expression(release, node),
                &node::html_items(release, node),
            );
        }
        Place::Messages => page.messages(&node::dmesg(release, host.node_facts())),
        Place::Log => page.log(&host.xend().log_text()),
        Place::Vnets => page.vnets(),
        Place::Domains => {
            let reply = operations::list_domains(host, &request.form).await;
            return page.reply(reply, "list");
        }
        Place::Domain(name) => {
            let reply = operations::get_domain(host, name, &request.form).await;
            let op = request.form.get("op").unwrap_or("vcpuinfo");
            return page.reply(reply, op);
        }
        Place::Missing { .. } => {}
    }
    Some(false)
}

async fn post_domain(
    host: &SimHost,
    request: &Request,
    name: &str,
    page: &mut Page<'_>,
) -> Option<bool> {
    let Some(op) = request.form.only("op") else {
        if !domain_missing(host, name, page).await {
            page.no_operation();
        }
        return Some(false);
    };
    let reply = operations::post_domain(host, name, op, &request.form).await;
    host.xend().note_operation(op, &reply);
    page.reply(reply, op)
}

async fn post_domains(host: &SimHost, request: &Request, page: &mut Page<'_>) -> Option<bool> {
    let Some(op) = request.form.only("op") else {
        page.no_operation();
        return Some(false);
    };
    let reply = operations::post_domain_root(host, op, &request.form).await;
    host.xend().note_operation(op, &reply);
    page.reply(reply, op)
}

/// Operations of the machine: it does not shut down here, so they only answer.
fn post_node(request: &Request, place: &Place<'_>, page: &mut Page<'_>) {
    let silent = *place == Place::Messages;
    match (place, request.form.only("op")) {
        (_, None) if silent => page.response.set_reason(406, page::INVALID_REQUEST),
        (_, None) => page.no_operation(),
        (Place::Node, Some("shutdown" | "reboot")) => page.value("0"),
        (Place::Messages, Some("clear")) => {}
        (_, Some(op)) if silent => page.not_implemented_text(op),
        (_, Some(op)) => page.not_implemented(op),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_elements_stay_where_they_are() {
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(place_of(&path("xend//domain/")), Place::Domains);
        assert_eq!(place_of(&path("")), Place::Top);
        assert_eq!(place_of(&path("xend/domain/..")), Place::Domain(".."));
        assert_eq!(
            place_of(&path("xend/domain/a/b")),
            Place::Missing {
                text: "Not found: b".to_owned(),
                domain: Some("a"),
            }
        );
    }
}
