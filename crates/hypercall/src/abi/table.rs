//! Xen's toolstack ABI, release by release, as data. Made by `cargo xtask gen-abi`
//! from probes of each release's public headers; not edited by hand.
//!
//! Offsets of operations count from the start of the union in the envelope.

#![cfg_attr(rustfmt, rustfmt_skip)]

use super::layout::{ARM64, Constant, Field, Layout, Operation, Release, ReleaseRow, Variant, X86_32, X86_64};

const fn r(major: u8, minor: u8, point: u8) -> Release {
    Release { major, minor, point }
}

const fn f(name: &'static str, offset: u16, size: u16) -> Field {
    Field { name, offset, size }
}

/// Every release with the interface versions that it demands: dom0_op, sysctl, domctl.
pub static RELEASES: &[ReleaseRow] = &[
    ReleaseRow { releases: (r(3, 0, 0), r(3, 0, 0)), dom0: Some(0x03000000), sysctl: None, domctl: None },
    ReleaseRow { releases: (r(3, 0, 1), r(3, 0, 1)), dom0: Some(0x03000000), sysctl: None, domctl: None },
    ReleaseRow { releases: (r(3, 0, 2), r(3, 0, 2)), dom0: Some(0x03000000), sysctl: None, domctl: None },
    ReleaseRow { releases: (r(3, 0, 3), r(3, 0, 3)), dom0: None, sysctl: Some(2), domctl: Some(3) },
    ReleaseRow { releases: (r(3, 0, 4), r(3, 0, 4)), dom0: None, sysctl: Some(2), domctl: Some(4) },
    ReleaseRow { releases: (r(3, 1, 0), r(3, 1, 0)), dom0: None, sysctl: Some(3), domctl: Some(5) },
    ReleaseRow { releases: (r(3, 2, 0), r(3, 2, 0)), dom0: None, sysctl: Some(6), domctl: Some(5) },
    ReleaseRow { releases: (r(3, 3, 0), r(3, 3, 0)), dom0: None, sysctl: Some(6), domctl: Some(5) },
    ReleaseRow { releases: (r(3, 4, 0), r(3, 4, 0)), dom0: None, sysctl: Some(6), domctl: Some(5) },
    ReleaseRow { releases: (r(4, 0, 0), r(4, 0, 4)), dom0: None, sysctl: Some(7), domctl: Some(6) },
    ReleaseRow { releases: (r(4, 1, 0), r(4, 1, 6)), dom0: None, sysctl: Some(8), domctl: Some(7) },
    ReleaseRow { releases: (r(4, 2, 0), r(4, 2, 5)), dom0: None, sysctl: Some(9), domctl: Some(8) },
    ReleaseRow { releases: (r(4, 3, 0), r(4, 3, 4)), dom0: None, sysctl: Some(10), domctl: Some(9) },
    ReleaseRow { releases: (r(4, 4, 0), r(4, 4, 4)), dom0: None, sysctl: Some(10), domctl: Some(9) },
    ReleaseRow { releases: (r(4, 5, 0), r(4, 5, 5)), dom0: None, sysctl: Some(11), domctl: Some(10) },
    ReleaseRow { releases: (r(4, 6, 0), r(4, 6, 6)), dom0: None, sysctl: Some(12), domctl: Some(11) },
    ReleaseRow { releases: (r(4, 7, 0), r(4, 7, 6)), dom0: None, sysctl: Some(13), domctl: Some(11) },
    ReleaseRow { releases: (r(4, 8, 0), r(4, 8, 5)), dom0: None, sysctl: Some(14), domctl: Some(12) },
    ReleaseRow { releases: (r(4, 9, 0), r(4, 9, 4)), dom0: None, sysctl: Some(15), domctl: Some(13) },
    ReleaseRow { releases: (r(4, 10, 0), r(4, 10, 0)), dom0: None, sysctl: Some(16), domctl: Some(14) },
    ReleaseRow { releases: (r(4, 10, 1), r(4, 10, 4)), dom0: None, sysctl: Some(16), domctl: Some(15) },
    ReleaseRow { releases: (r(4, 11, 0), r(4, 11, 4)), dom0: None, sysctl: Some(17), domctl: Some(16) },
    ReleaseRow { releases: (r(4, 12, 0), r(4, 12, 4)), dom0: None, sysctl: Some(18), domctl: Some(17) },
    ReleaseRow { releases: (r(4, 13, 0), r(4, 13, 5)), dom0: None, sysctl: Some(18), domctl: Some(18) },
    ReleaseRow { releases: (r(4, 14, 0), r(4, 14, 6)), dom0: None, sysctl: Some(19), domctl: Some(18) },
    ReleaseRow { releases: (r(4, 15, 0), r(4, 15, 7)), dom0: None, sysctl: Some(19), domctl: Some(19) },
    ReleaseRow { releases: (r(4, 16, 0), r(4, 16, 7)), dom0: None, sysctl: Some(20), domctl: Some(20) },
    ReleaseRow { releases: (r(4, 17, 0), r(4, 17, 7)), dom0: None, sysctl: Some(21), domctl: Some(21) },
    ReleaseRow { releases: (r(4, 18, 0), r(4, 18, 6)), dom0: None, sysctl: Some(21), domctl: Some(22) },
    ReleaseRow { releases: (r(4, 19, 0), r(4, 19, 6)), dom0: None, sysctl: Some(21), domctl: Some(23) },
    ReleaseRow { releases: (r(4, 20, 0), r(4, 20, 4)), dom0: None, sysctl: Some(21), domctl: Some(23) },
    ReleaseRow { releases: (r(4, 21, 0), r(4, 21, 2)), dom0: None, sysctl: Some(22), domctl: Some(23) },
    ReleaseRow { releases: (r(4, 22, 0), r(4, 22, 0)), dom0: None, sysctl: Some(22), domctl: Some(24) },
    ReleaseRow { releases: (Release::NEWEST, Release::NEWEST), dom0: None, sysctl: Some(22), domctl: Some(24) },
];

