//! What is in the log: a line for each call, whose it was and what came of it, and
//! nothing that is nobody's business.
#![allow(clippy::unwrap_used)]

mod common;

use common::Daemon;
use common::client::Client;
use serde_json::Value;
use virtxen_rpc::calls::{
    DomainDefineXML, DomainFlags, DomainGetState, DomainGetXMLDesc, DomainLookupByName,
    DomainSuspend,
};

/// A daemon whose log goes to a file in its folder.
fn daemon(settings: &str) -> Daemon {
    Daemon::start_with("sim:?guests=3", |command, folder| {
        let log = folder.join("log");
        let text = format!("log_outputs = \"1:file:{}\"\n{settings}", log.display());
        let file = folder.join("virtxend.conf");
        std::fs::write(&file, text).unwrap();
        command.arg("--config").arg(file);
    })
}

/// The log, when it has the words.
fn log(daemon: &mut Daemon, words: &str) -> String {
    let file = daemon.folder().join("log");
    let read = || std::fs::read_to_string(&file).unwrap();
    daemon.wait_until(words, |_| read().contains(words));
    read()
}

#[test]
fn each_call_has_a_line() {
    let mut daemon = daemon("log_level = 1\nlog_format = \"json\"\n");
    let mut client = Client::open(&daemon);
    let pv1 = client.call::<DomainLookupByName>(&"pv1".into()).unwrap();
    client.call::<DomainSuspend>(&pv1).unwrap();
    client
        .call::<DomainLookupByName>(&"nobody".into())
        .unwrap_err();
    let log = log(&mut daemon, "nobody");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |procedure: &str| {
        let mut lines = lines.iter();
        lines.rfind(|line| line["span"]["procedure"] == procedure && line["outcome"].is_string())
    };
    let suspended = of("virDomainSuspend").unwrap();
    assert_eq!(suspended["level"], "INFO");
    assert_eq!(suspended["outcome"], "ok");
    assert!(suspended["duration_us"].as_u64().unwrap() > 0);
    assert_eq!(suspended["span"]["domain"], "pv1");
    assert_eq!(suspended["span"]["serial"], 2, "the third of this client");
    assert!(suspended["span"]["client"].is_u64());
    let failed = of("virDomainLookupByName").unwrap();
    assert_eq!(
        (&failed["outcome"], &failed["code"]),
        (&"absent".into(), &42.into())
    );
    assert!(failed["error"].as_str().unwrap().contains("nobody"));
    let opened = of("virConnectOpen").unwrap();
    assert_eq!(opened["level"], "DEBUG", "it changes nothing");
    let came = lines.iter().find(|line| line["message"] == "a client came");
    let who = came.unwrap()["who"].as_str().unwrap();
    assert!(who.starts_with("process "), "{who}");
}

#[test]
fn what_is_secret_is_not_in_it() {
    let mut daemon = daemon("log_level = 1\n");
    let mut client = Client::open(&daemon);
    let xml = "<domain type='xen'><name>new</name><memory>8192</memory>\
               <os><type>hvm</type></os><devices><graphics type='vnc' passwd='geheim'/>\
               </devices></domain>";
    let dom = client.call::<DomainDefineXML>(&xml.into()).unwrap();
    let flags = 1;
    let secure = DomainFlags { dom, flags };
    let shown = client.call::<DomainGetXMLDesc>(&secure).unwrap();
    assert!(shown.contains("geheim"));
    let broken = xml.replace("<name>new</name>", "<memory>x</memory>");
    client.call::<DomainDefineXML>(&broken).unwrap_err();
    client
        .call::<DomainLookupByName>(&"end".into())
        .unwrap_err();
    let log = log(&mut daemon, "'end'");
    assert!(log.contains("virDomainGetXMLDesc") && log.contains("virDomainDefineXML"));
    assert!(!log.contains("geheim"), "{log}");
}

#[test]
fn a_client_cannot_write_lines_of_its_own() {
    let mut daemon = daemon("log_level = 2\n");
    let mut client = Client::open(&daemon);
    let name = "x\n2026-11-23T00:00:00Z ERROR forged\u{1b}[31m".to_owned();
    client.call::<DomainLookupByName>(&name).unwrap_err();
    let mut pv1 = client.call::<DomainLookupByName>(&"pv1".into()).unwrap();
    pv1.name = name;
    client.call::<DomainSuspend>(&pv1).unwrap();
    let log = log(&mut daemon, "virDomainSuspend");
    assert!(log.contains("forged"), "{log}");
    assert!(
        !log.contains('\u{1b}')
            && log
                .lines()
                .all(|line| !line.contains("Z ERROR forged\u{1b}"))
    );
    let begins = |line: &str| line.get(..2) == Some("20") && line.contains(" virtxend");
    assert!(log.lines().all(begins), "{log}");
}

#[test]
fn levels_and_filters_say_what_is_left_out() {
    let mut daemon = daemon("log_level = 3\nlog_filters = \"2:calls\"\n");
    let mut client = Client::open(&daemon);
    let dom = client.call::<DomainLookupByName>(&"pv1".into()).unwrap();
    client.call::<DomainSuspend>(&dom).unwrap();
    let flags = 0;
    client
        .call::<DomainGetState>(&DomainFlags { dom, flags })
        .unwrap();
    let log = log(&mut daemon, "virDomainSuspend");
    assert!(!log.contains("a client came"), "{log}");
    assert!(!log.contains("virDomainGetState"), "{log}");
}
