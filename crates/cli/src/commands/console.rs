//! Commands about what a guest shows: its console, its VNC display and its screen.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, flag, named, optional};
use crate::output::Reply;
use crate::terminal;
use serde_json::json;
use std::path::PathBuf;
use virtxen_driver::{Domain, DomainKey};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "console",
        group: Group::Consoles,
        summary: "join the terminal with the console of a domain; ^] leaves",
        about: "On the host itself the console is a terminal, which all who have it share. A \
                daemon gives it to one client at a time.",
        options: &[
            DOMAIN,
            flag("force", "take it from another client of the daemon"),
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
    Command {
        name: "screenshot",
        group: Group::Consoles,
        summary: "write what the screen of a domain shows to a file",
        about: "The file is a PNG, by default DOMAIN.png. It needs a VNC server of the guest on \
                the host, without a password.",
        options: &[
            DOMAIN,
            optional("file", Kind::File, "where to write it"),
            named("screen", Kind::Number, "number of the screen; 0, the first"),
        ],
        run: |session, args| Box::pin(screenshot(session, args)),
    },
];

async fn screenshot(session: &Session, args: &Args) -> Result<Reply> {
    let screen = args.number("screen")?.unwrap_or(0);
    let domain = session.domain(args).await?;
    let name = &domain.name;
    let file = match args.text("file") {
        Some(file) => PathBuf::from(file),
        // A slash in a name would make it a file of another folder.
        None => PathBuf::from(format!("{}.png", name.replace('/', "_"))),
    };
    let key = DomainKey::from(&domain);
    let driver = session.driver().await?;
    let picture = driver.screenshot(&key, screen).await;
    let picture = picture.context(|| format!("could not take a screenshot of {name}"))?;
    let written = tokio::fs::write(&file, &picture).await;
    written.map_err(|source| Error::File {
        what: "write",
        path: file.clone(),
        source,
    })?;
    let file = file.display().to_string();
    let json = json!({
        "domain": name, "file": file, "type": "image/png", "bytes": picture.len(),
    });
    let note = format!("Screenshot saved to {file}, with type of image/png");
    Ok(Reply::new(session.marked(json)).note(note))
}

async fn console(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    open(session, &domain, args.flag("force")).await?;
    Ok(Reply::new(json::done(&domain, "console")))
}

/// Joins the terminal with the domain's console.
pub(super) async fn open(session: &Session, domain: &Domain, force: bool) -> Result<()> {
    let name = &domain.name;
    let failed = || format!("Failed to open the console of domain '{name}'");
    let driver = session.driver().await?;
    let key = DomainKey::from(domain);
    let stream = driver.open_console(&key, force).await.context(failed)?;
    let tty = match stream {
        Some(_) => None,
        None => Some(driver.console(&key).await.context(failed)?),
    };
    if !session.printer.json && !session.printer.quiet {
        session.printer.out(&format!(
            "Connected to domain '{name}'\nEscape character is ^]\n"
        ));
    }
    match (stream, tty) {
        (Some(stream), _) => terminal::join_stream(stream).await.context(failed),
        (None, Some(tty)) => terminal::join(&tty).await.context(failed),
        (None, None) => Ok(()),
    }
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