static F0: &[Field] = &[f("sched_id", 0, 4), f("direction", 4, 4), f("domain", 8, 2), f("u.bvt.mcu_adv", 16, 4), f("u.bvt.warpback", 20, 4), f("u.bvt.warpvalue", 24, 4), f("u.bvt.warpl", 32, 8), f("u.bvt.warpu", 40, 8), f("u.sedf.period", 16, 8), f("u.sedf.slice", 24, 8), f("u.sedf.latency", 32, 8), f("u.sedf.extratime", 40, 4), f("u.sedf.weight", 44, 4)];
static F1: &[Field] = &[f("sched_id", 0, 4), f("direction", 4, 4), f("domain", 8, 2), f("u.bvt.mcu_adv", 12, 4), f("u.bvt.warpback", 16, 4), f("u.bvt.warpvalue", 20, 4), f("u.bvt.warpl", 24, 8), f("u.bvt.warpu", 32, 8), f("u.sedf.period", 12, 8), f("u.sedf.slice", 20, 8), f("u.sedf.latency", 28, 8), f("u.sedf.extratime", 36, 4), f("u.sedf.weight", 40, 4)];
static F2: &[Field] = &[f("domain", 0, 2)];
static F3: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("shared_info_frame", 24, 8), f("cpu_time", 32, 8), f("nr_online_vcpus", 40, 4), f("max_vcpu_id", 44, 4), f("ssidref", 48, 4), f("handle", 52, 16)];
static F4: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 4), f("max_pages", 12, 4), f("shared_info_frame", 16, 4), f("cpu_time", 20, 8), f("nr_online_vcpus", 28, 4), f("max_vcpu_id", 32, 4), f("ssidref", 36, 4), f("handle", 40, 16)];
static F5: &[Field] = &[f("first_domain", 0, 2), f("max_domains", 4, 4), f("buffer", 8, 8), f("num_domains", 16, 4)];
static F6: &[Field] = &[f("first_domain", 0, 2), f("max_domains", 4, 4), f("buffer", 8, 4), f("num_domains", 12, 4)];
static F7: &[Field] = &[f("domain", 0, 2), f("vcpu", 4, 4), f("online", 8, 1), f("blocked", 9, 1), f("running", 10, 1), f("cpu_time", 16, 8), f("cpu", 24, 4), f("cpumap", 32, 8)];
static F8: &[Field] = &[f("domain", 0, 2), f("vcpu", 4, 4), f("online", 8, 1), f("blocked", 9, 1), f("running", 10, 1), f("cpu_time", 12, 8), f("cpu", 20, 4), f("cpumap", 24, 8)];
static F9: &[Field] = &[f("domain", 0, 2), f("max", 4, 4)];
static F10: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("sockets_per_node", 8, 4), f("nr_nodes", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 24, 8), f("free_pages", 32, 8), f("hw_cap", 40, 32)];
static F11: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("sockets_per_node", 8, 4), f("nr_nodes", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 20, 4), f("free_pages", 24, 4), f("hw_cap", 28, 32)];
static F12: &[Field] = &[f("sched_id", 0, 4)];
static F13: &[Field] = &[f("domain", 0, 2), f("max_memkb", 8, 8)];
static F14: &[Field] = &[f("domain", 0, 2), f("max_memkb", 4, 4)];
static F15: &[Field] = &[f("domain", 0, 2), f("vcpu", 4, 4), f("cpumap", 8, 8)];
static F16: &[Field] = &[f("min_bitwidth", 0, 4), f("max_bitwidth", 4, 4), f("node", 8, 4), f("avail_bytes", 16, 8)];
static F17: &[Field] = &[f("op", 0, 4), f("cpupool_id", 4, 4), f("sched_id", 8, 4), f("domid", 12, 4), f("cpu", 16, 4), f("n_dom", 20, 4), f("cpumap.bitmap", 24, 8), f("cpumap.nr_cpus", 32, 4)];
static F18: &[Field] = &[f("op", 0, 4), f("cpupool_id", 4, 4), f("sched_id", 8, 4), f("domid", 12, 4), f("cpu", 16, 4), f("n_dom", 20, 4), f("cpumap.bitmap", 24, 8), f("cpumap.nr_bits", 32, 4)];
static F19: &[Field] = &[f("num_cpus", 0, 4), f("cputopo", 8, 8)];
static F20: &[Field] = &[f("max_cpus", 0, 4), f("info", 8, 8), f("nr_cpus", 16, 4)];
static F21: &[Field] = &[f("max_node_index", 0, 4), f("node_to_memsize", 8, 8), f("node_to_memfree", 16, 8), f("node_to_node_distance", 24, 8)];
static F22: &[Field] = &[f("num_nodes", 0, 4), f("meminfo", 8, 8), f("distance", 16, 8)];
static F23: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("sockets_per_node", 8, 4), f("nr_nodes", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 24, 8), f("free_pages", 32, 8), f("scrub_pages", 40, 8), f("hw_cap", 48, 32)];
static F24: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("sockets_per_node", 8, 4), f("nr_nodes", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 20, 8), f("free_pages", 28, 8), f("scrub_pages", 36, 8), f("hw_cap", 44, 32)];
static F25: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("nr_nodes", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 24, 8), f("free_pages", 32, 8), f("scrub_pages", 40, 8), f("hw_cap", 48, 32), f("max_cpu_id", 80, 4), f("cpu_to_node", 88, 8)];
static F26: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("nr_nodes", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 24, 8), f("free_pages", 32, 8), f("scrub_pages", 40, 8), f("hw_cap", 48, 32), f("max_cpu_id", 80, 4), f("cpu_to_node", 88, 8), f("capabilities", 96, 4)];
static F27: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("max_node_id", 12, 4), f("cpu_khz", 16, 4), f("total_pages", 24, 8), f("free_pages", 32, 8), f("scrub_pages", 40, 8), f("hw_cap", 48, 32), f("max_cpu_id", 80, 4), f("cpu_to_node", 88, 8), f("capabilities", 96, 4)];
static F28: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("max_cpu_id", 12, 4), f("nr_nodes", 16, 4), f("max_node_id", 20, 4), f("cpu_khz", 24, 4), f("total_pages", 32, 8), f("free_pages", 40, 8), f("scrub_pages", 48, 8), f("hw_cap", 56, 32), f("capabilities", 88, 4)];
static F29: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("max_cpu_id", 12, 4), f("nr_nodes", 16, 4), f("max_node_id", 20, 4), f("cpu_khz", 24, 4), f("total_pages", 32, 8), f("free_pages", 40, 8), f("scrub_pages", 48, 8), f("outstanding_pages", 56, 8), f("hw_cap", 64, 32), f("capabilities", 96, 4)];
static F30: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("max_cpu_id", 12, 4), f("nr_nodes", 16, 4), f("max_node_id", 20, 4), f("cpu_khz", 24, 4), f("capabilities", 28, 4), f("total_pages", 32, 8), f("free_pages", 40, 8), f("scrub_pages", 48, 8), f("outstanding_pages", 56, 8), f("max_mfn", 64, 8), f("hw_cap", 72, 32)];
static F31: &[Field] = &[f("threads_per_core", 0, 4), f("cores_per_socket", 4, 4), f("nr_cpus", 8, 4), f("max_cpu_id", 12, 4), f("nr_nodes", 16, 4), f("max_node_id", 20, 4), f("cpu_khz", 24, 4), f("capabilities", 28, 4), f("arch_capabilities", 32, 4), f("pad", 36, 4), f("total_pages", 40, 8), f("free_pages", 48, 8), f("scrub_pages", 56, 8), f("outstanding_pages", 64, 8), f("max_mfn", 72, 8), f("hw_cap", 80, 32)];
static F32: &[Field] = &[f("max_cpu_index", 0, 4), f("cpu_to_core", 8, 8), f("cpu_to_socket", 16, 8), f("cpu_to_node", 24, 8)];
static F33: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("shr_pages", 24, 8), f("shared_info_frame", 32, 8), f("cpu_time", 40, 8), f("nr_online_vcpus", 48, 4), f("max_vcpu_id", 52, 4), f("ssidref", 56, 4), f("handle", 60, 16)];
static F34: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("shr_pages", 24, 8), f("shared_info_frame", 32, 8), f("cpu_time", 40, 8), f("nr_online_vcpus", 48, 4), f("max_vcpu_id", 52, 4), f("ssidref", 56, 4), f("handle", 60, 16), f("cpupool", 76, 4)];
static F35: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("shr_pages", 24, 8), f("paged_pages", 32, 8), f("shared_info_frame", 40, 8), f("cpu_time", 48, 8), f("nr_online_vcpus", 56, 4), f("max_vcpu_id", 60, 4), f("ssidref", 64, 4), f("handle", 68, 16), f("cpupool", 84, 4)];
static F36: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4)];
static F37: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("arch_config.emulation_flags", 96, 4)];
static F38: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("arch_config.gic_version", 96, 1), f("arch_config.nr_spis", 100, 4), f("arch_config.clock_frequency", 104, 4)];
static F39: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("arch_config.gic_version", 96, 1), f("arch_config.tee_type", 98, 2), f("arch_config.nr_spis", 100, 4), f("arch_config.clock_frequency", 104, 4)];
static F40: &[Field] = &[f("domain", 0, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("arch_config.emulation_flags", 96, 4), f("arch_config.misc_flags", 100, 4)];
static F41: &[Field] = &[f("domain", 0, 2), f("pad1", 2, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("gpaddr_bits", 96, 1), f("pad2", 97, 7), f("arch_config.emulation_flags", 104, 4), f("arch_config.misc_flags", 108, 4)];
static F42: &[Field] = &[f("domain", 0, 2), f("pad1", 2, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("gpaddr_bits", 96, 1), f("pad2", 97, 7), f("arch_config.gic_version", 104, 1), f("arch_config.tee_type", 106, 2), f("arch_config.nr_spis", 108, 4), f("arch_config.clock_frequency", 112, 4)];
static F43: &[Field] = &[f("domain", 0, 2), f("pad1", 2, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("gpaddr_bits", 96, 1), f("pad2", 97, 7), f("arch_config.gic_version", 104, 1), f("arch_config.sve_vl", 105, 1), f("arch_config.tee_type", 106, 2), f("arch_config.nr_spis", 108, 4), f("arch_config.clock_frequency", 112, 4)];
static F44: &[Field] = &[f("domain", 0, 2), f("pad1", 2, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("gpaddr_bits", 96, 1), f("pad2", 97, 7), f("arch_config.gic_version", 104, 1), f("arch_config.sve_vl", 105, 1), f("arch_config.tee_type", 106, 2), f("arch_config.nr_spis", 108, 4), f("arch_config.clock_frequency", 112, 4), f("arch_config.arm_sci_type", 116, 1)];
static F45: &[Field] = &[f("domain", 0, 2), f("pad1", 2, 2), f("flags", 4, 4), f("tot_pages", 8, 8), f("max_pages", 16, 8), f("outstanding_pages", 24, 8), f("shr_pages", 32, 8), f("paged_pages", 40, 8), f("shared_info_frame", 48, 8), f("cpu_time", 56, 8), f("nr_online_vcpus", 64, 4), f("max_vcpu_id", 68, 4), f("ssidref", 72, 4), f("handle", 76, 16), f("cpupool", 92, 4), f("gpaddr_bits", 96, 1), f("pad2", 97, 7), f("arch_config.gic_version", 104, 1), f("arch_config.sve_vl", 105, 1), f("arch_config.tee_type", 106, 2), f("arch_config.nr_spis", 108, 4), f("arch_config.clock_frequency", 112, 4), f("arch_config.arm_sci_type", 116, 1), f("arch_config.v8r_el1_msa", 117, 1), f("arch_config.pad", 118, 2)];
static F46: &[Field] = &[f("vcpu", 0, 4), f("online", 4, 1), f("blocked", 5, 1), f("running", 6, 1), f("cpu_time", 8, 8), f("cpu", 16, 4)];
static F47: &[Field] = &[f("max_memkb", 0, 8)];
static F48: &[Field] = &[f("max", 0, 4)];
static F49: &[Field] = &[f("sched_id", 0, 4), f("cmd", 4, 4), f("u.sedf.period", 8, 8), f("u.sedf.slice", 16, 8), f("u.sedf.latency", 24, 8), f("u.sedf.extratime", 32, 4), f("u.sedf.weight", 36, 4), f("u.credit.weight", 8, 2), f("u.credit.cap", 10, 2)];
static F50: &[Field] = &[f("sched_id", 0, 4), f("cmd", 4, 4), f("u.sedf.period", 8, 8), f("u.sedf.slice", 16, 8), f("u.sedf.latency", 24, 8), f("u.sedf.extratime", 32, 4), f("u.sedf.weight", 36, 4), f("u.credit.weight", 8, 2), f("u.credit.cap", 10, 2), f("u.credit2.weight", 8, 2)];
static F51: &[Field] = &[f("sched_id", 0, 4), f("cmd", 4, 4), f("u.sedf.period", 8, 8), f("u.sedf.slice", 16, 8), f("u.sedf.latency", 24, 8), f("u.sedf.extratime", 32, 4), f("u.sedf.weight", 36, 4), f("u.credit.weight", 8, 2), f("u.credit.cap", 10, 2), f("u.credit2.weight", 8, 2), f("u.rtds.period", 8, 4), f("u.rtds.budget", 12, 4)];
static F52: &[Field] = &[f("sched_id", 0, 4), f("cmd", 4, 4), f("u.credit.weight", 8, 2), f("u.credit.cap", 10, 2), f("u.credit2.weight", 8, 2), f("u.rtds.period", 8, 4), f("u.rtds.budget", 12, 4)];
static F53: &[Field] = &[f("sched_id", 0, 4), f("cmd", 4, 4), f("u.credit.weight", 8, 2), f("u.credit.cap", 10, 2), f("u.credit2.weight", 8, 2), f("u.rtds.period", 8, 4), f("u.rtds.budget", 12, 4), f("u.v.vcpus", 8, 8), f("u.v.nr_vcpus", 16, 4), f("u.v.padding", 20, 4)];
static F54: &[Field] = &[f("sched_id", 0, 4), f("cmd", 4, 4), f("u.credit.weight", 8, 2), f("u.credit.cap", 10, 2), f("u.credit2.weight", 8, 2), f("u.credit2.cap", 10, 2), f("u.rtds.period", 8, 4), f("u.rtds.budget", 12, 4), f("u.rtds.flags", 16, 4), f("u.v.vcpus", 8, 8), f("u.v.nr_vcpus", 16, 4), f("u.v.padding", 20, 4)];
static F55: &[Field] = &[f("trigger", 0, 4), f("vcpu", 4, 4)];
static F56: &[Field] = &[f("vcpu", 0, 4), f("cpumap.bitmap", 8, 8), f("cpumap.nr_cpus", 16, 4)];
static F57: &[Field] = &[f("vcpu", 0, 4), f("cpumap.bitmap", 4, 4), f("cpumap.nr_cpus", 8, 4)];
static F58: &[Field] = &[f("vcpu", 0, 4), f("cpumap.bitmap", 8, 8), f("cpumap.nr_bits", 16, 4)];
static F59: &[Field] = &[f("vcpu", 0, 4), f("flags", 4, 4), f("cpumap_hard.bitmap", 8, 8), f("cpumap_hard.nr_bits", 16, 4), f("cpumap_soft.bitmap", 24, 8), f("cpumap_soft.nr_bits", 32, 4)];
static F60: &[Field] = &[f("u.credit.weight", 0, 2), f("u.credit.cap", 2, 2), f("u.credit2.weight", 0, 2), f("u.rtds.period", 0, 4), f("u.rtds.budget", 4, 4), f("vcpuid", 8, 4)];
static F61: &[Field] = &[f("u.credit.weight", 0, 2), f("u.credit.cap", 2, 2), f("u.credit2.weight", 0, 2), f("u.credit2.cap", 2, 2), f("u.rtds.period", 0, 4), f("u.rtds.budget", 4, 4), f("u.rtds.flags", 8, 4), f("vcpuid", 12, 4)];
static F62: &[Field] = &[f("idletime", 0, 8)];
static F63: &[Field] = &[f("core", 0, 4), f("socket", 4, 4), f("node", 8, 4)];
static F64: &[Field] = &[f("memsize", 0, 8), f("memfree", 8, 8)];

/// `dom0_op`.
pub static DOM0_OP: &[Operation] = &[
    Operation { name: "adjustdom", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 7, layouts: &[(X86_64, Layout { size: 48, fields: F0 }), (X86_32, Layout { size: 44, fields: F1 })] },
    ] },
    Operation { name: "destroydomain", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 9, layouts: &[(X86_64 | X86_32, Layout { size: 2, fields: F2 })] },
    ] },
    Operation { name: "getdomaininfo", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 12, layouts: &[(X86_64, Layout { size: 72, fields: F3 }), (X86_32, Layout { size: 56, fields: F4 })] },
    ] },
    Operation { name: "getdomaininfolist", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 38, layouts: &[(X86_64, Layout { size: 24, fields: F5 }), (X86_32, Layout { size: 16, fields: F6 })] },
    ] },
    Operation { name: "getvcpuinfo", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 43, layouts: &[(X86_64, Layout { size: 40, fields: F7 }), (X86_32, Layout { size: 32, fields: F8 })] },
    ] },
    Operation { name: "max_vcpus", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 41, layouts: &[(X86_64 | X86_32, Layout { size: 8, fields: F9 })] },
    ] },
    Operation { name: "pausedomain", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 10, layouts: &[(X86_64 | X86_32, Layout { size: 2, fields: F2 })] },
    ] },
    Operation { name: "physinfo", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 22, layouts: &[(X86_64, Layout { size: 72, fields: F10 }), (X86_32, Layout { size: 60, fields: F11 })] },
    ] },
    Operation { name: "sched_id", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 24, layouts: &[(X86_64 | X86_32, Layout { size: 4, fields: F12 })] },
    ] },
    Operation { name: "setdomainmaxmem", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 28, layouts: &[(X86_64, Layout { size: 16, fields: F13 }), (X86_32, Layout { size: 8, fields: F14 })] },
    ] },
    Operation { name: "setvcpuaffinity", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 0))], versions: &[50331648], command: 20, layouts: &[(X86_64 | X86_32, Layout { size: 16, fields: F15 })] },
        Variant { releases: &[(r(3, 0, 1), r(3, 0, 2))], versions: &[50331648], command: 20, layouts: &[(X86_64 | X86_32, Layout { size: 16, fields: F15 })] },
    ] },
    Operation { name: "unpausedomain", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[50331648], command: 11, layouts: &[(X86_64 | X86_32, Layout { size: 2, fields: F2 })] },
    ] },
];

