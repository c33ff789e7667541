//! The daemon killed in the midst of calls, again and again: what it has acknowledged is
//! there when the next one comes, no file is half, running domains are taken over.
#![allow(clippy::unwrap_used)]

mod common;

use common::Daemon;
use common::client::Client;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use virtxen_rpc::calls::{
    AutostartArguments, DomainCreate, DomainDefineXML, DomainDestroy, DomainFlags,
    DomainGetAutostart, DomainGetXMLDesc, DomainLookupByName, DomainSetAutostart, DomainUndefine,
};
use virtxen_rpc::{Call, Domain, RemoteError};

/// Daemons that are killed on each route.
const ROUNDS: u32 = 8;
/// With it, so many more that there were at least so many calls.
const CALLS: &str = "VIRTXEN_KILLED_CALLS";
/// Guests that are there at most.
const GUESTS: u32 = 6;

/// What is known of a guest that is defined.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    title: u32,
    autostart: bool,
    runs: bool,
}

type Guests = BTreeMap<String, Known>;

/// Numbers that look like chance and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Nobody answers any more.
struct Killed;

fn call<C: Call>(
    client: &mut Client,
    arguments: &C::Arguments,
) -> Result<Result<C::Reply, RemoteError>, Killed> {
    client.try_call::<C>(arguments).map_err(|_| Killed)
}

fn document(name: &str, title: u32) -> String {
    let number: u32 = name.trim_start_matches("guest").parse().unwrap();
    format!(
        "<domain type='xen'><name>{name}</name>\
         <uuid>00000000-0000-4000-8000-0000000000{number:02}</uuid>\
         <title>Title {title}</title><memory unit='MiB'>16</memory>\
         <os><type>linux</type><kernel>/boot/vmlinuz</kernel></os></domain>"
    )
}

fn look_up(client: &mut Client, name: &str) -> Result<Option<Domain>, Killed> {
    Ok(call::<DomainLookupByName>(client, &name.to_owned())?.ok())
}

/// Does something to a guest. What is known of it changes when that is acknowledged.
fn act(
    client: &mut Client,
    chance: &mut Chance,
    starts: bool,
    guests: &mut Guests,
    name: &str,
) -> Result<(), Killed> {
    let Some(known) = guests.get(name).cloned() else {
        let title = chance.below(1000);
        call::<DomainDefineXML>(client, &document(name, title))?.unwrap();
        let known = Known {
            title,
            ..Known::default()
        };
        guests.insert(name.to_owned(), known);
        return Ok(());
    };
    let dom = look_up(client, name)?.unwrap_or_else(|| panic!("{name} is not there"));
    match chance.below(5) {
        0 if known.runs => {
            call::<DomainDestroy>(client, &dom)?.unwrap();
            guests.get_mut(name).unwrap().runs = false;
        }
        0 => {
            call::<DomainUndefine>(client, &dom)?.unwrap();
            guests.remove(name);
        }
        1 if !known.runs => {
            let title = chance.below(1000);
            call::<DomainDefineXML>(client, &document(name, title))?.unwrap();
            guests.get_mut(name).unwrap().title = title;
        }
        2 if starts && !known.runs => {
            call::<DomainCreate>(client, &dom)?.unwrap();
            guests.get_mut(name).unwrap().runs = true;
        }
        _ if !known.runs => {
            let autostart = i32::from(!known.autostart);
            call::<DomainSetAutostart>(client, &AutostartArguments { dom, autostart })?.unwrap();
            guests.get_mut(name).unwrap().autostart = !known.autostart;
        }
        _ => {}
    }
    Ok(())
}

/// What the daemon says of a guest.
fn seen(client: &mut Client, name: &str) -> Option<Known> {
    let dom = look_up(client, name).ok().unwrap()?;
    let runs = dom.id >= 0;
    let flags = 2;
    let arguments = DomainFlags {
        dom: dom.clone(),
        flags,
    };
    let xml = client.call::<DomainGetXMLDesc>(&arguments).unwrap();
    let title = xml.split("<title>Title ").nth(1).unwrap_or_default();
    let title = title.split('<').next().unwrap_or_default();
    Some(Known {
        title: title.parse().unwrap_or(u32::MAX),
        autostart: client.call::<DomainGetAutostart>(&dom).unwrap() != 0,
        runs,
    })
}

/// Nobody knows whether this was done: begins anew with it.
fn clear(client: &mut Client, name: &str) {
    if let Some(dom) = look_up(client, name).ok().unwrap() {
        let _ = client.call::<DomainDestroy>(&dom);
        let _ = client.call::<DomainUndefine>(&dom);
    }
}

fn whole(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            whole(&path);
        } else if path.exists() && path.extension().is_some_and(|ending| ending == "xml") {
            // A link that was left behind by a guest that is gone starts nothing.
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.trim_end().ends_with("</domain>"), "{}", path.display());
        }
    }
}

fn kill_again_and_again(host: &str, starts: bool) {
    let root = tempfile::tempdir().unwrap();
    let mut chance = Chance(7);
    let mut guests = Guests::new();
    let wanted = std::env::var(CALLS).map_or(0, |calls| calls.parse().unwrap());
    let (mut unsure, mut calls) = (None::<String>, 0);
    for round in 0.. {
        let daemon = Daemon::start_with(host, |command, _| {
            command.arg("--root").arg(root.path());
        });
        let mut client = Client::open(&daemon);
        if let Some(name) = unsure.take() {
            clear(&mut client, &name);
            guests.remove(&name);
        }
        for number in 0..GUESTS {
            let name = format!("guest{number}");
            let said = seen(&mut client, &name);
            assert_eq!(
                said.as_ref(),
                guests.get(&name),
                "{host}, round {round}: {name}"
            );
        }
        whole(&root.path().join("etc"));
        if round >= ROUNDS && calls >= wanted {
            println!("{host}: {calls} calls, {round} daemons killed");
            break;
        }
        let pid = daemon.process.id().to_string();
        let wait = Duration::from_millis(u64::from(50 + chance.below(400)));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait);
            Command::new("kill").args(["-9", &pid]).status().unwrap();
        });
        loop {
            let name = format!("guest{}", chance.below(GUESTS));
            calls += 1;
            if act(&mut client, &mut chance, starts, &mut guests, &name).is_err() {
                unsure = Some(name);
                break;
            }
        }
        killer.join().unwrap();
    }
    assert!(calls > ROUNDS);
}

#[test]
fn what_was_acknowledged_is_there_without_a_xend() {
    kill_again_and_again("sim:?release=4.17", false);
}

#[test]
fn what_was_acknowledged_is_there_beside_a_xend() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("xend");
    let served = socket.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let uri = "sim:?build=2ms&connect=1ms";
        let host = virtxen_connect::simulated::host(uri).unwrap();
        let forever = std::future::pending();
        runtime
            .unwrap()
            .block_on(host.serve_unix(&served, forever))
            .unwrap();
    });
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_again_and_again(&format!("xend+unix://{}", socket.display()), true);
}
