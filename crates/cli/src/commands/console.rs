//! Commands about what a guest shows: its console and its VNC display.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, flag};
use crate::output::Reply;
use crate::terminal;
use serde_json::json;
use virtxen_driver::{Domain, DomainKey};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "console",
        group: Group::Consoles,
        summary: "join the terminal with the console of a domain; ^] leaves",
        about: "The console is a terminal on the Xen host, so virtxen must run there.",
        options: &[
            DOMAIN,
            flag("force", "accepted for virsh's sake"),
            flag("safe", "accepted for virsh's sake"),
        ],
        run: |session, args| Box::pin(console(session, args)),
    },
    Command {
        name: "ttyconsole",
        group: Group::Consoles,
        summary: "print the terminal of a domain's console",
        about: "",
        options: &[DOMAIN],
        run: |session, args| Box::pin(ttyconsole(session, args)),
    },
    Command {
        name: "vncdisplay",
        group: Group::Consoles,
        summary: "print address and number of a domain's VNC display",
        about: "The number is the port less 5900: :0 is port 5900.",
        options: &[DOMAIN],
        run: |session, args| Box::pin(vncdisplay(session, args)),
    },
];

async fn console(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    open(session, &domain).await?;
    Ok(Reply::new(json::done(&domain, "console")))
}

/// Joins the terminal with the domain's console.
pub(super) async fn open(session: &Session, domain: &Domain) -> Result<()> {
    let name = &domain.name;
    let failed = || format!("Failed to open the console of domain '{name}'");
    let driver = session.driver().await?;
    let tty = driver
        .console(&DomainKey::from(domain))
        .await
        .context(failed)?;
    if !session.printer.json && !session.printer.quiet {
        session.printer.out(&format!(
            "Connected to domain '{name}'\nEscape character is ^]\n"
        ));
    }
    terminal::join(&tty).await.context(failed)
}

async fn ttyconsole(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let tty = driver
        .console(&DomainKey::from(&domain))
        .await
        .context(|| format!("Failed to get the console of domain '{}'", domain.name))?;
    let tty = tty.display().to_string();
    Ok(Reply::new(session.marked(json!({ "domain": domain.name, "tty": tty }))).line(tty))
}

async fn vncdisplay(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    let vnc = driver
        .vnc(&DomainKey::from(&domain))
        .await
        .context(|| format!("Failed to get the VNC display of domain '{}'", domain.name))?
        .ok_or_else(|| {
            Error::NotFound("Failed to get VNC port. Is this domain using VNC?".to_owned())
        })?;
    let number = vnc.port.saturating_sub(5900);
    let address = match vnc.address.as_str() {
        "0.0.0.0" | "" => "",
        address => address,
    };
    let display = format!("{address}:{number}");
    let json = json!({
        "domain": domain.name, "display": display, "address": vnc.address, "port": vnc.port,
    });
    Ok(Reply::new(session.marked(json)).line(display))
}
