//! `/proc/net/dev`: Domain-0's interfaces with their counters, the back ends of
//! guests among them. What Domain-0 receives there is what the guest has sent.

use std::fmt::Write;

use virtxen_hypercall::Release;

use super::device::{events, used};
use crate::state::{Active, Life, State, StoreDevice};

/// Two lines of titles.
const TITLES: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
";

/// Bytes of a packet.
const PACKET: u64 = 600;

/// The release from which on the device model names its interfaces itself.
const NAMED: Release = Release {
    major: 3,
    minor: 3,
    point: 0,
};

/// The first release without XenD; then they are called after the other back end.
const WITHOUT_XEND: Release = Release {
    major: 4,
    minor: 5,
    point: 0,
};

/// `/proc/net/arp`: the guests that run, each of which has said something.
pub(super) fn neighbours(state: &State) -> String {
    let mut text =
        "IP address       HW type     Flags       HW address            Mask     Device\n"
            .to_owned();
    for active in state
        .active_domains()
        .filter(|active| active.life == Life::Running)
    {
        let interfaces = active.devices.iter().filter(|device| device.class == "vif");
        for device in interfaces {
            let Some(mac) = device.back("mac") else {
                continue;
            };
            let address = format!("10.{}.{}.2", active.domid % 250, device.id % 250);
            let bridge = device.back("bridge").unwrap_or("xenbr0");
            let _ = writeln!(
                text,
                "{address:<17}0x1         0x2         {mac}     *        {bridge}"
            );
        }
    }
    text
}

/// The whole file.
pub(super) fn counters(state: &State, xen: &Release) -> String {
    let mut text = TITLES.to_owned();
    let uptime = state.uptime();
    for (name, rate) in [("lo", 5), ("eth0", 400), ("xenbr0", 20)] {
        line(
            &mut text,
            name,
            events(uptime, rate),
            events(uptime, rate / 2),
        );
    }
    for active in state.active_domains() {
        for device in active.devices.iter().filter(|it| it.class == "vif") {
            let own = device.id.unsigned_abs();
            let time = used(active, device);
            let (sent, received) = (events(time, 100 + own), events(time, 300 + own));
            let name = name(active, device);
            line(&mut text, &name, sent, received);
            if device.back("type") == Some("ioemu") && *xen >= NAMED {
                line(&mut text, &emulated(active, device, &name, xen), 0, 0);
            }
        }
    }
    text
}

fn name(active: &Active, device: &StoreDevice) -> String {
    match device.back("vifname") {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => format!("vif{}.{}", active.domid, device.id),
    }
}

fn emulated(active: &Active, device: &StoreDevice, name: &str, xen: &Release) -> String {
    if *xen >= WITHOUT_XEND {
        return format!("{name}-emu");
    }
    format!("tap{}.{}", active.domid, device.id)
}

/// A line as kernels before 2.6.30 or so wrote it, with no blank before bytes.
fn line(text: &mut String, name: &str, received: u64, sent: u64) {
    let (rx, tx) = (received.saturating_mul(PACKET), sent.saturating_mul(PACKET));
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "{name:>6}:{rx:>8} {received:>7} {errs:>4} {drop:>4} {zero:>4} {zero:>5} {zero:>10} {zero:>9} \
         {tx:>8} {sent:>7} {zero:>4} {lost:>4} {zero:>4} {zero:>5} {zero:>7} {zero:>10}",
        errs = 0,
        drop = 0,
        zero = 0,
        lost = sent / 10_000,
    );
}
