//! What of the host's processor matters to a guest, by Linux and by Xen.

use super::NO_XEND;

/// The flags of the processor that matter to a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuFlags {
    /// Intel's hardware virtualization.
    pub vmx: bool,
    /// AMD's hardware virtualization.
    pub svm: bool,
    /// Physical addresses beyond 4 GiB in 32-bit mode.
    pub pae: bool,
}

/// Word and bit of a feature.
type Place = (usize, u32);

/// Where Xen has vmx, svm and pae, from a release on: in the order of Linux'
/// `x86_capability` of old (word 0 is EDX of CPUID leaf 1, 4 its ECX, 6 is ECX of leaf
/// 0x80000001), then in that of Xen's own feature sets (0 and 1 are EDX and ECX of leaf
/// 1, 2 and 3 those of leaf 0x80000001).
const HW_CAPS: [((u32, u32), [Place; 3]); 2] = [
    ((0, 0), [(4, 5), (6, 2), (0, 6)]),
    ((4, 7), [(1, 5), (3, 2), (0, 6)]),
];

impl CpuFlags {
    /// From `/proc/cpuinfo`. Without a `flags` line (Itanium, PowerPC) none is set.
    #[must_use]
    pub fn from_cpuinfo(text: &str) -> Self {
        let mut flags = Self::default();
        for line in text.lines() {
            let Some((key, words)) = line.split_once(':') else {
                continue;
            };
            if key.trim_end() != "flags" {
                continue;
            }
            for word in words.split_ascii_whitespace() {
                match word {
                    "vmx" => flags.vmx = true,
                    "svm" => flags.svm = true,
                    "pae" => flags.pae = true,
                    _ => {}
                }
            }
        }
        flags
    }

    /// From the words of the processors' features as Xen has them and XenD prints
    /// them: hexadecimal, between colons. Their order depends on the release, major
    /// and minor. Words that are not there or not numbers count as zero.
    #[must_use]
    pub fn from_hw_caps(text: &str, xen: (u32, u32)) -> Self {
        let places = HW_CAPS.iter().rev().find(|(from, _)| *from <= xen);
        let [vmx, svm, pae] = places.map_or(HW_CAPS[0].1, |(_, places)| *places);
        let is_set = |(word, bit): (usize, u32)| {
            let digits = text.trim().split(':').nth(word);
            let word = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            word.unwrap_or(0) >> bit & 1 == 1
        };
        Self {
            vmx: is_set(vmx),
            svm: is_set(svm),
            pae: is_set(pae),
        }
    }

    /// In libvirt's words. Its driver for XenD names `pae` only of a processor without
    /// hardware virtualization, that for libxl nothing else (it has the others in the
    /// processor's model); tools compare these lists, so it stays so.
    pub(super) fn features(self, xen: Option<(u32, u32)>) -> Vec<&'static str> {
        let has_xend = xen.is_none_or(|version| version < NO_XEND);
        if has_xend && self.vmx {
            vec!["vmx"]
        } else if has_xend && self.svm {
            vec!["svm"]
        } else if self.pae {
            vec!["pae"]
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_the_same_from_both_sources() {
        // A Core 2 of the recorded hosts: EDX has pae, ECX of leaf 1 has vmx.
        let hw = CpuFlags::from_hw_caps(
            "0febfbff:20100800:00000000:00000140:0000e3bd:00000000:00000001:00000000",
            (4, 4),
        );
        let cpuinfo = CpuFlags::from_cpuinfo("processor : 0\nflags\t\t: fpu pae vmx lm\n");
        assert_eq!(hw, cpuinfo);
        let amd = CpuFlags::from_hw_caps("178bfbff:ebd3fbff:0:10:2001:0:1f", (3, 1));
        assert!(amd.svm && amd.pae && !amd.vmx);
        assert_eq!(CpuFlags::from_hw_caps("zz::", (4, 17)), CpuFlags::default());
        // The same processors as Xen 4.7 tells them.
        let new = "0febfbff:0000e3bd:20100800:00000001:00000000:00000000:00000000:00000000";
        for release in [(4, 7), (4, 22), (5, 0)] {
            assert_eq!(CpuFlags::from_hw_caps(new, release), cpuinfo);
        }
        let amd = CpuFlags::from_hw_caps("178bfbff:2001:ebd3fbff:1f:0:0:0:0", (4, 17));
        assert!(amd.svm && amd.pae && !amd.vmx);
        // The last word of a line counts too, a part of a word does not.
        assert!(CpuFlags::from_cpuinfo("flags : vmx").vmx);
        assert!(!CpuFlags::from_cpuinfo("flags : novmx\nbugs: vmx").vmx);
    }
}
