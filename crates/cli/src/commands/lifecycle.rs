//! Commands that make domains, change their state and end them. What they cost a
//! host and when they are allowed is the driver's.

use super::{Command, Group};
use crate::connect::Session;
use crate::document;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, Opt, flag, optional, required};
use crate::output::Reply;
use serde_json::json;
use virtxen_driver::{
    Connection, CreateFlags, DefineFlags, Domain, DomainKey, ShutdownMode, UndefineFlags,
};

const FILE: Opt = required(
    "file",
    Kind::File,
    "file with the domain's XML, - for standard input",
);
const VALIDATE: Opt = flag("validate", "refuse elements that virtxen does not know");
const CONSOLE: Opt = flag("console", "go to the console afterwards");
const PAUSED: Opt = flag("paused", "leave the domain paused");
const FORCE_BOOT: Opt = flag("force-boot", "boot it, whatever 'managedsave' has put away");
const MANAGED_SAVE: Opt = flag("managed-save", "with what 'managedsave' has put away");
const SNAPSHOTS: Opt = flag(
    "snapshots-metadata",
    "with what is known of its snapshots; what they kept stays on its disks",
);
const MODE: Opt = optional(
    "mode",
    Kind::Word(&["paravirt", "acpi"]),
    "how the guest is asked: by its drivers (paravirt) or by a power button (acpi)",
);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "create",
        group: Group::Lifecycle,
        summary: "create a domain from an XML file",
        about: "The domain is transient: nothing of it is kept when it ends.",
        options: &[FILE, CONSOLE, PAUSED, VALIDATE],
        run: |session, args| Box::pin(create(session, args)),
    },
    Command {
        name: "define",
        group: Group::Lifecycle,
        summary: "define a domain from an XML file, without starting it",
        about: "A domain of this name and UUID gets the new definition. Releases before \
                Xen 3.0.4 keep it as a file in /etc/xen.",
        options: &[FILE, VALIDATE],
        run: |session, args| Box::pin(define(session, args)),
    },
    Command {
        name: "undefine",
        group: Group::Lifecycle,
        summary: "remove the definition of an inactive domain",
        about: "Disks and other files of the guest are not touched.",
        options: &[DOMAIN, MANAGED_SAVE, SNAPSHOTS],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "undefine",
                "has been undefined",
                async |driver, key| {
                    let flags = UndefineFlags {
                        managed_save: args.flag("managed-save"),
                        snapshots: args.flag("snapshots-metadata"),
                    };
                    driver.undefine_with(key, flags).await
                },
            ))
        },
    },
    Command {
        name: "start",
        group: Group::Lifecycle,
        summary: "start a domain that is defined",
        about: "",
        options: &[DOMAIN, CONSOLE, PAUSED, FORCE_BOOT],
        run: |session, args| Box::pin(start(session, args)),
    },
    Command {
        name: "shutdown",
        group: Group::Lifecycle,
        summary: "ask a domain to shut down",
        about: "Returns when the guest has been asked; it may take its time or refuse. \
                'virtxen event --domain DOMAIN --event lifecycle' waits for the end.",
        options: &[DOMAIN, MODE],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "shutdown",
                "is being shutdown",
                async |driver, key| driver.shutdown(key, mode(args)).await,
            ))
        },
    },
    Command {
        name: "reboot",
        group: Group::Lifecycle,
        summary: "ask a domain to reboot",
        about: "",
        options: &[DOMAIN, MODE],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "reboot",
                "is being rebooted",
                async |driver, key| driver.reboot(key, mode(args)).await,
            ))
        },
    },
    Command {
        name: "destroy",
        group: Group::Lifecycle,
        summary: "end a domain at once",
        about: "As if its power were cut: data that the guest has not written are lost. Its \
                definition stays.",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "destroy",
                "destroyed",
                async |driver, key| driver.destroy(key).await,
            ))
        },
    },
    Command {
        name: "suspend",
        group: Group::Lifecycle,
        summary: "pause a domain",
        about: "It keeps its memory and gets no processor time.",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "suspend",
                "suspended",
                async |driver, key| driver.suspend(key).await,
            ))
        },
    },
    Command {
        name: "resume",
        group: Group::Lifecycle,
        summary: "let a paused domain run on",
        about: "",
        options: &[DOMAIN],
        run: |session, args| {
            Box::pin(act(
                session,
                args,
                "resume",
                "resumed",
                async |driver, key| driver.resume(key).await,
            ))
        },
    },
    Command {
        name: "autostart",
        group: Group::Lifecycle,
        summary: "start a domain with the host, or no longer",
        about: "",
        options: &[
            DOMAIN,
            flag("disable", "do not start it with the host any more"),
        ],
        run: |session, args| Box::pin(autostart(session, args)),
    },
    Command {
        name: "domrename",
        group: Group::Lifecycle,
        summary: "give a domain another name",
        about: "",
        options: &[
            DOMAIN,
            required("new-name", Kind::Text("name"), "the new name"),
        ],
        run: |session, args| Box::pin(rename(session, args)),
    },
];

