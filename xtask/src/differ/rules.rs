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

use Verdict::{Better, Bug, Equal, Host};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule(Better, ["*", "outcome | code", "3: this function is not supported* | -1: *this function is not supported*", "*"],
        "libvirt's Xen driver does not have the call"),
    rule(Better, ["native *", "outcome", "67: unsupported configuration: *", "*"],
        "A document is made configuration of, with a warning about what gets lost, where libvirt gives up"),
    rule(Better, ["native *", "outcome", "1: * | 33: configuration file syntax error*", "<domain*"],
        "libvirt cannot read what it has written itself"),
    rule(Better, ["*maxVcpus*", "outcome", "55: *", "*"],
        "The limit of a guest that does not run is in its definition"),
    rule(Better, ["*schedulerParameters* | *schedulerType*", "outcome", "55: * | 1: *", "*"],
        "Scheduling of a guest that does not run is in its definition"),
    rule(Better, ["*setSchedulerParameters*", "outcome | code", "55: * | 1: *", "*"],
        "Scheduling of a guest that does not run can be set"),
    rule(Better, ["virsh schedinfo *", "outcome", "-1: *", "*"],
        "Scheduling of a guest that does not run is in its definition"),
    rule(Better, ["*.setVcpus(* | *.setMemory(* | *.attachDevice(*", "outcome", "55: *", "0"],
        "What can be done to the definition is done to it when the guest does not run"),
    rule(Better, ["*XMLDesc(libvirt.VIR_DOMAIN_XML_UPDATE_CPU)", "outcome", "8: *", "<domain*"],
        "A flag that changes nothing here is taken"),
    rule(Better, ["*getDomainCapabilities(None, \"sparc\"* | *getMaxVcpus(\"qemu\")", "outcome", "*", "8: *"],
        "What the host cannot run is refused"),
    rule(Better, ["conn.getMaxVcpus(*", "value", "4", "512"],
        "The most that Xen gives a guest, not the processors of the host"),
    rule(Better, ["*detachDeviceFlags(*interface*", "outcome", "27: *", "0"],
        "An interface is found by its address alone"),
    rule(Better, ["conn.domainXMLToNative(\"xen-sxpr\"* | conn.domainXMLFromNative(\"xen-sxpr\"*", "outcome", "8: * | 84: *", "*"],
        "The language of XenD is still spoken"),
    rule(Better, ["conn.domainXMLFromNative(*", "outcome", "1: *", "<domain*"],
        "A kernel is not needed by a fully virtualized guest"),
    rule(Better, ["conn.domainXMLFromNative(* | conn.domainXMLToNative(*", "code", "*", "67: * | 27: * | 8: *"],
        "A configuration that cannot be read: the error says where"),
    rule(Better, ["*lookupByID(0).undefine()", "outcome", "0", "55: *"],
        "Domain-0 is not undefined, and libvirt only says so"),
    rule(Better, ["virsh setvcpus frontdesk 9 --config --maximum", "outcome", "-1: *", "*"],
        "The limit can be raised"),
    rule(Better, ["native *", "domain/devices/graphics*/@passwd", "(absent)", "*"],
        "A password that the configuration had is not lost"),
    rule(Better, ["native *", "domain/devices/interface*/target/@dev", "(absent)", "*"],
        "A name that the configuration had is not lost"),
    rule(Better, ["native * | document *", "domain/cputune/* | domain/os/cmdline | domain/os/initrd | domain/os/kernel | domain/cpu/@*", "(absent)", "*"],
        "What the configuration had is not lost"),
    rule(Better, ["*", "words", "*", "*"],
        "The same error: its words name the guest, the cause and what to do"),
    rule(Equal, ["*", "origin", "*", "*"],
        "The part that an error comes from: 41 is libvirt's libxl driver, 1 Xen, 20 domains; clients look at the code"),
    rule(Equal, ["*", "code", "35: * | 21: * | 20: * | 1: * | 8: * | 67: * | 92: *", "27: XML error: line *"],
        "A document that is wrong: libvirt has several codes, virtxend one, with the line and the column"),
    rule(Equal, ["*attachDeviceFlags* | *updateDeviceFlags* | *detachDeviceFlags* | *blockStats* | *interfaceStats*", "code", "8: * | 55: *", "55: * | 84: * | 99: *"],
        "Which device is meant: libvirt says that the argument is invalid, virtxend that the device is there or not"),
    rule(Equal, ["*destroyFlags*", "code", "8: unsupported flags*", "55: *"],
        "The flag is known to virtxend"),
    rule(Equal, ["*getSysinfo*", "code", "67: *", "3: *"],
        "There is no description of the host's firmware"),
    rule(Equal, ["virsh vcpuinfo frontdesk", "line", "*", "*"],
        "A vcpu of a guest that does not run"),
    rule(Equal, ["virsh list --persistent | virsh list --transient | virsh dominfo Domain-0 | virsh list *", "line", "*", "*"],
        "Domain-0 stays, so it is called persistent"),
    rule(Equal, ["conn.domainXMLFromNative(* | native *", "domain/uuid", "*", "(absent)"],
        "A configuration without uuid: libvirt makes one up each time it is asked"),
    rule(Equal, ["conn.domainXMLFromNative(* | native *", "domain/devices/interface*/mac/@address", "*", "*"],
        "A configuration without address: libvirt makes one up each time it is asked"),
    rule(Equal, ["conn.domainXMLFromNative(*", "domain/on_crash", "restart", "destroy"],
        "What happens after a crash when nobody says it: Xen's own default"),
    rule(Equal, ["native * | virsh domxml-to-native *", "line", "*", "*"],
        "Xen's configuration in other words: order, quotes, settings that are Xen's defaults"),
    rule(Equal, ["native *", "domain/*", "*", "*"],
        "What a configuration says of a guest, as each of them wrote and read its own; not judged one by one"),
    rule(Equal, ["*", "domain/devices/disk*", "*", "*"],
        "Disks keep the order of the document; libvirt sorts them by name"),
    rule(Equal, ["*", "domain/devices/controller*", "*", "*"],
        "The controllers that libvirt invents, in another order"),
    rule(Host, ["conn.getInfo() | virsh nodeinfo", "value | line", "*", "*"],
        "Sockets of the simulated machine"),
    rule(Host, ["conn.getCapabilities() | virsh capabilities", "capabilities/* | line", "*", "*"],
        "Processors, features and guests of the machine: libvirt asks the processor that it runs on"),
    rule(Host, ["conn.getDomainCapabilities(* | virsh domcapabilities", "domainCapabilities/*", "*", "*"],
        "What Xen's library was built with, and where Debian puts programs"),
    rule(Host, ["virsh uri", "line", "*", "*"],
        "The sockets of this comparison"),
    rule(Host, ["virsh cpu-stats * | virsh vcpuinfo * | virsh dominfo * | conn.lookupByID(0).info()* | virsh nodecpustats*", "line | value", "*CPU time:* | *cpu_time* | *CPU Affinity* | *seconds | *", "*"],
        "Time goes on between two questions"),
    rule(Host, ["*lookupByID(0)* | virsh dumpxml Domain-0", "domain/*", "*", "*"],
        "Domain-0 of the simulated machine"),
    rule(Bug, ["conn.getCellsFreeMemory(7, 1)", "*", "*", "*"],
        "A cell that is not there has no memory instead of an error"),
    rule(Host, ["conn.restore(* | *lookupByID(0).setMemory* | virsh restore * | *saveImage* | virsh save-image*", "code", "*", "84: *"],
        "Xen's library is not reached yet: nothing is started, saved or restored on this release"),
    rule(Bug, ["*OSType() | *: OSType | virsh dominfo *", "line", "*xen | *xenpvh", "*linux"],
        "libvirt calls a paravirtualized guest xen, virtxend linux"),
    rule(Bug, ["conn.baselineCPU(* | conn.compareCPU(*", "outcome | code", "*", "3: *"],
        "Processor models cannot be compared"),
    rule(Bug, ["*numaParameters* | virsh numatune * | *interfaceAddresses*", "outcome | code", "*", "3: * | -1: *"],
        "NUMA parameters and addresses of interfaces are not told"),
    rule(Bug, ["*managedSave* | virsh managedsave*", "outcome | code", "*", "3: * | -1: *"],
        "Managed save"),
    rule(Bug, ["*etMetadata* | *.metadata(* | virsh desc *", "outcome", "*", "3: * | 80: * | -1: *"],
        "Title and description are not changed by themselves"),
    rule(Bug, ["conn.listAllDomains(*", "value", "[]", "*"],
        "Filters for what no guest has are not applied"),
    rule(Bug, ["*defineXML(*arch='sparc'*", "outcome", "8: *", "domain b *"],
        "A processor that the host does not have is taken"),
    rule(Bug, ["[it.undefine()*", "value", "*", "*"],
        "A processor that the host does not have is taken"),
    rule(Bug, ["*defineXML(*interface type='bridge'/>*", "outcome", "27: *", "domain *"],
        "A bridge without a name is taken"),
    rule(Bug, ["*", "domain/features/hyperv/@mode | domain/devices/parallel*/protocol/@type | domain/devices/serial* | domain/devices/interface*/virtualport/* | domain/devices/interface*/ip/@family", "*", "(absent)"],
        "Defaults that libvirt writes out"),
    rule(Bug, ["*", "domain/cpu/numa/*", "*", "*"],
        "Distances of NUMA cells that the document leaves out"),
    rule(Bug, ["paravirt_kernel.XMLDesc(* | virsh dumpxml *", "domain/*", "*", "*"],
        "What is left of earlier steps that went differently"),
    rule(Bug, ["paravirt_kernel.info() | virsh vcpucount Domain-0 | paravirt_kernel.*", "value | outcome | line", "*", "*"],
        "What is left of earlier steps that went differently"),
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
