//! Rates, addresses and names of interfaces as all of Xen's languages spell them.
//!
//! The lists and keys that they stand in are in each language's folder.

use virtxen_guest::{InterfaceIp, IpFamily};

/// The script that puts a backend on a bridge.
pub(crate) const BRIDGE_SCRIPT: &str = "vif-bridge";

/// An address, with or without the length of its network part.
pub(crate) fn ip(text: &str) -> InterfaceIp {
    let (address, prefix) = match text.split_once('/') {
        Some((address, length)) if length.parse::<u32>().is_ok() => (address, length.parse().ok()),
        _ => (text, None),
    };
    let family = if address.contains(':') {
        IpFamily::Ipv6
    } else {
        IpFamily::Ipv4
    };
    InterfaceIp {
        address: address.to_owned(),
        family: Some(family),
        prefix,
        peer: None,
    }
}

/// A rate in KiB a second: `10MB/s@50ms`, `800Kb/s`, or as XenD 4.x keeps it,
/// bytes and the microseconds in which they may pass: `500000,50000`.
pub(crate) fn rate_of(text: &str) -> Option<u64> {
    if let Some((bytes, micros)) = text.split_once(',') {
        let (bytes, micros): (u64, u64) = (bytes.trim().parse().ok()?, micros.trim().parse().ok()?);
        // XenD counts a thousand bytes to the kilobyte, so does the way back.
        return bytes.checked_mul(1000)?.checked_div(micros);
    }
    let (rate, _interval) = text.split_once('@').unwrap_or((text, ""));
    let rate = rate.strip_suffix("/s")?;
    let (rate, bits) = match rate.strip_suffix('B') {
        Some(rate) => (rate, 1),
        None => (rate.strip_suffix('b')?, 8),
    };
    let digits = rate.trim_end_matches(['G', 'M', 'K']);
    let factor: u64 = match rate.get(digits.len()..)? {
        "G" => 1024 * 1024,
        "M" => 1024,
        // libvirt takes a rate without a letter as kilobytes too.
        "K" | "" => 1,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse::<u64>().ok()?.checked_mul(factor)? / bits)
}

/// Whether it is the name that XenD gives a backend itself: `vif3.0`.
pub(crate) fn is_generated(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.strip_prefix("vif")
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(domid, index)| number(domid) && number(index))
}

/// An address as it is written.
pub(crate) fn ip_word(ip: &InterfaceIp) -> String {
    match ip.prefix {
        Some(prefix) => format!("{}/{prefix}", ip.address),
        None => ip.address.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_all_releases_are_read() {
        for (text, rate) in [
            ("10240KB/s", Some(10_240)),
            ("10MB/s@50ms", Some(10_240)),
            ("1Gb/s", Some(131_072)),
            ("800Kb/s", Some(100)),
            ("500000,50000", Some(10_000)),
            ("500000,0", None),
            ("10", None),
            ("MB/s", None),
            ("1.5MB/s", None),
        ] {
            assert_eq!(rate_of(text), rate, "{text}");
        }
    }
}
