//! Texts and trees of S-expressions: what is written is read back, and neither a
//! text nor a tree makes a reader panic.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use virtxen_formats::sxpr::{
    ConfigVersion, Dialect, EmptyAtom, Limits, Runtime, Sxpr, Target, guest_to_sxpr, read,
    read_prefix, sxpr_to_guest, write_reply, write_request,
};

fn atom() -> impl Strategy<Value = Sxpr> {
    let text = prop_oneof![
        "[a-zA-Z0-9._:/~-]{1,12}",
        "[ -~\\n\\t\\réß\u{1}\u{7f}]{0,12}",
        any::<String>(),
    ];
    (text, any::<bool>()).prop_map(|(text, quoted)| {
        if quoted {
            Sxpr::quoted(text)
        } else {
            Sxpr::atom(text)
        }
    })
}

fn tree() -> impl Strategy<Value = Sxpr> {
    atom().prop_recursive(6, 64, 6, |inner| {
        prop::collection::vec(inner, 0..6).prop_map(Sxpr::list)
    })
}

/// Trees of the words that guests are made of, in any wrong order.
fn guest_tree() -> impl Strategy<Value = Sxpr> {
    let word = prop::sample::select(WORDS).prop_map(Sxpr::atom);
    let leaf = prop_oneof![3 => word.clone(), 1 => atom()];
    let inside = leaf.prop_recursive(5, 96, 8, move |inner| {
        (
            prop::sample::select(WORDS),
            prop::collection::vec(inner, 0..8),
        )
            .prop_map(|(name, children)| Sxpr::named(name, children))
    });
    (
        prop::sample::select(&["domain", "vm"][..]),
        prop::collection::vec(inside, 0..16),
    )
        .prop_map(|(name, mut children)| {
            children.push(Sxpr::pair("name", "guest"));
            Sxpr::named(name, children)
        })
}

const WORDS: &[&str] = &[
    "domid",
    "uuid",
    "memory",
    "maxmem",
    "vcpus",
    "vcpu_avail",
    "cpus",
    "cpu_weight",
    "image",
    "hvm",
    "vmx",
    "linux",
    "kernel",
    "loader",
    "ramdisk",
    "args",
    "root",
    "boot",
    "bootloader",
    "bootloader_args",
    "on_crash",
    "localtime",
    "rtc_timeoffset",
    "hpet",
    "tsc_mode",
    "acpi",
    "hap",
    "usbdevice",
    "serial",
    "parallel",
    "soundhw",
    "device_model",
    "vnc",
    "sdl",
    "vncunused",
    "vncdisplay",
    "vnclisten",
    "stdvga",
    "videoram",
    "fda",
    "cdrom",
    "device",
    "vbd",
    "tap",
    "tap2",
    "vif",
    "vfb",
    "pci",
    "dev",
    "uname",
    "mode",
    "mac",
    "bridge",
    "script",
    "ip",
    "rate",
    "domain",
    "bus",
    "slot",
    "func",
    "backend",
    "type",
    "model",
    "0",
    "1",
    "0x1f",
    "-1",
    "99999999999999999999",
    "9223372036854775807",
    "pty",
    "tcp:a:1,server",
    "udp:a:1@b:2",
    "unix:/s",
    "hda:disk",
    "hdc:cdrom",
    "xvda",
    "file:/x",
    "phy:x",
    "tap:aio:/x",
    "w!",
    "all",
    "00:16:3e:00:00:01",
    "10MB/s@50ms",
    "1,0",
    "0-3,^2",
    "restart",
    "acdn",
];

proptest! {
    #[test]
    fn no_guest_panics(tree in guest_tree(), version in 1_u32..=4, format in 1_u32..=4) {
        let version = ConfigVersion::from_number(Some(version));
        if let Ok(read) = sxpr_to_guest(&tree, version, &Runtime::default()) {
            let mut dialect = Dialect::from(ConfigVersion::from_number(Some(format)));
            dialect.vcpu_cpus = true;
            let written = guest_to_sxpr(&read.value, &Target::new(dialect)).unwrap();
            let again = sxpr_to_guest(&written.value, version, &Runtime::default());
            prop_assert!(again.is_ok(), "{:?}", again);
        }
    }

    #[test]
    fn requests_are_read_back(tree in tree()) {
        let text = write_request(&tree);
        prop_assert_eq!(read(&text, Limits::default()), Ok(tree), "{}", text);
    }

    #[test]
    fn replies_are_read_back(tree in tree()) {
        let text = write_reply(&tree, EmptyAtom::Quotes);
        prop_assert_eq!(read(&text, Limits::default()), Ok(tree), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[()'\"\\\\#a-f0-9x \n!é]{0,64}") {
        if let Ok((tree, end)) = read_prefix(&text, Limits::default()) {
            prop_assert!(text.is_char_boundary(end));
            prop_assert_eq!(read(&write_request(&tree), Limits::default()), Ok(tree));
        }
    }
}