/// `sysctl`.
pub static SYSCTL: &[Operation] = &[
    Operation { name: "availheap", variants: &[
        Variant { releases: &[(r(3, 2, 0), Release::NEWEST)], versions: &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 9, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F16 })] },
    ] },
    Operation { name: "cpupool_op", variants: &[
        Variant { releases: &[(r(4, 1, 0), r(4, 2, 5))], versions: &[8, 9], command: 18, layouts: &[(X86_64 | X86_32, Layout { size: 40, fields: F17 })] },
        Variant { releases: &[(r(4, 3, 0), Release::NEWEST)], versions: &[10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 18, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 40, fields: F18 })] },
    ] },
    Operation { name: "cputopoinfo", variants: &[
        Variant { releases: &[(r(4, 6, 0), Release::NEWEST)], versions: &[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 16, fields: F19 })] },
    ] },
    Operation { name: "getcpuinfo", variants: &[
        Variant { releases: &[(r(3, 2, 0), Release::NEWEST)], versions: &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 8, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F20 })] },
    ] },
    Operation { name: "getdomaininfolist", variants: &[
        Variant { releases: &[(r(3, 0, 3), r(3, 0, 4))], versions: &[2], command: 6, layouts: &[(X86_64, Layout { size: 24, fields: F5 }), (X86_32, Layout { size: 16, fields: F6 })] },
        Variant { releases: &[(r(3, 1, 0), Release::NEWEST)], versions: &[3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 6, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F5 })] },
    ] },
    Operation { name: "numainfo", variants: &[
        Variant { releases: &[(r(4, 1, 0), r(4, 5, 5))], versions: &[8, 9, 10, 11], command: 17, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 32, fields: F21 })] },
        Variant { releases: &[(r(4, 6, 0), Release::NEWEST)], versions: &[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 17, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F22 })] },
    ] },
    Operation { name: "physinfo", variants: &[
        Variant { releases: &[(r(3, 0, 3), r(3, 0, 4))], versions: &[2], command: 3, layouts: &[(X86_64, Layout { size: 80, fields: F23 }), (X86_32, Layout { size: 76, fields: F24 })] },
        Variant { releases: &[(r(3, 1, 0), r(3, 1, 0))], versions: &[3], command: 3, layouts: &[(X86_64 | X86_32, Layout { size: 80, fields: F23 })] },
        Variant { releases: &[(r(3, 2, 0), r(3, 2, 0))], versions: &[6], command: 3, layouts: &[(X86_64 | X86_32, Layout { size: 96, fields: F25 })] },
        Variant { releases: &[(r(3, 3, 0), r(3, 4, 0))], versions: &[6], command: 3, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F26 })] },
        Variant { releases: &[(r(4, 0, 0), r(4, 0, 4))], versions: &[7], command: 3, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F27 })] },
        Variant { releases: &[(r(4, 1, 0), r(4, 2, 5))], versions: &[8, 9], command: 3, layouts: &[(X86_64 | X86_32, Layout { size: 96, fields: F28 })] },
        Variant { releases: &[(r(4, 3, 0), r(4, 9, 4))], versions: &[10, 11, 12, 13, 14, 15], command: 3, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 104, fields: F29 })] },
        Variant { releases: &[(r(4, 10, 0), r(4, 16, 7))], versions: &[16, 17, 18, 19, 20], command: 3, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 104, fields: F30 })] },
        Variant { releases: &[(r(4, 17, 0), Release::NEWEST)], versions: &[21, 22], command: 3, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 112, fields: F31 })] },
    ] },
    Operation { name: "sched_id", variants: &[
        Variant { releases: &[(r(3, 0, 3), Release::NEWEST)], versions: &[2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], command: 4, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 4, fields: F12 })] },
    ] },
    Operation { name: "topologyinfo", variants: &[
        Variant { releases: &[(r(4, 1, 0), r(4, 5, 5))], versions: &[8, 9, 10, 11], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 32, fields: F32 })] },
    ] },
];

