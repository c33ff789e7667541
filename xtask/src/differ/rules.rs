//! Which differences between libvirt's daemon and virtxend are known, and why they are
//! there: a table. The first rule that fits counts.
//!
//! How differences are found is in `compare`.

use super::compare::Difference;

/// What a difference means for those who change over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// virtxend says or does more.
    Better,
    /// Not the same words, and nobody is worse off.
    Equal,
    /// The two hosts are not the same; their daemons may be.
    Host,
    /// virtxend should do it and does not yet.
    Bug,
}

impl Verdict {
    pub(super) const ALL: [Self; 4] = [Self::Better, Self::Equal, Self::Host, Self::Bug];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Equal => "equal in effect",
            Self::Host => "of the host",
            Self::Bug => "bugs",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Better => "Better",
            Self::Equal => "Equal in effect",
            Self::Host => "Another host",
            Self::Bug => "Bugs",
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Better => "virtxend answers where libvirt does not, or says more.",
            Self::Equal => "Other words or another form; no client is known to tell them apart.",
            Self::Host => {
                "libvirt's daemon runs on Xen's library and a fake of what is below it, virtxend \
                 on a simulated host: these are the host's."
            }
            Self::Bug => "What libvirt does and virtxend does not, or does worse.",
        }
    }
}

/// A kind of difference. `*` stands for anything.
pub(super) struct Rule {
    /// Steps, as play.py names them; several are separated by ` | `.
    steps: &'static str,
    /// What differs, as [`Difference::what`] says it; several likewise.
    what: &'static str,
    theirs: &'static str,
    ours: &'static str,
    pub(super) verdict: Verdict,
    /// Why it is there.
    pub(super) why: &'static str,
}

impl Rule {
    pub(super) fn knows(&self, difference: &Difference) -> bool {
        let any =
            |patterns: &str, text: &str| patterns.split(" | ").any(|pattern| fits(pattern, text));
        any(self.steps, &difference.step)
            && any(self.what, &difference.what)
            && any(self.theirs, &difference.theirs)
            && any(self.ours, &difference.ours)
    }
}