async fn create(session: &Session, args: &Args) -> Result<Reply> {
    let file = args.required("file")?;
    let xml = document::read(file)?;
    let strict = session.strict || args.flag("validate");
    let made = session
        .driver()
        .await?
        .create_xml(
            &xml,
            CreateFlags {
                paused: args.flag("paused"),
                strict,
            },
        )
        .await
        .map_err(|error| document::failed(file, error))
        .context(|| format!("Failed to create domain from {file}"))?;
    document::warn(session, file, &made.warnings);
    let domain = made.domain;
    let reply = Reply::new(session.marked(json::domain(&domain)))
        .note(format!("Domain '{}' created from {file}", domain.name));
    warn_of_end(session, &domain).await?;
    then_console(session, args, &domain, reply).await
}

async fn define(session: &Session, args: &Args) -> Result<Reply> {
    let file = args.required("file")?;
    let xml = document::read(file)?;
    let strict = session.strict || args.flag("validate");
    let made = session
        .driver()
        .await?
        .define_xml(&xml, DefineFlags { strict })
        .await
        .map_err(|error| document::failed(file, error))
        .context(|| format!("Failed to define domain from {file}"))?;
    document::warn(session, file, &made.warnings);
    let domain = made.domain;
    Ok(Reply::new(session.marked(json::domain(&domain)))
        .note(format!("Domain '{}' defined from {file}", domain.name)))
}

async fn start(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = &domain.name;
    if domain.is_active() {
        return Err(Error::Failed("Domain is already active".to_owned()));
    }
    let driver = session.driver().await?;
    let (key, paused) = (DomainKey::from(&domain), args.flag("paused"));
    let started = match args.flag("force-boot") {
        true => driver.start_anew(&key, paused).await,
        false => driver.start(&key, paused).await,
    };
    started.context(|| format!("Failed to start domain '{name}'"))?;
    let reply = Reply::new(json::done(&domain, "start")).note(format!("Domain '{name}' started"));
    warn_of_end(session, &domain).await?;
    then_console(session, args, &domain, reply).await
}

/// Warns when nobody will see to a guest that shuts down. On a simulated host this
/// program does, if it traces nothing.
async fn warn_of_end(session: &Session, domain: &Domain) -> Result<()> {
    let driver = session.driver().await?;
    if !driver.is_simulated() && !driver.is_taken_down() {
        let name = &domain.name;
        session.printer.warning(&format!(
            "no virtxend runs: when the guest '{name}' shuts down or crashes, its domain stays, \
             and when it reboots, nobody starts it again"
        ));
    }
    Ok(())
}

async fn then_console(
    session: &Session,
    args: &Args,
    domain: &Domain,
    reply: Reply,
) -> Result<Reply> {
    if args.flag("console") {
        super::console::open(session, domain, false).await?;
    }
    Ok(reply)
}

fn mode(args: &Args) -> ShutdownMode {
    match args.text("mode") {
        Some("paravirt") => ShutdownMode::Paravirt,
        Some("acpi") => ShutdownMode::AcpiPowerButton,
        _ => ShutdownMode::Any,
    }
}

/// A call that needs nothing but the domain: `verb` is the command, `done` what
/// the domain does afterwards.
pub(super) async fn act(
    session: &Session,
    args: &Args,
    verb: &str,
    done: &str,
    call: impl AsyncFnOnce(&dyn Connection, &DomainKey) -> virtxen_driver::Result<()>,
) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = &domain.name;
    let driver = session.driver().await?;
    call(driver, &DomainKey::from(&domain))
        .await
        .context(|| format!("Failed to {verb} domain '{name}'"))?;
    Ok(Reply::new(json::done(&domain, verb)).note(format!("Domain '{name}' {done}")))
}

async fn autostart(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let name = &domain.name;
    let wanted = !args.flag("disable");
    let driver = session.driver().await?;
    let word = if wanted { "mark" } else { "unmark" };
    driver
        .set_autostart(&DomainKey::from(&domain), wanted)
        .await
        .context(|| format!("Failed to {word} domain '{name}' as autostarted"))?;
    let json = json!({ "domain": name, "uuid": domain.uuid.to_string(), "autostart": wanted });
    Ok(Reply::new(json).note(format!("Domain '{name}' {word}ed as autostarted")))
}

async fn rename(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let new_name = args.required("new-name")?;
    let driver = session.driver().await?;
    driver
        .rename(&DomainKey::from(&domain), new_name)
        .await
        .context(|| format!("Failed to rename domain '{}'", domain.name))?;
    let mut json = json::done(&domain, "rename");
    if let Some(object) = json.as_object_mut() {
        object.insert("new_name".to_owned(), json!(new_name));
    }
    Ok(Reply::new(json).note("Domain successfully renamed"))
}
