//! Sizes of libxl's structures by release: whether the library that was found is the
//! one that its name says. A library that a distributor has patched is refused before
//! it is given memory of the wrong size.
//!
//! Measured for x86_64 and aarch64, which agree, on every point release's headers.

use virtxen_formats::libxl::Release;

/// Structure, and from which minor release on it has how many bytes.
const SIZES: &[(&str, &[(u32, usize)])] = &[
    (
        "domain_config",
        &[
            (5, 912),
            (6, 1024),
            (7, 1072),
            (8, 1080),
            (9, 1096),
            (10, 1176),
            (11, 1192),
            (12, 1208),
            (13, 1232),
            (14, 1264),
            (15, 1272),
            (16, 1288),
            (18, 1344),
            (19, 1352),
            (20, 1368),
            (21, 1384),
            (22, 1400),
        ],
    ),
    (
        "domain_create_info",
        &[(5, 96), (9, 88), (13, 96), (14, 104)],
    ),
    (
        "domain_build_info",
        &[
            (5, 688),
            (6, 768),
            (7, 776),
            (8, 784),
            (9, 792),
            (10, 856),
            (13, 872),
            (14, 896),
            (15, 904),
            (16, 920),
            (18, 960),
            (19, 968),
            (20, 984),
            (21, 1000),
            (22, 1016),
        ],
    ),
    ("dominfo", &[(5, 112), (16, 120)]),
    ("vcpuinfo", &[(5, 56)]),
    ("cpupoolinfo", &[(5, 40)]),
    ("physinfo", &[(5, 112), (10, 120), (13, 128), (18, 136)]),
    ("version_info", &[(5, 88), (7, 96)]),
    ("numainfo", &[(5, 32)]),
    ("cputopology", &[(5, 12)]),
    ("domain_sched_params", &[(5, 32)]),
    ("domain_restore_params", &[(5, 4), (6, 8), (7, 16), (9, 24)]),
    ("event", &[(5, 136), (7, 184), (17, 208)]),
    ("device_disk", &[(5, 72), (7, 120), (17, 144)]),
    (
        "device_nic",
        &[(5, 104), (7, 112), (9, 496), (17, 504), (19, 512)],
    ),
    ("device_pci", &[(5, 20), (6, 24), (15, 32)]),
    ("device_vfb", &[(5, 88)]),
    ("device_vkb", &[(5, 24), (12, 64)]),
    ("device_channel", &[(5, 48)]),
    ("channelinfo", &[(5, 56)]),
    ("device_usbctrl", &[(7, 32)]),
    ("device_usbdev", &[(7, 16)]),
    ("device_vtpm", &[(5, 40)]),
    ("diskinfo", &[(5, 48)]),
    ("nicinfo", &[(5, 48)]),
    ("vminfo", &[(5, 20)]),
];

/// A structure that is not laid out as its release's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "libxl_{structure} has {found} bytes, in Xen {release} it has {expected}: \
     the library is of another release or patched"
)]
pub struct LayoutError {
    /// Which one.
    pub structure: &'static str,
    /// The release that the library says it is.
    pub release: Release,
    /// Bytes that it has there.
    pub expected: usize,
    /// Bytes that the library fills.
    pub found: usize,
}

/// Bytes of a structure, if the release has it. A newer release than the newest known
/// is not vouched for: `None`.
#[must_use]
pub fn size_of(structure: &str, release: Release) -> Option<usize> {
    if release > Release::NEWEST {
        return None;
    }
    let (_, spans) = SIZES.iter().find(|(name, _)| *name == structure)?;
    let spans = spans.iter().rev();
    let mut spans = spans.skip_while(|(first, _)| *first > release.minor());
    spans.next().map(|(_, size)| *size)
}

/// Compares a size that was measured by having the library initialise the structure.
///
/// # Errors
/// When it differs from the release's. Of what is not known nothing is said.
pub fn check_size(
    structure: &'static str,
    release: Release,
    found: usize,
) -> Result<(), LayoutError> {
    match size_of(structure, release) {
        Some(expected) if expected != found => Err(LayoutError {
            structure,
            release,
            expected,
            found,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(minor: u32) -> Release {
        Release::new(4, minor).unwrap()
    }

    #[test]
    fn sizes_follow_releases() {
        assert_eq!(size_of("domain_config", release(5)), Some(912));
        assert_eq!(size_of("domain_config", release(17)), Some(1288));
        assert_eq!(size_of("domain_config", release(40)), None);
        assert_eq!(size_of("device_usbctrl", release(6)), None);
        assert_eq!(size_of("device_usbctrl", release(7)), Some(32));
        assert_eq!(size_of("nonsense", release(7)), None);
        assert!(check_size("dominfo", release(17), 120).is_ok());
        let error = check_size("dominfo", release(17), 128).unwrap_err();
        assert!(error.to_string().contains("128 bytes"), "{error}");
    }

    #[test]
    fn sizes_are_those_of_the_facts() {
        let Some(path) = virtxen_testkit::shared("reference/data/libxl-sizes.json") else {
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let facts: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (structure, _) in SIZES {
            let sizes = &facts["sizeof"][format!("libxl_{structure}")];
            for release in Release::all() {
                let fact = sizes[release.to_string()].as_u64();
                let fact = fact.and_then(|size| usize::try_from(size).ok());
                assert_eq!(size_of(structure, release), fact, "{structure} {release}");
            }
        }
    }
}
