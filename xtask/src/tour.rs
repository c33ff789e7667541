//! `cargo xtask tour`: what virtxen does, on a simulated host: the program takes guests
//! through their lives, then virsh, unchanged, does so through the daemon.
//!
//! What the first part does is in `examples/tour.vx`.

use crate::virtxend::{Virtxend, build, built};
use crate::workspace::run;
use crate::{Error, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// What virsh is asked to do, one after the other.
const VIRSH: &[&str] = &[
    "version",
    "list --all",
    "define examples/paravirt-kernel.xml",
    "start orchard",
    "dominfo orchard",
    "domblklist orchard",
    "setmem orchard 192M",
    "domstats orchard --state --balloon",
    "suspend orchard",
    "domstate orchard --reason",
    "resume orchard",
    "list",
    "destroy orchard",
    "undefine orchard",
    "list --all",
];

/// Builds both programs in release and shows them. Without virsh it says how to get it.
///
/// # Errors
/// When a command of the tour fails.
pub fn tour(root: &Path) -> Result<()> {
    build(root, true)?;
    let mut shell = Command::new(built(root, true, "virtxen"));
    shell
        .current_dir(root)
        .args(["--connect", "sim:", "shell", "examples/tour.vx"]);
    run(&mut shell, "")?;

    let host = "sim:?guests=3";
    println!("\nlibvirt's own virsh on virtxend, which serves the simulated host {host}:");
    if !has_virsh() {
        println!("skipped: virsh is not installed here; it is in Debian's libvirt-clients");
        return Ok(());
    }
    let daemon = Virtxend::start(&built(root, true, "virtxend"), host, None)?;
    for words in VIRSH {
        println!("\n$ virsh {words}");
        let mut virsh = Command::new("virsh");
        virsh
            .current_dir(root)
            .args(["--quiet", "--connect", &daemon.uri()])
            .args(words.split(' '))
            .stdin(Stdio::null());
        run(&mut virsh, "").map_err(|error| Error::Failed(format!("{error}{}", daemon.log())))?;
    }
    Ok(())
}

fn has_virsh() -> bool {
    let mut virsh = Command::new("virsh");
    virsh.arg("--version").stdout(Stdio::null());
    virsh.status().is_ok_and(|status| status.success())
}
