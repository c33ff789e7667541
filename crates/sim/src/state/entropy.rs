//! UUIDs and addresses that XenD makes up, from a sequence of the host's own.
//!
//! They look random but a host started alike makes up the same ones, so that
//! tests can be repeated.

/// A source of made-up identifiers.
#[derive(Clone, Debug)]
pub(crate) struct Entropy {
    state: u64,
}

impl Entropy {
    /// A source; the same seed gives the same sequence.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xffff,
            b >> 48,
            b & 0xffff_ffff_ffff
        )
    }

    /// A hardware address of Xen's range.
    pub(crate) fn mac(&mut self) -> String {
        let n = self.next();
        format!(
            "00:16:3e:{:02x}:{:02x}:{:02x}",
            n >> 16 & 0x7f,
            n >> 8 & 0xff,
            n & 0xff
        )
    }

    /// How much has been drawn since the source was that other one.
    pub(crate) fn since(&self, earlier: &Self) -> u64 {
        self.state.wrapping_sub(earlier.state)
    }

    /// Draws as much and throws it away.
    pub(crate) fn skip(&mut self, drawn: u64) {
        self.state = self.state.wrapping_add(drawn);
    }

    /// One step of SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}
