//! What libxl's log says about why something failed: known lines and the sentence for
//! each, else the first error. Nothing here knows what was asked for.

use crate::{LogLevel, LogLine};

/// How a cause is made of a line.
struct Rule {
    /// What the line contains.
    mark: &'static str,
    /// What the sentence begins with.
    cause: &'static str,
    /// Whether what stands behind the mark belongs to the sentence, or the whole line.
    part: Part,
}

enum Part {
    Rest,
    Line,
}

/// The first rule that fits any line is taken, so the more exact ones come first.
const RULES: &[Rule] = &[
    rule("boot loader said: ", "boot loader failed: ", Part::Rest),
    rule("device model said: ", EMULATOR, Part::Rest),
    rule("not enough memory for", MEMORY, Part::Line),
    rule("can't allocate low memory for domain", MEMORY, Part::Line),
    rule("Could not allocate memory", MEMORY, Part::Line),
    rule("failed to allocate memory", MEMORY, Part::Line),
    rule("Failed to populate", MEMORY, Part::Line),
    rule("cannot claim memory", MEMORY, Part::Line),
    rule("script: ", SCRIPT, Part::Rest),
    rule("/scripts/", SCRIPT, Part::Line),
    rule(
        "passthrough not supported on this platform",
        NO_IOMMU,
        Part::Line,
    ),
    rule("passthrough disabled but devices", NO_IOMMU, Part::Line),
    rule("hvm-directio", NO_IOMMU, Part::Line),
    rule(
        "xc_assign_device failed: Function not implemented",
        NO_IOMMU,
        Part::Line,
    ),
    rule(
        "HAP is off or unsupported",
        "no hardware-assisted paging: ",
        Part::Line,
    ),
    rule(
        "HVM is not supported",
        "no HVM guests on this host: ",
        Part::Line,
    ),
    rule(
        "bootloader failed - consult logfile ",
        "boot loader failed, its log is ",
        Part::Rest,
    ),
    rule("unable to add device with path ", BACKEND, Part::Rest),
    rule(
        "device model required but not running",
        NO_EMULATOR,
        Part::Rest,
    ),
    rule(
        "backend type not supported by device model",
        NOT_SERVED,
        Part::Rest,
    ),
    rule("Failed to connect to QMP socket", ENDED, Part::Line),
    rule("device model", EMULATOR, Part::Line),
    rule("Failed to enable logdirty", NO_LOG, Part::Line),
];

const MEMORY: &str = "not enough free memory: ";
const SCRIPT: &str = "hotplug script failed: ";
const BACKEND: &str = "the device's backend did not answer: ";
const NO_IOMMU: &str = "no IOMMU: ";
/// A disk in a format, a keyboard or a screen of a PV guest. libxl, with xl too, decides
/// when it builds a guest whether that needs a device model.
const NO_EMULATOR: &str = "this device needs a device model, which libxl starts only with a \
    guest that has such a device when it starts: add it to the definition (--config), then shut \
    the guest down and start it";
/// The device model says in XenStore what it serves.
const NOT_SERVED: &str = "the device model that runs for the guest serves no device of this kind";
/// Of a PV guest on a Xen that was built without shadow pages, as Debian's, and of guests
/// with a device of the host.
const NO_LOG: &str = "Xen does not keep account of the memory that this guest writes to, so \
    that it cannot run on while it is sent (leave --live out): ";
/// Mostly it was killed or has ended itself.
const ENDED: &str = "the guest's device model (QEMU) cannot be reached, it may have ended: ";
const EMULATOR: &str = "the device model did not start: ";

const fn rule(mark: &'static str, cause: &'static str, part: Part) -> Rule {
    Rule { mark, cause, part }
}

/// The cause, if an error was logged.
pub(crate) fn of(log: &[LogLine]) -> Option<String> {
    let errors = || log.iter().filter(|line| line.level >= LogLevel::Error);
    let known = RULES.iter().find_map(|rule| {
        errors().find_map(|line| {
            let (_, rest) = line.text.split_once(rule.mark)?;
            let words = match rule.part {
                Part::Rest => rest,
                Part::Line => &line.text,
            };
            Some(format!("{}{words}", rule.cause))
        })
    });
    known.or_else(|| errors().next().map(|line| line.text.clone()))
}

/// Whether a device was made of which its other side did not hear.
pub(crate) fn is_half_made(log: &[LogLine]) -> bool {
    of(log).is_some_and(|cause| cause.starts_with(SCRIPT) || cause.starts_with(BACKEND))
}

/// Whether memory was missing.
pub(crate) fn is_memory(log: &[LogLine]) -> bool {
    of(log).is_some_and(|cause| cause.starts_with(MEMORY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Vec<LogLine> {
        let line = |text: &&str| LogLine {
            level: LogLevel::Error,
            text: (*text).to_owned(),
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn known_lines_become_sentences() {
        for (lines, expected) in [
            (
                &[
                    "/etc/xen/scripts/vif-bridge online [99] exited with error status 1",
                    "script: Could not find bridge device xenbr7",
                    "unable to add nic devices",
                ][..],
                "hotplug script failed: Could not find bridge device xenbr7",
            ),
            (
                &["/etc/xen/scripts/block add [99] exited with error status 1"],
                "hotplug script failed: /etc/xen/scripts/block add [99] exited with error status 1",
            ),
            (
                &[
                    "passthrough not supported on this platform",
                    "cannot (re-)build domain: -3",
                ],
                "no IOMMU: passthrough not supported on this platform",
            ),
            (
                &["device model required but not running", "rc=-3"],
                NO_EMULATOR,
            ),
            (
                &[
                    "backend type not supported by device model",
                    "unable to add device",
                ],
                NOT_SERVED,
            ),
            (
                &["xc: Failed to enable logdirty: 95,22,0 (22 = Invalid argument): Internal error"],
                "Xen does not keep account of the memory that this guest writes to, so that it \
                 cannot run on while it is sent (leave --live out): xc: Failed to enable \
                 logdirty: 95,22,0 (22 = Invalid argument): Internal error",
            ),
            (
                &["unable to add device with path /local/domain/0/backend/vusb/3/0"],
                "the device's backend did not answer: /local/domain/0/backend/vusb/3/0",
            ),
            (
                &[
                    "Disk vdev=xvda failed to stat: /x: No such file or directory",
                    "rc=-6",
                ],
                "Disk vdev=xvda failed to stat: /x: No such file or directory",
            ),
        ] {
            assert_eq!(of(&log(lines)).as_deref(), Some(expected));
        }
        assert_eq!(of(&[]), None);
        assert!(is_memory(&log(&[
            "xc: panic: can't allocate low memory for domain"
        ])));
    }

    #[test]
    fn a_dead_emulator_is_called_that() {
        let lines = [
            "Failed to connect to QMP socket /run/q: Connection refused",
            "Failed to resume device model: rc=-3",
        ];
        let cause = of(&log(&lines)).unwrap_or_default();
        assert_eq!(cause, format!("{ENDED}{}", lines[0]));
    }
}
