//! `/proc/net/arp`: the addresses of neighbours that Domain-0's kernel has spoken to,
//! guests among them.

use super::NodeFiles;
use crate::Result;

/// The file.
const PATH: &str = "/proc/net/arp";

/// A neighbour that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its hardware address, in lower case.
    pub mac: String,
    /// Its IPv4 address.
    pub address: std::net::Ipv4Addr,
}

impl NodeFiles {
    /// Neighbours that answered lately.
    pub(crate) async fn neighbours(&self) -> Result<Vec<Neighbour>> {
        self.with("domifaddr", move |files| Ok(parse(&files.needed(PATH)?)))
            .await
    }
}

/// Lines of address, kind, flags, hardware address, mask and device, below one of
/// titles.
fn parse(text: &str) -> Vec<Neighbour> {
    /// The address is known.
    const COMPLETE: u32 = 2;
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        let flags = words.nth(1)?.strip_prefix("0x")?;
        let known = u32::from_str_radix(flags, 16).ok()? & COMPLETE != 0;
        let mac = words.next()?.to_ascii_lowercase();
        known.then_some(Neighbour { mac, address })
    };
    text.lines().skip(1).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_not_answer_is_left_out() {
        let text = "IP address       HW type     Flags       HW address            Mask     Device\n\
            10.0.0.5         0x1         0x2         00:16:3E:00:00:01     *        xenbr0\n\
            10.0.0.6         0x1         0x0         00:00:00:00:00:00     *        xenbr0\n\
            nonsense\n";
        let found = parse(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].mac, "00:16:3e:00:00:01");
        assert_eq!(found[0].address.to_string(), "10.0.0.5");
    }
}
