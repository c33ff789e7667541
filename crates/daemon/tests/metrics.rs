//! What Prometheus reads: curl asks, and the page is held against the rules of its
//! format.
#![allow(clippy::unwrap_used)]

mod common;

use common::Daemon;
use common::client::Client;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};
use virtxen_rpc::calls::{DomainLookupByName, DomainShutdown};

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn start(host: &str) -> (Daemon, SocketAddr) {
    let address = free_address();
    let daemon = Daemon::start_with(host, |command, _| {
        command.arg("--prometheus").arg(address.to_string());
    });
    (daemon, address)
}

/// What comes back for some bytes.
fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(request).unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

/// The page, as samples with their values, after a look at its form.
fn scrape(address: SocketAddr) -> HashMap<String, f64> {
    let reply = ask(address, b"GET /metrics HTTP/1.1\r\nHost: xen\r\n\r\n");
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/plain; version=0.0.4"));
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    check(body)
}

/// The rules that `promtool check metrics` has: each family has its help and type
/// once, before its samples, which are together and of which none is there twice;
/// counters end in `_total`; classes of histograms grow.
fn check(body: &str) -> HashMap<String, f64> {
    let mut samples = HashMap::new();
    let mut families = HashSet::new();
    let (mut family, mut kind, mut below) = (String::new(), String::new(), 0.0);
    assert!(body.ends_with('\n'));
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let name = help.split(' ').next().unwrap();
            assert!(families.insert(name.to_owned()), "{name} is there twice");
            let rest = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
            let (typed, is) = rest.split_once(' ').unwrap();
            assert_eq!(typed, name);
            assert_eq!(is == "counter", name.ends_with("_total"), "{name}");
            (family, kind) = (name.to_owned(), is.to_owned());
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        let suffixes: &[&str] = match kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let fits = |suffix: &&str| name.strip_suffix(*suffix) == Some(&family);
        assert!(suffixes.iter().any(fits), "{line} in {family}");
        let value: f64 = value.parse().unwrap();
        if name.ends_with("_bucket") {
            let first = sample.contains("le=\"0.001\"");
            assert!(first || value >= below, "{line}: classes grow");
            below = value;
        }
        let twice = samples.insert(sample.to_owned(), value).is_some();
        assert!(!twice, "{sample} is there twice");
    }
    samples
}

const PV1: &str = "domain=\"pv1\",uuid=\"5a11ab1e-0000-4000-8000-000000000001\"";

#[test]
fn domains_host_and_calls_are_on_the_page() {
    let (daemon, address) = start("sim:?guests=3");
    let mut client = Client::open(&daemon);
    client.call::<DomainLookupByName>(&"pv1".into()).unwrap();
    for _ in 0..2 {
        client
            .call::<DomainLookupByName>(&"nobody".into())
            .unwrap_err();
    }
    let page = scrape(address);
    let is = |sample: &str, value: f64| {
        let found = page.get(sample);
        assert_eq!(found.copied(), Some(value), "{sample}");
    };
    is("libvirt_up", 1.0);
    is("libvirt_domains_number", 4.0);
    is("virtxen_statistics_missing", 0.0);
    is("virtxen_host_cpus", 4.0);
    is(&format!("libvirt_domain_state_code{{{PV1}}}"), 2.0);
    let memory = format!("libvirt_domain_info_memory_usage_bytes{{{PV1}}}");
    is(&memory, 4096.0 * 1024.0);
    let disk = "source_file=\"/var/lib/xen/images/pv1.img\",target_device=\"xvda\"";
    let read = format!("libvirt_domain_block_stats_read_bytes_total{{{PV1},{disk}}}");
    assert!(page[&read] > 0.0);
    let received = "libvirt_domain_interface_stats_receive_bytes_total";
    assert!(page[&format!("{received}{{{PV1},target_device=\"vif1.0\"}}")] > 0.0);
    let time = format!("virtxen_domain_vcpu_time_seconds_total{{{PV1},vcpu=\"0\"}}");
    assert!(page[&time] > 0.0 && page[&time] < 10.0, "seconds");
    is("virtxen_clients", 1.0);
    let lookup = "procedure=\"virDomainLookupByName\"";
    let calls = |outcome: &str| format!("virtxen_calls_total{{{lookup},outcome=\"{outcome}\"}}");
    is(&calls("ok"), 1.0);
    is(&calls("absent"), 2.0);
    is(
        &format!("virtxen_call_duration_seconds_count{{{lookup}}}"),
        3.0,
    );
    is(
        &format!("virtxen_call_duration_seconds_bucket{{{lookup},le=\"+Inf\"}}"),
        3.0,
    );
}

#[test]
fn a_host_that_hangs_holds_no_page_up() {
    let (mut daemon, address) = start("sim:?guests=3&fault=hang,op=shutdown");
    assert_eq!(scrape(address)["libvirt_up"], 1.0);
    let mut client = Client::open(&daemon);
    let pv1 = client.call::<DomainLookupByName>(&"pv1".into()).unwrap();
    client.session.call::<DomainShutdown>(&pv1).unwrap();
    let mut stream = client.stream();
    stream.write_all(client.session.output()).unwrap();
    let job = format!("virtxen_domain_job_age_seconds{{{PV1},operation=\"shutdown\"}}");
    daemon.wait_until("the job is on the page", |_| {
        let begin = Instant::now();
        let page = scrape(address);
        assert!(begin.elapsed() < Duration::from_secs(10));
        page.contains_key(&job) && page["virtxen_calls_running"] == 1.0
    });
}

#[test]
fn only_the_page_is_served() {
    let (_daemon, address) = start("sim:");
    for (request, reply) in [
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "),
        ("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "),
        ("\r\n\r\n", "HTTP/1.1 405 "),
    ] {
        let said = ask(address, request.as_bytes());
        assert!(said.starts_with(reply), "{request}: {said}");
    }
    let head = ask(address, b"HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"));
    assert_eq!(ask(address, &vec![b'x'; 100_000]), "", "too long");
    // Those who say nothing take no more than their places.
    let silent: Vec<TcpStream> = (0..8)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    assert_eq!(scrape(address)["libvirt_up"], 1.0);
    drop(silent);
}

#[test]
fn curl_reads_it_and_nobody_does_without_being_asked_to() {
    let (_daemon, address) = start("sim:");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "30"]);
    match curl.arg(format!("http://{address}/metrics")).output() {
        Ok(output) => {
            assert!(output.status.success());
            check(&String::from_utf8(output.stdout).unwrap());
        }
        Err(_) => println!("skipped: curl is not installed"),
    }
}