/// `domctl`.
pub static DOMCTL: &[Operation] = &[
    Operation { name: "destroydomain", variants: &[
        Variant { releases: &[(r(3, 0, 3), Release::NEWEST)], versions: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 2, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 0, fields: &[] })] },
    ] },
    Operation { name: "getdomaininfo", variants: &[
        Variant { releases: &[(r(3, 0, 3), r(3, 0, 4))], versions: &[3, 4], command: 5, layouts: &[(X86_64, Layout { size: 72, fields: F3 }), (X86_32, Layout { size: 68, fields: F3 })] },
        Variant { releases: &[(r(3, 1, 0), r(3, 4, 0))], versions: &[5], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 72, fields: F3 })] },
        Variant { releases: &[(r(4, 0, 0), r(4, 0, 4))], versions: &[6], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 80, fields: F33 })] },
        Variant { releases: &[(r(4, 1, 0), r(4, 1, 6))], versions: &[7], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 80, fields: F34 })] },
        Variant { releases: &[(r(4, 2, 0), r(4, 2, 5))], versions: &[8], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 88, fields: F35 })] },
        Variant { releases: &[(r(4, 3, 0), r(4, 10, 0))], versions: &[9, 10, 11, 12, 13, 14], command: 5, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 96, fields: F36 })] },
        Variant { releases: &[(r(4, 10, 1), r(4, 12, 4))], versions: &[15, 16, 17], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F37 }), (ARM64, Layout { size: 112, fields: F38 })] },
        Variant { releases: &[(r(4, 13, 0), r(4, 14, 6))], versions: &[18], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F37 }), (ARM64, Layout { size: 112, fields: F39 })] },
        Variant { releases: &[(r(4, 15, 0), r(4, 15, 7))], versions: &[19], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F40 }), (ARM64, Layout { size: 112, fields: F39 })] },
        Variant { releases: &[(r(4, 16, 0), r(4, 17, 7))], versions: &[20, 21], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F42 })] },
        Variant { releases: &[(r(4, 18, 0), r(4, 20, 4))], versions: &[22, 23], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F43 })] },
        Variant { releases: &[(r(4, 21, 0), r(4, 21, 2))], versions: &[23], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F44 })] },
        Variant { releases: &[(r(4, 22, 0), Release::NEWEST)], versions: &[24], command: 5, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F45 })] },
    ] },
    Operation { name: "getvcpuinfo", variants: &[
        Variant { releases: &[(r(3, 0, 3), r(3, 0, 4))], versions: &[3, 4], command: 14, layouts: &[(X86_64, Layout { size: 24, fields: F46 }), (X86_32, Layout { size: 20, fields: F46 })] },
        Variant { releases: &[(r(3, 1, 0), Release::NEWEST)], versions: &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 14, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F46 })] },
    ] },
    Operation { name: "max_mem", variants: &[
        Variant { releases: &[(r(3, 0, 3), Release::NEWEST)], versions: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 11, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 8, fields: F47 })] },
    ] },
    Operation { name: "max_vcpus", variants: &[
        Variant { releases: &[(r(3, 0, 3), Release::NEWEST)], versions: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 15, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 4, fields: F48 })] },
    ] },
    Operation { name: "pausedomain", variants: &[
        Variant { releases: &[(r(3, 0, 3), Release::NEWEST)], versions: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 3, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 0, fields: &[] })] },
    ] },
    Operation { name: "scheduler_op", variants: &[
        Variant { releases: &[(r(3, 0, 3), r(4, 0, 4))], versions: &[3, 4, 5, 6], command: 16, layouts: &[(X86_64 | X86_32, Layout { size: 40, fields: F49 })] },
        Variant { releases: &[(r(4, 1, 0), r(4, 4, 4))], versions: &[7, 8, 9], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 40, fields: F50 })] },
        Variant { releases: &[(r(4, 5, 0), r(4, 5, 5))], versions: &[10], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 40, fields: F51 })] },
        Variant { releases: &[(r(4, 6, 0), r(4, 6, 6))], versions: &[11], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 16, fields: F52 })] },
        Variant { releases: &[(r(4, 7, 0), r(4, 9, 4))], versions: &[11, 12, 13], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F53 })] },
        Variant { releases: &[(r(4, 10, 0), Release::NEWEST)], versions: &[14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 16, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F54 })] },
    ] },
    Operation { name: "sendtrigger", variants: &[
        Variant { releases: &[(r(3, 1, 0), Release::NEWEST)], versions: &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 28, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 8, fields: F55 })] },
    ] },
    Operation { name: "unpausedomain", variants: &[
        Variant { releases: &[(r(3, 0, 3), Release::NEWEST)], versions: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 4, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 0, fields: &[] })] },
    ] },
    Operation { name: "vcpuaffinity", variants: &[
        Variant { releases: &[(r(3, 0, 3), r(3, 0, 4))], versions: &[3, 4], command: 9, layouts: &[(X86_64, Layout { size: 24, fields: F56 }), (X86_32, Layout { size: 12, fields: F57 })] },
        Variant { releases: &[(r(3, 1, 0), r(4, 2, 5))], versions: &[5, 6, 7, 8], command: 9, layouts: &[(X86_64 | X86_32, Layout { size: 24, fields: F56 })] },
        Variant { releases: &[(r(4, 3, 0), r(4, 4, 4))], versions: &[9], command: 9, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 24, fields: F58 })] },
        Variant { releases: &[(r(4, 5, 0), Release::NEWEST)], versions: &[10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24], command: 9, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 40, fields: F59 })] },
    ] },
];

