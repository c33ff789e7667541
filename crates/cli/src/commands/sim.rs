//! `sim`: serves a simulated XenD on a socket, for other programs to talk to.

use super::{Command, Group};
use crate::connect::{self, Session};
use crate::error::{Error, Result};
use crate::options::{Args, Kind, named, required};
use crate::output::Reply;
use crate::uri::Uri;
use serde_json::json;
use std::path::Path;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "sim",
    group: Group::Virtxen,
    summary: "serve a simulated XenD on a UNIX socket until Ctrl-C",
    about: "virtxen -c xend+unix:///PATH, and curl --unix-socket, can talk to it. The host is \
            that of the URI if it is a sim: one.",
    options: &[
        required("socket", Kind::File, "path of the socket"),
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
    let mut uri = match session.uri() {
        Ok(Uri::Sim(uri)) => uri,
        _ => "sim:".to_owned(),
    };
    for key in ["release", "guests"] {
        if let Some(value) = args.text(key) {
            let join = if uri.contains('?') { '&' } else { '?' };
            uri.push_str(&format!("{join}{key}={value}"));
        }
    }
    let host = connect::simulated(&uri)?;
    let path = Path::new(args.required("socket")?);
    if !session.printer.json && !session.printer.quiet {
        session.printer.out(&format!(
            "Simulated XenD of Xen {} on {}; Ctrl-C ends it\n",
            host.release().version(),
            path.display()
        ));
    }
    let end = async {
        // Without a handler the signal ends the program, which is what it asks for.
        let _ = tokio::signal::ctrl_c().await;
    };
    host.serve_unix(path, end)
        .await
        .map_err(|error| Error::file("serve", path, error))?;
    Ok(Reply::new(
        json!({ "socket": path.display().to_string(), "uri": uri }),
    ))
}