const fn rule(
    verdict: Verdict,
    [steps, what, theirs, ours]: [&'static str; 4],
    why: &'static str,
) -> Rule {
    Rule {
        steps,
        what,
        theirs,
        ours,
        verdict,
        why,
    }
}

use Verdict::{Better, Equal, Host};

/// Answers of a call that libvirt's driver lacks and virtxend has.
const NO_SUPPORT: &str = "3: this function is not supported by the connection driver: * | \
                          -1: *this function is not supported by the connection driver: *";

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Errors: the same code and domain, other words.
    rule(Better, ["*", "words", "*", "*"],
        "The same code from the same part: the words name the guest, the cause and what to do"),
    rule(Equal, ["*", "origin", "5: XML error: *", "20: XML error: line *"],
        "A document that is wrong: libvirt's parser of XML or its domains say so, virtxend's parser always"),
    rule(Equal, ["*vcpusFlags(* | *setVcpusFlags(* | paravirt_kernel.setVcpus(1) | *pMWakeup()", "origin", "41: *not valid: *", "20: *not valid: *"],
        "The live part of a guest that does not run: libvirt's own functions for this are of two parts, one code"),
    rule(Equal, ["*interfaceStats(* | *restore(* | *etMetadata(*", "origin", "20: * | 41: *", "41: * | 20: *"],
        "The driver for Xen says it where libvirt's domains do, or the other way round: one code"),
    rule(Equal, ["*defineXML* | *createXML* | *attachDevice* | conn.domainXMLToNative(* | virsh define * | virsh create *", "code", "20: * | 1: internal error: * | 8: invalid argument: * | 67: unsupported configuration: * | -1: *(domain_definition):1: *", "27: XML error: line * | -1: *XML error: line *"],
        "A value in a document that is wrong: libvirt has a code for each place, virtxend one, with line, column and what is expected"),

    // Calls that libvirt's driver for Xen does not have.
    rule(Better, ["*", "outcome", NO_SUPPORT, "*"],
        "libvirt's Xen driver does not have the call"),
    rule(Better, ["*", "code", NO_SUPPORT, "55: * | 8: * | 72: * | 38: * | -1: *Requested operation is not valid: * | -1: *invalid argument: * | -1: *No such file or directory*"],
        "libvirt's Xen driver does not have the call; virtxend has it, and this guest or file is not fit for it"),
    rule(Better, ["virsh net-info * | virsh pool-info * | virsh vol-list * | virsh nodedev-dumpxml * | virsh secret-get-value *", "code", NO_SUPPORT, "-1: *virtxend has none of its own, and virt*d is not there"],
        "Without libvirt's daemon for it nothing is found, and the error names the daemon"),

    // What is told of the host.
    rule(Better, ["conn.getInfo() | virsh nodeinfo", "value | line CPU socket(s)", "*", "*"],
        "Sockets are counted; libvirt always says 1, so that virsh shows maps of fewer processors than there are"),
    rule(Better, ["conn.getMaxVcpus(\"qemu\") | conn.getDomainCapabilities(None, \"sparc\", *", "outcome", "*", "8: *"],
        "What the host cannot run is refused"),
    rule(Better, ["conn.getMaxVcpus(*", "value", "4", "512"],
        "The most that Xen gives a guest, not the processors of the host"),
    rule(Better, ["conn.getCapabilities() | virsh capabilities", "capabilities/guest[*]/features/viridian/*", "(absent)", "*"],
        "Fully virtualized guests of 32 bits have Viridian too"),
    rule(Better, ["conn.getDomainCapabilities(* | virsh domcapabilities", "domainCapabilities/devices/graphics/enum/value[3] | domainCapabilities/devices/video/enum/value*", "*", "*"],
        "Only the graphics that this kind of guest can have: no emulated card without an emulated machine; QXL where there is one"),
    rule(Better, ["conn.getDomainCapabilities(* | virsh domcapabilities", "domainCapabilities/vcpu/@max", "512", "128"],
        "A PVH guest has 128 vcpus at most"),
    rule(Equal, ["conn.getDomainCapabilities(* | virsh domcapabilities", "domainCapabilities/devices/hostdev/enum[2]/value*", "*", "(absent)"],
        "Start-up policies of host devices, which libvirt's Xen driver lists and does not heed"),
    rule(Host, ["conn.getDomainCapabilities(* | virsh domcapabilities", "domainCapabilities/path", "*", "*"],
        "Where Debian puts the device model, and where Xen does"),
    rule(Equal, ["conn.getSysinfo() | virsh sysinfo", "code", "67: * | -1: *", "3: * | -1: *"],
        "There is no description of the firmware: libvirt says so by another code"),
    rule(Equal, ["virsh restore *", "code", "-1: *Failed to open domain image file *", "-1: *: there is no such file"],
        "A file that is not there is told in other words"),
    rule(Host, ["virsh uri", "line xen+unix", "*", "*"],
        "The sockets of this comparison"),

    // Domain-0.
    rule(Host, ["conn.lookupByID(0).schedulerParameters() | virsh schedinfo Domain-0", "outcome", "1: *Failed to get scheduler parameters* | -1: *Failed to get scheduler parameters*", "*"],
        "The hypervisor behind libvirt is not asked for schedulers"),
    rule(Host, ["conn.lookupByID(0).setSchedulerParameters(*", "code", "1: *Failed to get scheduler parameters*", "8: * | 0: *"],
        "The hypervisor behind libvirt is not asked for schedulers"),
    rule(Host, ["conn.lookupByID(0).numaParameters() | virsh numatune Domain-0", "outcome", "38: unable to get numa affinity: * | -1: *unable to get numa affinity: *", "*"],
        "The hypervisor behind libvirt is not asked for nodes"),
    rule(Better, ["undefine orchard | document examples/paravirt-kernel.xml: undefine", "outcome", "0", "55: *it has 1 snapshots*"],
        "The snapshot that was taken before is not left behind; libvirt's driver takes none"),
    rule(Better, ["virsh undefine Domain-0", "outcome", "Domain 'Domain-0' has been undefined", "-1: *"],
        "Domain-0 is not undefined, and libvirt only says so"),
    rule(Better, ["conn.lookupByID(0).XMLDesc(0) | virsh dumpxml Domain-0", "domain/devices* | domain/os/type/@arch", " | (absent)", "*"],
        "Domain-0 has the devices that each guest has"),
    rule(Equal, ["conn.lookupByID(0).XMLDesc(0) | virsh dumpxml Domain-0", "domain/on_reboot", "destroy", "restart"],
        "What happens when Domain-0 reboots: the machine does"),
    rule(Better, ["conn.lookupByID(0).migrateToURI(*", "code", "74: *", "8: *"],
        "Migration from host to host is known; this destination is none"),
    rule(Host, ["conn.lookupByID(0).info()* | virsh dominfo Domain-0 | virsh vcpuinfo Domain-0 | virsh cpu-stats Domain-0", "value | line CPU time | line", "*seconds | *s | [*", "*seconds | *s | [*"],
        "Time goes on between two questions"),
    rule(Better, ["virsh vcpuinfo *", "line CPU Affinity", "*yy", "*yyyy"],
        "Sockets are counted; libvirt always says 1, so that virsh shows maps of fewer processors than there are"),

    // Guests that do not run.
    rule(Better, ["paravirt_kernel.maxVcpus() | document *: maxVcpus", "outcome", "55: *", "*"],
        "The limit of a guest that does not run is in its definition"),
    rule(Better, ["paravirt_kernel.XMLDesc(libvirt.VIR_DOMAIN_XML_UPDATE_CPU)", "outcome", "8: unsupported flags*", "<domain*"],
        "A flag that changes nothing here is taken"),
    rule(Better, ["paravirt_kernel.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)", "code", "8: unsupported flags*", "55: *"],
        "A flag that changes nothing here is taken"),
    rule(Equal, ["paravirt_kernel.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE) | virsh dumpxml frontdesk --migratable", "domain/devices/input[*]/*", "(absent)", "ps2 | xen | keyboard"],
        "libvirt leaves the keyboard that it adds itself out of a document for another host"),
    rule(Better, ["paravirt_kernel.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)", "domain/cputune/vcpupin*", "(absent)", "*"],
        "A vcpu was pinned: libvirt's Xen driver lacks what its library for Python asks first"),
    rule(Better, ["paravirt_kernel.detachDeviceFlags(\"<interface *", "outcome", "27: *", "0"],
        "An interface is found by its address alone"),
    rule(Better, ["paravirt_kernel.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)", "domain/devices/interface[2]/*", "*", "(absent)"],
        "An interface is found by its address alone"),
    rule(Better, ["paravirt_kernel.managedSaveRemove()", "outcome", "1: An error occurred, but the cause is unknown", "0"],
        "Nothing was put away, so there is nothing to remove"),
    rule(Better, ["virsh setvcpus frontdesk 9 --config --maximum", "outcome", "-1: *", "*"],
        "A guest may have more vcpus than the host has processors"),
    rule(Equal, ["*detachDeviceFlags(\"<disk *", "code", "8: invalid argument: no target device *", "99: device not found: *"],
        "A device that is not there: libvirt's newer code for it"),
    rule(Equal, ["*updateDeviceFlags(\"<disk *", "code", "8: invalid argument: this disk doesn't support update", "84: *"],
        "A disk that is no drive has no medium to change"),
    rule(Equal, ["paravirt_kernel.interfaceAddresses(*", "code", "55: *", "74: *"],
        "Leases are the network's: virtxend says how addresses are found"),

    // Xen's configurations.
    rule(Better, ["conn.domainXMLToNative(\"xen-sxpr\"* | conn.domainXMLFromNative(\"xen-sxpr\"*", "outcome", "8: * | 84: *", "*"],
        "The language of XenD is still spoken"),
    rule(Better, ["conn.domainXMLToNative(\"no-such-format\"*", "code", "21: *", "8: *"],
        "A language that nobody knows is refused before the document is read"),
    rule(Better, ["conn.domainXMLFromNative(* | virsh domxml-from-native * | read *", "code", "33: * | 1: internal error: * | -1: configuration file syntax error: * | -1: *", "67: unsupported configuration: * | -1: *unsupported configuration: *"],
        "A configuration that cannot be read: the error says where, and what is read"),
    rule(Better, ["native *", "outcome", "67: unsupported configuration: unsupported clock adjustment='reset' | 67: unsupported configuration: Multiple serial devices are not supported by xen-xm", "*"],
        "A document is made configuration of, with a warning about what gets lost, where libvirt gives up"),
    rule(Better, ["native *: xen-xm | virsh domxml-to-native xen-xm *", "line disk", "disk = [ \"/* | disk = [ \"qemu:/*", "disk = [ \"file:/* | disk = [ \"phy:/*"],
        "Disks of a file of xm say how they are opened: without that xm takes none"),
    rule(Better, ["native *: xen-xm", "line disk", "disk = [ *\"qemu:*", "disk = [ *"],
        "Disks of a file of xm say how they are opened: qemu is no word for that"),
    rule(Better, ["native *: xen-xl", "line disk", "disk = [ *,backendtype=,*", "disk = [ *,backendtype=tap,*"],
        "A disk's back end has its name; libvirt leaves it empty, which xl does not read"),
    rule(Better, ["native *", "line disk", "disk = [ *\"\"\"* | disk = [ *'\\some*", "disk = [ *\\\\* | disk = [ *\\\"*"],
        "Quotes and backslashes in a path are written so that they are read again"),
    rule(Equal, ["document *: dumpxml*", "domain/devices/interface*/virtualport/parameters/@interfaceid", "*-*-*-*-*", "*-*-*-*-*"],
        "The identifier of a switch's port is made up once"),
    rule(Better, ["native *", "line cpu_weight | line kernel | line ramdisk | line extra | line loader | line bios_path_override | line firmware_override", "(absent) | kernel = \"/usr/lib/xen/boot/hvmloader\"", "*"],
        "What the document says of booting and of weight is not lost"),
    rule(Equal, ["conn.domainXMLFromNative(* | read *", "domain/uuid", "*", "(absent)"],
        "A configuration without uuid: libvirt makes one up each time it is asked"),
    rule(Equal, ["conn.domainXMLFromNative(* | read *", "domain/devices/interface*/mac/@address", "00:00:00:00:00:00", "(absent)"],
        "A configuration without address: libvirt says zeros"),
    rule(Better, ["conn.domainXMLFromNative(* | read *", "domain/on_crash", "restart", "destroy"],
        "What happens after a crash when nobody says it: what xl does"),
    rule(Better, ["read *", "domain/devices/graphics*/@passwd", "(absent)", "*"],
        "A password that the configuration has is not lost"),
    rule(Better, ["read *: xen-xm", "domain/devices/emulator", "(absent)", "*"],
        "The device model that the configuration has is not lost"),
    rule(Better, ["read *: xen-xm", "outcome", "67: unsupported configuration: Multiple serial devices are not supported by xen-xm", "<domain*"],
        "Several serial ports are read"),
    rule(Better, ["conn.domainXMLFromNative(\"xen-xm\"*", "outcome", "1: internal error: config value kernel was missing", "<domain*"],
        "A kernel is not needed by a fully virtualized guest"),

    // What libxl says.
    rule(Equal, ["conn.lookupByID(0).setMemory(*", "code", "8: *", "9: operation failed: memory target failed: *"],
        "Domain-0 gets no more memory than there is: libxl says so, with its reason"),
];

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(begin) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    let ends = text
        .char_indices()
        .map(|(place, _)| place)
        .chain([text.len()]);
    let mut tails = ends.filter_map(|place| text.get(place..));
    tails.any(|tail| fits(rest, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, is_fit) in [
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*", "", true),
            ("a", "ab", false),
            ("*b*", "abc", true),
            ("a*b*c", "axbxbc", true),
        ] {
            assert_eq!(fits(pattern, text), is_fit, "{pattern} {text}");
        }
    }
}
