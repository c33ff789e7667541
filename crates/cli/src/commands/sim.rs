//! `sim`: serves the channels of a simulated host on sockets, for other programs to
//! talk to.

use super::{Command, Group};
use crate::connect::{Place, Session};
use crate::error::{Error, Result};
use crate::options::{Args, Kind, named, optional};
use crate::output::Reply;
use serde_json::json;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use virtxen_connect::Uri;
use virtxen_sim::SimHost;

/// The options that name sockets, and what is spoken there.
const DOORS: [(&str, &str); 3] = [
    ("socket", "XenD"),
    ("xenstore", "xenstored"),
    ("hypercalls", "the hypervisor"),
];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "sim",
    group: Group::Virtxen,
    summary: "serve a simulated Xen host on UNIX sockets until Ctrl-C",
    about: "All sockets lead to one host, that of the URI if it is a sim: one. With XenD on \
            PATH talk virtxen -c xend+unix:///PATH and curl --unix-socket; with xenstored \
            virtxen -c 'xen:///system?xenstore=PATH', and Xen's own xenstore-ls and its like, \
            which find it by the variable XENSTORED_PATH.",
    options: &[
        optional("socket", Kind::File, "where XenD is served"),
        named("xenstore", Kind::File, "where xenstored is served"),
        named(
            "hypercalls",
            Kind::File,
            "where hypercalls of other processes are taken, for tests of Xen's own tools",
        ),
        named(
            "release",
            Kind::Text("x.y.z"),
            "Xen release that answers (4.1)",
        ),
        named("guests", Kind::Number, "guests that are there at the start"),
    ],
    run: |session, args| Box::pin(sim(session, args)),
}];

async fn sim(session: &Session, args: &Args) -> Result<Reply> {
    let mut uri = match session.place() {
        Ok(Place::Host(Uri::Sim(uri))) => uri,
        _ => "sim:".to_owned(),
    };
    for key in ["release", "guests"] {
        if let Some(value) = args.text(key) {
            let join = if uri.contains('?') { '&' } else { '?' };
            uri.push_str(&format!("{join}{key}={value}"));
        }
    }
    let host = virtxen_connect::simulated::host(&uri)?;
    let doors: Vec<_> = DOORS
        .into_iter()
        .filter_map(|(option, who)| Some((option, who, Path::new(args.text(option)?))))
        .collect();
    if doors.is_empty() {
        return Err(Error::usage(
            "nothing to serve: name --socket, --xenstore or --hypercalls",
        ));
    }
    let mut served = json!({ "uri": uri });
    for (option, who, path) in &doors {
        served[*option] = path.display().to_string().into();
        if !session.printer.json && !session.printer.quiet {
            let (release, path) = (host.xen(), path.display());
            session.printer.out(&format!(
                "Simulated: {who} of Xen {release} on {path}; Ctrl-C ends it\n"
            ));
        }
    }
    let path = |option| args.text(option).map(Path::new);
    tokio::select! {
        // Without a handler the signal ends the program, which is what it asks for.
        _ = tokio::signal::ctrl_c() => Ok(Reply::new(served)),
        error = door(path("socket"), |path| serve_xend(&host, path)) => Err(error),
        error = door(path("xenstore"), |path| host.xenstore().serve_unix(path)) => Err(error),
        error = door(path("hypercalls"), |path| host.serve_hypercalls(path)) => Err(error),
    }
}

/// Serves on a socket, if one was named; comes back only with a failure.
async fn door<'a, W>(path: Option<&'a Path>, serve: impl FnOnce(&'a Path) -> W) -> Error
where
    W: Future<Output = io::Result<Infallible>>,
{
    let Some(path) = path else {
        return std::future::pending().await;
    };
    match serve(path).await {
        Ok(never) => match never {},
        Err(error) => Error::file("serve", path, error),
    }
}

async fn serve_xend(host: &SimHost, path: &Path) -> io::Result<Infallible> {
    host.serve_unix(path, std::future::pending()).await?;
    std::future::pending().await
}
