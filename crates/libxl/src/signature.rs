//! What libxl exports, and with which parameters: a table by release. One shape is one
//! type of function pointer; a function that a library lacks makes its operation "not
//! supported by this Xen".

use virtxen_formats::libxl::Release;

/// Parameters behind the context, as C has them. `ao` is how an operation that takes
/// its time is called: without it the call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `(domid)`
    Domain,
    /// `(domid, ao)`
    DomainAo,
    /// `(domid, out)`
    DomainOut,
    /// `(domid, out, ao)`
    DomainOutAo,
    /// `(domid, text, ao)`
    DomainTextAo,
    /// `(domid, old name, new name)`
    DomainNames,
    /// `(domid, character)`
    DomainChar,
    /// `(config, domid out, ao, progress)`
    Create,
    /// `(config, domid out, fd, params, ao, progress)`
    Restore,
    /// `(config, domid out, fd, fd back, params, ao, progress)`
    RestoreBack,
    /// `(domid, fd, flags, ao)`
    Save,
    /// `(domid, cancel, ao)`
    Resume,
    /// `(domid, trigger, vcpu)`
    Trigger,
    /// `(domid, trigger, vcpu, ao)`
    TriggerAo,
    /// `(domid, i32 KiB, relative, enforce)`
    Target32,
    /// `(domid, i64 KiB, relative, enforce)`
    Target64,
    /// `(domid, u32 KiB)`
    Limit32,
    /// `(domid, u64 KiB)`
    Limit64,
    /// `(domid, bits)`
    Vcpus,
    /// `(domid, bits, ao)`
    VcpusAo,
    /// `(domid, device, ao)`
    Device,
    /// `(domid, command, text out)`
    Monitor,
    /// `(domid, command, text out, ao)`
    MonitorAo,
    /// `(operation)`
    Abort,
    /// `(KiB out)`, 32 bits of them or 64
    MemoryOut,
    /// `(build info, KiB out)`, 32 bits of them or 64
    NeedBuild,
    /// `(config, domid for the log, u64 KiB out)`
    NeedConfig,
    /// `(domid, key, data, length)`
    Store,
    /// `(domid, key, data out, length out)`
    Retrieve,
    /// `(device, rebind)`
    Assign,
    /// `(domid, text, device out)`
    Lookup,
    /// `(count out)`; an array is returned
    List,
}

/// A function and its shapes, each with the first minor release that has it.
#[derive(Debug)]
pub struct Function {
    /// Name behind `libxl_`.
    pub name: &'static str,
    /// Oldest first.
    pub shapes: &'static [(u32, Shape)],
}

const ALWAYS: u32 = 5;

