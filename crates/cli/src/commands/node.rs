//! Commands about the host: what it is, what it can run, how it is reached. Its counters
//! and cpupools are in files of their own.

use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::options::{Args, Kind, flag, optional};
use crate::output::Reply;
use crate::table;
use serde_json::json;
use virtxen_driver::DomainQuery;
use virtxen_guest::MemoryKib;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "nodeinfo",
        group: Group::Host,
        summary: "show processors and memory of the host",
        about: "",
        options: &[],
        run: |session, _| Box::pin(nodeinfo(session)),
    },
    Command {
        name: "freecell",
        group: Group::Host,
        summary: "show the memory that no domain has",
        about: "",
        options: &[
            optional("cellno", Kind::Number, "of this NUMA node only"),
            flag("all", "of each NUMA node, and the sum"),
        ],
        run: |session, args| Box::pin(freecell(session, args)),
    },
    Command {
        name: "capabilities",
        group: Group::Host,
        summary: "print what the host can run, as XML",
        about: "",
        options: &[],
        run: |session, _| Box::pin(capabilities(session)),
    },
    Command {
        name: "domcapabilities",
        group: Group::Host,
        summary: "print what guests of one kind can be made of, as XML",
        about: "Vcpus, firmware and devices of the guests that this host and its release of \
                Xen can run. What is not said is chosen: the host's architecture, and \
                paravirtualized guests where the host has them.",
        options: &[
            optional("virttype", Kind::Word(&["xen"]), "the hypervisor"),
            optional(
                "emulatorbin",
                Kind::Text("path"),
                "program that emulates devices",
            ),
            optional("arch", Kind::Text("arch"), "architecture: x86_64, i686, …"),
            optional("machine", Kind::Word(MACHINES), "kind of guest"),
        ],
        run: |session, args| Box::pin(domain_capabilities(session, args)),
    },
    Command {
        name: "version",
        group: Group::Host,
        summary: "show the versions of virtxen and of Xen",
        about: "",
        options: &[
            flag("daemon", "accepted for virsh's sake"),
            flag("program", "of virtxen only; asks no host"),
        ],
        run: |session, args| Box::pin(version(session, args)),
    },
    Command {
        name: "hostname",
        group: Group::Host,
        summary: "print the host's name",
        about: "",
        options: &[],
        run: |session, _| Box::pin(hostname(session)),
    },
    Command {
        name: "uri",
        group: Group::Host,
        summary: "print the URI of the connection",
        about: "",
        options: &[],
        run: |session, _| Box::pin(uri(session)),
    },
];

const MACHINES: &[&str] = &["xenpv", "xenfv", "xenpvh"];

async fn nodeinfo(session: &Session) -> Result<Reply> {
    let driver = session.driver().await?;
    let node = driver
        .node_info()
        .await
        .context(|| "Failed to get node info".to_owned())?;
    let fields = [
        ("CPU model", node.model.clone()),
        ("CPU(s)", node.cpus.to_string()),
        ("CPU frequency", format!("{} MHz", node.mhz)),
        ("CPU socket(s)", node.sockets.to_string()),
        ("Core(s) per socket", node.cores.to_string()),
        ("Thread(s) per core", node.threads.to_string()),
        ("NUMA cell(s)", node.nodes.to_string()),
        ("Memory size", format!("{} KiB", node.memory.0)),
    ];
    let json = json!({
        "model": node.model, "cpus": node.cpus, "mhz": node.mhz, "sockets": node.sockets,
        "cores": node.cores, "threads": node.threads, "nodes": node.nodes,
        "memory_kib": node.memory.0,
    });
    Ok(Reply::new(session.marked(json)).text(table::fields(&fields, 21)))
}

async fn freecell(session: &Session, args: &Args) -> Result<Reply> {
    let cell: Option<usize> = args.number("cellno")?;
    if cell.is_some() {
        args.exclusive("cellno", "all")?;
    }
    let driver = session.driver().await?;
    let free = driver
        .free_memory()
        .await
        .context(|| "Failed to get free memory".to_owned())?;
    let cells: Vec<u64> = free.cells.iter().map(|memory| memory.0).collect();
    let reply =
        Reply::new(session.marked(json!({ "total_kib": free.total.0, "cells_kib": cells })));
    if let Some(number) = cell {
        let MemoryKib(free) = free.cells.get(number).copied().ok_or_else(|| {
            Error::NotFound(format!(
                "the host tells no free memory of NUMA node {number}"
            ))
        })?;
        return Ok(reply.line(format!("{number}: {free} KiB")));
    }
    if !args.flag("all") {
        return Ok(reply.line(format!("Total: {} KiB", free.total.0)));
    }
    let mut text = String::new();
    for (number, memory) in cells.iter().enumerate() {
        text.push_str(&format!("{number:5}: {memory:10} KiB\n"));
    }
    text.push_str(&format!(
        "{}\n{:5}: {:10} KiB\n",
        "-".repeat(20),
        "Total",
        cells.iter().sum::<u64>()
    ));
    Ok(reply.text(text))
}

async fn capabilities(session: &Session) -> Result<Reply> {
    let driver = session.driver().await?;
    let xml = driver
        .capabilities()
        .await
        .context(|| "failed to get capabilities".to_owned())?;
    Ok(Reply::new(session.marked(json!({ "xml": xml }))).text(xml))
}

async fn domain_capabilities(session: &Session, args: &Args) -> Result<Reply> {
    let driver = session.driver().await?;
    let query = DomainQuery {
        emulator: args.text("emulatorbin"),
        arch: args.text("arch"),
        machine: args.text("machine"),
        virt_type: args.text("virttype"),
    };
    let xml = driver
        .domain_capabilities(&query)
        .await
        .context(|| "failed to get emulator capabilities".to_owned())?;
    Ok(Reply::new(session.marked(json!({ "xml": xml }))).text(xml))
}

async fn version(session: &Session, args: &Args) -> Result<Reply> {
    let own = env!("CARGO_PKG_VERSION");
    if args.flag("program") {
        return Ok(Reply::new(json!({ "virtxen": own })).line(format!("virtxen {own}")));
    }
    let connection = session.connection().await?;
    let xen = connection.host.version().to_string();
    let simulated = if session.is_simulated() {
        " (simulated)"
    } else {
        ""
    };
    let json = json!({ "virtxen": own, "hypervisor": "Xen", "hypervisor_version": xen });
    Ok(Reply::new(session.marked(json))
        .line(format!("Using: virtxen {own}"))
        .line(format!("Running hypervisor: Xen {xen}{simulated}")))
}

async fn hostname(session: &Session) -> Result<Reply> {
    let driver = session.driver().await?;
    let name = driver
        .hostname()
        .await
        .context(|| "failed to get hostname".to_owned())?;
    Ok(Reply::new(session.marked(json!({ "hostname": name }))).line(table::clean(&name)))
}

async fn uri(session: &Session) -> Result<Reply> {
    let uri = session.connection().await?.place.to_string();
    Ok(Reply::new(session.marked(json!({ "uri": uri }))).line(uri))
}