/// `structs`.
pub static STRUCTS: &[Operation] = &[
    Operation { name: "domaininfo_element", variants: &[
        Variant { releases: &[(r(3, 0, 0), r(3, 0, 2))], versions: &[], command: 0, layouts: &[(X86_64, Layout { size: 72, fields: F3 }), (X86_32, Layout { size: 56, fields: F4 })] },
        Variant { releases: &[(r(3, 0, 3), r(3, 0, 4))], versions: &[3, 4], command: 0, layouts: &[(X86_64, Layout { size: 72, fields: F3 }), (X86_32, Layout { size: 68, fields: F3 })] },
        Variant { releases: &[(r(3, 1, 0), r(3, 4, 0))], versions: &[5], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 72, fields: F3 })] },
        Variant { releases: &[(r(4, 0, 0), r(4, 0, 4))], versions: &[6], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 80, fields: F33 })] },
        Variant { releases: &[(r(4, 1, 0), r(4, 1, 6))], versions: &[7], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 80, fields: F34 })] },
        Variant { releases: &[(r(4, 2, 0), r(4, 2, 5))], versions: &[8], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 88, fields: F35 })] },
        Variant { releases: &[(r(4, 3, 0), r(4, 10, 0))], versions: &[9, 10, 11, 12, 13, 14], command: 0, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 96, fields: F36 })] },
        Variant { releases: &[(r(4, 10, 1), r(4, 12, 4))], versions: &[15, 16, 17], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F37 }), (ARM64, Layout { size: 112, fields: F38 })] },
        Variant { releases: &[(r(4, 13, 0), r(4, 14, 6))], versions: &[18], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F37 }), (ARM64, Layout { size: 112, fields: F39 })] },
        Variant { releases: &[(r(4, 15, 0), r(4, 15, 7))], versions: &[19], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 104, fields: F40 }), (ARM64, Layout { size: 112, fields: F39 })] },
        Variant { releases: &[(r(4, 16, 0), r(4, 17, 7))], versions: &[20, 21], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F42 })] },
        Variant { releases: &[(r(4, 18, 0), r(4, 20, 4))], versions: &[22, 23], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F43 })] },
        Variant { releases: &[(r(4, 21, 0), r(4, 21, 2))], versions: &[23], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F44 })] },
        Variant { releases: &[(r(4, 22, 0), Release::NEWEST)], versions: &[24], command: 0, layouts: &[(X86_64 | X86_32, Layout { size: 112, fields: F41 }), (ARM64, Layout { size: 120, fields: F45 })] },
    ] },
    Operation { name: "domctl_schedparam_vcpu", variants: &[
        Variant { releases: &[(r(4, 7, 0), r(4, 9, 4))], versions: &[], command: 0, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 12, fields: F60 })] },
        Variant { releases: &[(r(4, 10, 0), Release::NEWEST)], versions: &[], command: 0, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 16, fields: F61 })] },
    ] },
    Operation { name: "sysctl_cpuinfo", variants: &[
        Variant { releases: &[(r(3, 2, 0), Release::NEWEST)], versions: &[], command: 0, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 8, fields: F62 })] },
    ] },
    Operation { name: "sysctl_cputopo", variants: &[
        Variant { releases: &[(r(4, 6, 0), Release::NEWEST)], versions: &[], command: 0, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 12, fields: F63 })] },
    ] },
    Operation { name: "sysctl_meminfo", variants: &[
        Variant { releases: &[(r(4, 6, 0), Release::NEWEST)], versions: &[], command: 0, layouts: &[(X86_64 | X86_32 | ARM64, Layout { size: 16, fields: F64 })] },
    ] },
];