/// Every function whose parameters are not the same in all releases, or that some
/// release lacks, and those that go with them.
pub const FUNCTIONS: &[Function] = &[
    function("domain_create_new", &[(ALWAYS, Shape::Create)]),
    function(
        "domain_create_restore",
        &[(ALWAYS, Shape::Restore), (7, Shape::RestoreBack)],
    ),
    function("domain_suspend", &[(ALWAYS, Shape::Save)]),
    function("domain_suspend_only", &[(11, Shape::DomainAo)]),
    function("domain_resume", &[(ALWAYS, Shape::Resume)]),
    function(
        "domain_pause",
        &[(ALWAYS, Shape::Domain), (13, Shape::DomainAo)],
    ),
    function(
        "domain_unpause",
        &[(ALWAYS, Shape::Domain), (13, Shape::DomainAo)],
    ),
    function(
        "domain_shutdown",
        &[(ALWAYS, Shape::Domain), (13, Shape::DomainAo)],
    ),
    function(
        "domain_reboot",
        &[(ALWAYS, Shape::Domain), (13, Shape::DomainAo)],
    ),
    function("domain_destroy", &[(ALWAYS, Shape::DomainAo)]),
    function("domain_rename", &[(ALWAYS, Shape::DomainNames)]),
    function("domain_core_dump", &[(ALWAYS, Shape::DomainTextAo)]),
    function(
        "send_trigger",
        &[(ALWAYS, Shape::Trigger), (13, Shape::TriggerAo)],
    ),
    function("send_sysrq", &[(ALWAYS, Shape::DomainChar)]),
    function(
        "set_memory_target",
        &[(ALWAYS, Shape::Target32), (8, Shape::Target64)],
    ),
    function(
        "domain_setmaxmem",
        &[(ALWAYS, Shape::Limit32), (8, Shape::Limit64)],
    ),
    function(
        "set_vcpuonline",
        &[(ALWAYS, Shape::Vcpus), (13, Shape::VcpusAo)],
    ),
    function(
        "retrieve_domain_configuration",
        &[(ALWAYS, Shape::DomainOut), (13, Shape::DomainOutAo)],
    ),
    function("device_disk_add", &[(ALWAYS, Shape::Device)]),
    function("device_disk_remove", &[(ALWAYS, Shape::Device)]),
    function("device_disk_destroy", &[(ALWAYS, Shape::Device)]),
    function("cdrom_insert", &[(ALWAYS, Shape::Device)]),
    function("device_nic_add", &[(ALWAYS, Shape::Device)]),
    function("device_nic_remove", &[(ALWAYS, Shape::Device)]),
    function("device_nic_destroy", &[(ALWAYS, Shape::Device)]),
    function("device_pci_add", &[(ALWAYS, Shape::Device)]),
    function("device_pci_remove", &[(ALWAYS, Shape::Device)]),
    function("device_pci_destroy", &[(ALWAYS, Shape::Device)]),
    function("device_usbctrl_add", &[(7, Shape::Device)]),
    function("device_usbctrl_remove", &[(7, Shape::Device)]),
    function("device_usbdev_add", &[(7, Shape::Device)]),
    function("device_usbdev_remove", &[(7, Shape::Device)]),
    function(
        "qemu_monitor_command",
        &[(8, Shape::Monitor), (13, Shape::MonitorAo)],
    ),
    function("ao_abort", &[(6, Shape::Abort)]),
    function("device_vkb_add", &[(ALWAYS, Shape::Device)]),
    function("device_vkb_remove", &[(ALWAYS, Shape::Device)]),
    function("device_vkb_destroy", &[(ALWAYS, Shape::Device)]),
    function("device_vfb_add", &[(ALWAYS, Shape::Device)]),
    function("device_vfb_remove", &[(ALWAYS, Shape::Device)]),
    function("device_vfb_destroy", &[(ALWAYS, Shape::Device)]),
    function("device_pci_assignable_add", &[(ALWAYS, Shape::Assign)]),
    function("device_pci_assignable_remove", &[(ALWAYS, Shape::Assign)]),
    function("device_pci_assignable_list", &[(ALWAYS, Shape::List)]),
    function("vdev_to_device_disk", &[(ALWAYS, Shape::Lookup)]),
    function("mac_to_device_nic", &[(ALWAYS, Shape::Lookup)]),
    function("list_domain", &[(ALWAYS, Shape::List)]),
    function("get_free_memory", &[(ALWAYS, Shape::MemoryOut)]),
    function(
        "domain_need_memory",
        &[(ALWAYS, Shape::NeedBuild), (13, Shape::NeedConfig)],
    ),
    function("userdata_store", &[(ALWAYS, Shape::Store)]),
    function("userdata_retrieve", &[(ALWAYS, Shape::Retrieve)]),
];

const fn function(name: &'static str, shapes: &'static [(u32, Shape)]) -> Function {
    Function { name, shapes }
}

/// The parameters of a function in a release; `None` where the release lacks it.
#[must_use]
pub fn shape_of(name: &str, release: Release) -> Option<Shape> {
    let function = FUNCTIONS.iter().find(|function| function.name == name)?;
    let shapes = function.shapes.iter().rev();
    let mut shapes = shapes.skip_while(|(first, _)| *first > release.minor());
    shapes.next().map(|(_, shape)| *shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, minor: u32) -> Option<Shape> {
        shape_of(name, Release::new(4, minor).unwrap())
    }

    #[test]
    fn shapes_follow_releases() {
        assert_eq!(at("domain_create_restore", 6), Some(Shape::Restore));
        assert_eq!(at("domain_create_restore", 7), Some(Shape::RestoreBack));
        assert_eq!(at("domain_pause", 12), Some(Shape::Domain));
        assert_eq!(at("domain_pause", 30), Some(Shape::DomainAo));
        assert_eq!(at("ao_abort", 5), None);
        assert_eq!(at("nonsense", 17), None);
    }

    #[test]
    fn every_function_stands_once_with_its_shapes_in_order() {
        for (i, function) in FUNCTIONS.iter().enumerate() {
            let later = FUNCTIONS.iter().skip(i + 1);
            assert!(later.into_iter().all(|other| other.name != function.name));
            let firsts: Vec<u32> = function.shapes.iter().map(|(first, _)| *first).collect();
            assert!(
                firsts.is_sorted() && !firsts.is_empty(),
                "{}",
                function.name
            );
        }
    }
}
