//! How fast documents are read and written: MB of document a second, one core.
//!
//! `cargo run --release -p virtxen-guest --example throughput [FILE …]`; without a
//! file two made-up guests, one small and one with 200 devices.
#![allow(
    clippy::expect_used,
    reason = "a failed measurement may end in a panic"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};
use virtxen_guest::{
    Disk, DiskSource, FormatOptions, Guest, Interface, InterfaceSource, MemoryKib, OsType,
    ParseOptions, Rules, Vnc, format_guest, parse_guest,
};

fn main() {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        measure("small", &document(2, 1));
        measure("200 devices", &document(100, 100));
    }
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        measure(&file, &text);
    }
}

fn measure(name: &str, text: &str) {
    let options = ParseOptions::default();
    let all = FormatOptions::default();
    let guest = parse_guest(text, &options).expect("a valid guest").value;
    let read = rate(text.len(), || {
        black_box(parse_guest(black_box(text), &options).is_ok());
    });
    let written = format_guest(&guest, &all).len();
    let write = rate(written, || {
        black_box(format_guest(black_box(&guest), &all));
    });
    let both = rate(text.len(), || {
        let guest = parse_guest(black_box(text), &options).expect("a valid guest");
        black_box(format_guest(&guest.value, &all));
    });
    println!(
        "{name}: {} bytes; parse {read:.0} MB/s, format {write:.0} MB/s, parse+format {both:.0} MB/s ({:.0} documents/s)",
        text.len(),
        both * 1e6 / text.len() as f64
    );
}

fn rate(bytes: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < Duration::from_millis(500) {
        work();
        rounds += 1;
    }
    bytes as f64 * f64::from(rounds) / start.elapsed().as_secs_f64() / 1e6
}

fn document(disks: u32, interfaces: u32) -> String {
    let mut guest = Guest::new("web");
    guest.memory = MemoryKib::from_mib(1024);
    guest.os.kind = OsType::Hvm;
    for number in 0..disks {
        let (high, low) = (number / 26, number % 26);
        let letter = |number: u32| char::from(b'a' + number as u8);
        guest.devices.disks.push(Disk {
            source: DiskSource::File {
                path: Some(format!("/var/lib/xen/images/disk{number}.img")),
            },
            target: format!("xvd{}{}", letter(high), letter(low)),
            ..Disk::default()
        });
    }
    for _ in 0..interfaces {
        guest.devices.interfaces.push(Interface {
            source: InterfaceSource::Bridge {
                bridge: Some("xenbr0".to_owned()),
            },
            script: Some("vif-bridge".to_owned()),
            ..Interface::default()
        });
    }
    guest.devices.graphics.push(Vnc::default().into());
    guest.fill_identities();
    guest.fill_defaults(&Rules::LIBXL);
    format_guest(&guest, &FormatOptions::default())
}
