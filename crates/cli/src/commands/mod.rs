//! The table of all commands. Parsing, help, completion, the man page and the
//! documentation are made from it; each family of commands is a file beside this.

mod check;
mod completions;
mod console;
mod control;
mod convert;
mod cpu;
mod cpupool;
mod devices;
mod disk;
mod doctor;
mod domstats;
mod edit;
mod event;
mod generate;
mod help;
mod import;
mod info;
mod interface;
mod job;
mod language;
mod lifecycle;
mod list;
mod managed_save;
mod media;
mod memory;
mod metadata;
mod migrate;
mod native;
mod node;
mod node_device;
mod node_statistics;
mod proxy;
mod save;
mod scheduler;
mod shell;
mod sim;
mod snapshot;
mod statistics;
mod top;
mod validate;
mod vcpu;
mod xenstore;
mod xml;

use crate::connect::Session;
use crate::error::Result;
use crate::options::{Args, Opt};
use crate::output::Reply;
use std::future::Future;
use std::pin::Pin;
use virtxen_driver::Affect;

pub(crate) use help::help_of;

/// A command's work: it borrows the session and its arguments.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = Result<Reply>> + 'a>>;

/// One command.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its family.
    pub(crate) group: Group,
    /// One line that says what it does.
    pub(crate) summary: &'static str,
    /// What else people should know; may be empty.
    pub(crate) about: &'static str,
    /// What it takes.
    pub(crate) options: &'static [Opt],
    /// What it does.
    pub(crate) run: for<'a> fn(&'a Session, &'a Args) -> Work<'a>,
}

/// A family of commands: one section of the help, one page of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Existence and state of domains.
    Lifecycle,
    /// What is known of domains.
    Monitoring,
    /// Memory, vcpus, scheduler.
    Resources,
    /// Disks, interfaces, other devices.
    Devices,
    /// Save, restore, dump, migrate.
    Moving,
    /// Consoles and displays.
    Consoles,
    /// The host.
    Host,
    /// Domain documents and other formats.
    Documents,
    /// virtxen itself.
    Virtxen,
    /// For those who build virtxen; not shown.
    Hidden,
}

impl Group {
    /// The families that are shown, in their order.
    pub(crate) const SHOWN: [Self; 9] = [
        Self::Lifecycle,
        Self::Monitoring,
        Self::Resources,
        Self::Devices,
        Self::Moving,
        Self::Consoles,
        Self::Host,
        Self::Documents,
        Self::Virtxen,
    ];

    /// Title of its section.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Lifecycle => "Life cycle",
            Self::Monitoring => "Monitoring",
            Self::Resources => "Memory, vcpus and scheduler",
            Self::Devices => "Devices",
            Self::Moving => "Save, dump and migrate",
            Self::Consoles => "Consoles and displays",
            Self::Host => "Host",
            Self::Documents => "Domain documents",
            Self::Virtxen => "virtxen itself",
            Self::Hidden => "For developers",
        }
    }

    /// Name of its page in `docs/commands`.
    pub(crate) fn page(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Monitoring => "monitoring",
            Self::Resources => "resources",
            Self::Devices => "devices",
            Self::Moving => "moving",
            Self::Consoles => "consoles",
            Self::Host => "host",
            Self::Documents => "documents",
            Self::Virtxen => "virtxen",
            Self::Hidden => "developers",
        }
    }
}

/// The families' tables, in the order of the help.
const TABLES: &[&[Command]] = &[
    list::COMMANDS,
    lifecycle::COMMANDS,
    control::COMMANDS,
    info::COMMANDS,
    statistics::COMMANDS,
    domstats::COMMANDS,
    top::COMMANDS,
    event::COMMANDS,
    memory::COMMANDS,
    vcpu::COMMANDS,
    scheduler::COMMANDS,
    devices::COMMANDS,
    disk::COMMANDS,
    interface::COMMANDS,
    media::COMMANDS,
    save::COMMANDS,
    managed_save::COMMANDS,
    migrate::COMMANDS,
    job::COMMANDS,
    console::COMMANDS,
    node::COMMANDS,
    node_device::COMMANDS,
    node_statistics::COMMANDS,
    cpu::COMMANDS,
    cpupool::COMMANDS,
    xenstore::COMMANDS,
    xml::COMMANDS,
    edit::COMMANDS,
    metadata::COMMANDS,
    native::COMMANDS,
    convert::COMMANDS,
    import::COMMANDS,
    validate::COMMANDS,
    doctor::COMMANDS,
    shell::COMMANDS,
    sim::COMMANDS,
    snapshot::COMMANDS,
    proxy::COMMANDS,
    completions::COMMANDS,
    help::COMMANDS,
    generate::COMMANDS,
];

/// Every command.
pub(crate) fn all() -> impl Iterator<Item = &'static Command> {
    TABLES.iter().copied().flatten()
}

/// The commands of a family.
pub(crate) fn of_group(group: Group) -> impl Iterator<Item = &'static Command> {
    all().filter(move |command| command.group == group)
}

/// The command of a name.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    all().find(|command| command.name == name)
}

/// Which part of a domain a change is about, as its options say.
pub(crate) fn affect(args: &Args) -> Result<Affect> {
    args.exclusive("current", "live")?;
    args.exclusive("current", "config")?;
    args.exclusive("current", "persistent")?;
    Ok(Affect {
        live: args.flag("live"),
        config: args.flag("config") || args.flag("persistent"),
    })
}

impl Command {
    /// The command and what it takes, as one line.
    pub(crate) fn synopsis(&self) -> String {
        let mut text = self.name.to_owned();
        for option in self.options {
            text.push(' ');
            text.push_str(&option.synopsis());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Rule;
    use std::collections::HashSet;

    #[test]
    fn names_and_options_are_unique_and_explained() {
        let mut names = HashSet::new();
        for command in all() {
            assert!(names.insert(command.name), "{} twice", command.name);
            assert!(!command.summary.is_empty() && !command.summary.ends_with('.'));
            let mut options = HashSet::new();
            for option in command.options {
                let place = format!("{} --{}", command.name, option.name);
                assert!(options.insert(option.name), "{place} twice");
                assert!(!option.help.is_empty(), "{place} is not explained");
            }
        }
    }

    #[test]
    fn required_positions_come_before_optional_ones() {
        for command in all() {
            let mut optional = false;
            for option in command.options {
                optional |= option.rule == Rule::Optional;
                assert!(!(optional && option.is_required()), "{}", command.name);
            }
        }
    }
}
