//! Commands about network interfaces: list, attach, detach.

use super::devices::{Change, device};
use super::disk::guest_of;
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::options::{
    Args, CONFIG, CURRENT, DOMAIN, Kind, LIVE, PERSISTENT, PRINT_XML, flag, named, required,
};
use crate::output::Reply;
use crate::table::Table;
use serde_json::json;
use virtxen_driver::DomainKey;
use virtxen_guest::{Device, Interface, InterfaceSource, MacAddress};

const TYPE: Kind = Kind::Word(&["bridge", "network", "ethernet"]);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "domiflist",
        group: Group::Devices,
        summary: "list the network interfaces of a domain",
        about: "",
        options: &[DOMAIN, flag("inactive", "list those of the definition")],
        run: |session, args| Box::pin(list(session, args)),
    },
    Command {
        name: "domifaddr",
        group: Group::Devices,
        summary: "list the network addresses of a running domain",
        about: "Those from which the host has been answered lately: Xen has no other way to know.",
        options: &[DOMAIN],
        run: |session, args| Box::pin(addresses(session, args)),
    },
    Command {
        name: "attach-interface",
        group: Group::Devices,
        summary: "add a network interface to a domain",
        about: "Without --mac the interface gets an address of Xen's range 00:16:3e.",
        options: &[
            DOMAIN,
            required("type", TYPE, "what it is connected to"),
            required(
                "source",
                Kind::Text("name"),
                "bridge or network; - for ethernet",
            ),
            named(
                "target",
                Kind::Text("name"),
                "name of the device on the host",
            ),
            named("mac", Kind::Text("address"), "hardware address"),
            named("script", Kind::Text("path"), "script that connects it"),
            named(
                "model",
                Kind::Text("name"),
                "what the guest sees: netfront, rtl8139, e1000",
            ),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            PRINT_XML,
        ],
        run: |session, args| Box::pin(attach(session, args)),
    },
    Command {
        name: "detach-interface",
        group: Group::Devices,
        summary: "remove a network interface from a domain",
        about: "--mac is needed if the domain has several of the type.",
        options: &[
            DOMAIN,
            required("type", TYPE, "what it is connected to"),
            named("mac", Kind::Text("address"), "hardware address"),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            PRINT_XML,
        ],
        run: |session, args| Box::pin(detach(session, args)),
    },
];

async fn list(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let interfaces = session
        .driver()
        .await?
        .interface_list(&DomainKey::from(&domain), args.flag("inactive"))
        .await
        .context(|| format!("Failed to list the interfaces of domain '{}'", domain.name))?;
    let header = ["Interface", "Type", "Source", "Model", "MAC"];
    let mut table = Table::new(&header).remark(session.remark());
    let mut list = Vec::new();
    let shown = |word: Option<String>| word.unwrap_or_else(|| "-".to_owned()).into();
    for interface in interfaces {
        list.push(json!({
            "interface": interface.name, "type": interface.kind, "source": interface.source,
            "model": interface.model, "mac": interface.mac,
        }));
        table.row(vec![
            shown(interface.name),
            interface.kind.into(),
            shown(interface.source),
            shown(interface.model),
            shown(interface.mac),
        ]);
    }
    let json = json!({ "domain": domain.name, "interfaces": list });
    Ok(Reply::new(session.marked(json)).table(table))
}

async fn addresses(session: &Session, args: &Args) -> Result<Reply> {
    let domain = session.domain(args).await?;
    let interfaces = session
        .driver()
        .await?
        .interface_addresses(&DomainKey::from(&domain))
        .await
        .context(|| format!("Failed to list the addresses of domain '{}'", domain.name))?;
    let mut table = Table::new(&["Interface", "MAC", "Address"]).remark(session.remark());
    let mut list = Vec::new();
    for interface in interfaces {
        let name = interface.name.unwrap_or_else(|| "-".to_owned());
        list.push(json!({
            "interface": name, "mac": interface.mac, "addresses": interface.addresses,
        }));
        for address in interface.addresses {
            let row = [name.clone(), interface.mac.clone(), address.to_string()];
            table.row(row.map(Into::into).to_vec());
        }
    }
    let json = json!({ "domain": domain.name, "interfaces": list });
    Ok(Reply::new(session.marked(json)).table(table))
}

async fn attach(session: &Session, args: &Args) -> Result<Reply> {
    let name = args.required("source")?.to_owned();
    let source = match args.required("type")? {
        "network" => InterfaceSource::Network {
            network: name,
            portgroup: None,
        },
        "ethernet" => InterfaceSource::Ethernet,
        _ => InterfaceSource::Bridge { bridge: Some(name) },
    };
    let interface = Interface {
        source,
        mac: mac(args)?,
        script: args.text("script").map(str::to_owned),
        target: args.text("target").map(str::to_owned),
        model: args.text("model").map(str::to_owned),
        ..Interface::default()
    };
    let domain = session.domain(args).await?;
    let interface = Device::Interface(Box::new(interface));
    device(session, args, &domain, Change::Attach, &interface).await
}

async fn detach(session: &Session, args: &Args) -> Result<Reply> {
    let kind = args.required("type")?;
    let mac = mac(args)?;
    let (domain, guest) = guest_of(session, args).await?;
    let mut found = guest.devices.interfaces.iter().filter(|interface| {
        interface.source.kind() == kind && (mac.is_none() || interface.mac == mac)
    });
    let Some(first) = found.next() else {
        let name = &domain.name;
        return Err(Error::NotFound(match mac {
            Some(mac) => format!("No interface with MAC address {mac} was found"),
            None => format!("domain '{name}' has no interface of type {kind}"),
        }));
    };
    if found.next().is_some() {
        return Err(Error::usage(format!(
            "Domain has multiple interfaces of type {kind}. You must specify which one to detach \
             using --mac"
        )));
    }
    let interface = Device::Interface(Box::new(first.clone()));
    device(session, args, &domain, Change::Detach, &interface).await
}

fn mac(args: &Args) -> Result<Option<MacAddress>> {
    args.text("mac")
        .map(|text| {
            text.parse()
                .map_err(|error| Error::usage(format!("{error}")))
        })
        .transpose()
}