/// Flag bits and numbers that have a name, with the releases of each value.
pub static CONSTANTS: &[Constant] = &[
    Constant { name: "XEN_DOMINF_blocked", value: 16, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_cpumask", value: 255, releases: &[(r(3, 0, 4), r(3, 4, 0))] },
    Constant { name: "XEN_DOMINF_cpushift", value: 8, releases: &[(r(3, 0, 4), r(3, 4, 0))] },
    Constant { name: "XEN_DOMINF_debugged", value: 64, releases: &[(r(3, 2, 0), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_dying", value: 1, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_hap", value: 512, releases: &[(r(4, 8, 0), r(4, 8, 5))] },
    Constant { name: "XEN_DOMINF_hap", value: 256, releases: &[(r(4, 9, 0), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_hvm_guest", value: 2, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_paused", value: 8, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_pvh_guest", value: 128, releases: &[(r(4, 4, 0), r(4, 8, 5))] },
    Constant { name: "XEN_DOMINF_running", value: 32, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_shutdown", value: 4, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_shutdownmask", value: 255, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_shutdownshift", value: 16, releases: &[(r(3, 0, 4), Release::NEWEST)] },
    Constant { name: "XEN_DOMINF_xs_domain", value: 256, releases: &[(r(4, 7, 0), r(4, 8, 5))] },
    Constant { name: "XEN_DOMINF_xs_domain", value: 128, releases: &[(r(4, 9, 0), Release::NEWEST)] },
    Constant { name: "SCHED_BVT", value: 0, releases: &[(r(3, 0, 0), r(3, 0, 2))] },
    Constant { name: "SCHED_SEDF", value: 4, releases: &[(r(3, 0, 0), r(3, 0, 2))] },
    Constant { name: "XEN_SCHEDULER_ARINC653", value: 7, releases: &[(r(4, 1, 0), Release::NEWEST)] },
    Constant { name: "XEN_SCHEDULER_CREDIT", value: 5, releases: &[(r(3, 0, 3), Release::NEWEST)] },
    Constant { name: "XEN_SCHEDULER_CREDIT2", value: 6, releases: &[(r(4, 1, 0), Release::NEWEST)] },
    Constant { name: "XEN_SCHEDULER_NULL", value: 9, releases: &[(r(4, 9, 0), Release::NEWEST)] },
    Constant { name: "XEN_SCHEDULER_RTDS", value: 8, releases: &[(r(4, 5, 0), Release::NEWEST)] },
    Constant { name: "XEN_SCHEDULER_SEDF", value: 4, releases: &[(r(3, 0, 3), r(4, 5, 5))] },
];
