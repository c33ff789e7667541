//! Guests that exist when a host starts, for trying and for measuring.
//!
//! They come in the kinds that people have: paravirtualised and fully
//! virtualised, running, paused and, where XenD keeps them, inactive. Of the first
//! sixteen every fourth is paused and every fourth inactive; a host of more is
//! busy, and only every thirty-second is.

use virtxen_formats::sxpr::{Limits, read};

use super::machine::State;
use crate::release::Release;
use crate::xend::config::Config;
use crate::xend::operations::build;

impl State {
    /// Adds this many guests.
    pub(super) fn populate(&mut self, guests: usize) {
        let facts = self.facts;
        let (image, disk) = if facts.release < Release::V3_0_3 {
            ("vmx", "ioemu:hda")
        } else {
            ("hvm", "hda:disk")
        };
        for n in 0..guests {
            let Ok(tree) = read(&expression(n, image, disk), Limits::default()) else {
                continue;
            };
            let Ok(mut config) = Config::read(&tree, &facts, &mut self.entropy) else {
                continue;
            };
            let every = if n < 16 { 4 } else { 32 };
            if facts.inactive && n % every == 3 {
                self.define(config);
                continue;
            }
            let domid = self.take_domid();
            let Ok(active) = build(self, domid, &config) else {
                continue;
            };
            config.start_time = Some(self.now());
            config.notes = true;
            let managed = facts.inactive && n % 4 != 1;
            let key = if managed {
                let key = self.define(config);
                self.activate(key, active);
                key
            } else {
                self.add_active(config, active)
            };
            if n % every != 2 {
                self.let_run(key);
            }
        }
    }
}

/// The expression that a guest is made of: every third is fully virtualised, with
/// what the release calls such an image and its disk.
fn expression(n: usize, image: &str, disk: &str) -> String {
    let id = n + 1;
    let mac = format!(
        "00:16:3e:{:02x}:{:02x}:{:02x}",
        id >> 16 & 0x7f,
        id >> 8 & 0xff,
        id & 0xff
    );
    let uuid = format!("5a11ab1e-0000-4000-8000-{id:012x}");
    let common = format!(
        "(uuid '{uuid}')(memory 4)(maxmem 8)(vcpus 1)(on_poweroff 'destroy')(on_reboot 'restart')(on_crash 'restart')"
    );
    let interface = format!("(mac '{mac}')(bridge 'xenbr0')(script 'vif-bridge')");
    if n % 3 == 2 {
        format!(
            "(vm (name 'hvm{id}'){common}(image ({image} (kernel '/usr/lib/xen/boot/hvmloader')(vcpus 1)(boot c)(acpi 1)(apic 1)(pae 1)(timer_mode 1)(vnc 1)(vncunused 1)(device_model '/usr/lib/xen/bin/qemu-dm')))\
             (device (vbd (dev '{disk}')(uname 'file:/var/lib/xen/images/hvm{id}.img')(mode 'w')))(device (vif {interface}(type ioemu))))"
        )
    } else {
        format!(
            "(vm (name 'pv{id}'){common}(image (linux (kernel '/boot/vmlinuz-xen')(ramdisk '/boot/initrd-xen.img')(root '/dev/xvda1 ro')(args 'console=hvc0')))\
             (device (vbd (dev 'xvda')(uname 'file:/var/lib/xen/images/pv{id}.img')(mode 'w')))(device (vif {interface})))"
        )
    }
}
