//! Pages that a hypervisor wrote, in the layout of any release: whatever is in them,
//! lists of domains decode alike from every piece of memory that holds them, and
//! every reading call comes to an end with an answer or words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Mutex;
use virtxen_hypercall::abi::table;
use virtxen_hypercall::{Abi, Arch, Argument, Errno, Gate, Release, Request, Xen, decode_domains};

const ARCHES: [Arch; 3] = [Arch::X86_64, Arch::X86_32, Arch::Arm64];

fuzz_target!(|input: (u8, u8, u16, &[u8])| {
    let (row, arch, count, bytes) = input;
    let rows = table::RELEASES;
    let release = rows[usize::from(row) % rows.len()].releases.0;
    let arch = ARCHES[usize::from(arch) % ARCHES.len()];
    if let Some(abi) = Abi::of_release(arch, release) {
        list(&abi, bytes, usize::from(count));
    }
    let hypervisor = Hostile {
        release,
        bytes: Mutex::new(bytes.to_vec()),
    };
    if let Ok(xen) = Xen::open(Box::new(hypervisor), arch) {
        ask(&xen);
    }
});

/// As many domains as were said, or fewer bytes than they need.
fn list(abi: &Abi, bytes: &[u8], count: usize) {
    let mut domains = Vec::new();
    let size = abi
        .domain_element()
        .map_or(0, |layout| usize::from(layout.size));
    let read = decode_domains(abi, bytes, count, &mut domains);
    assert!(domains.len() <= count && domains.len() * size <= bytes.len());
    assert_eq!(read.is_ok(), size > 0 && count * size <= bytes.len());
    assert!(decode_domains(abi, bytes, usize::MAX, &mut Vec::new()).is_err());
    for (index, domain) in domains.iter().enumerate() {
        let mut one = Vec::new();
        let rest = &bytes[index * size..];
        assert!(decode_domains(abi, rest, 1, &mut one).is_ok());
        assert_eq!(one.first(), Some(domain));
    }
}

fn ask(xen: &Xen) {
    if let Ok(domains) = xen.domains() {
        assert!(domains.len() < 1 << 16);
    }
    for domid in [0, 1, 0x7ff0, u32::MAX] {
        let _ = xen.domain(domid);
        let _ = xen.vcpu(domid, domid);
        let _ = xen.affinity(domid, 0, 65);
        let _ = xen.soft_affinity(domid, 0, 0);
    }
    let _ = xen.physical_info();
    let _ = xen.free_memory(Some(1));
    let _ = xen.cpu_topology();
    let _ = xen.idle_times();
    let _ = xen.numa_memory();
    let _ = xen.cpu_nodes();
    let _ = xen.cpu_pools();
    let _ = xen.free_cpus();
    let _ = xen.scheduler_of(Some(0));
    if let Ok(scheduler) = xen.scheduler() {
        let _ = xen.scheduler_parameters(1, scheduler);
    }
}

/// A hypervisor that says its version and then writes the input everywhere.
struct Hostile {
    release: Release,
    bytes: Mutex<Vec<u8>>,
}

impl Hostile {
    /// The next bytes of the input; zero after its end.
    fn fill(&self, target: &mut [u8]) {
        let mut bytes = self.bytes.lock().expect("one thread");
        let length = bytes.len().min(target.len());
        for (to, from) in target.iter_mut().zip(bytes.drain(..length)) {
            *to = from;
        }
    }
}

impl Gate for Hostile {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        let Release { major, minor, .. } = self.release;
        let asked = request.arguments().first();
        if request.number() == 17 && asked == Some(&Argument::Value(0)) {
            return Ok(u64::from(major) << 16 | u64::from(minor));
        }
        let mut answer = [0; 8];
        self.fill(&mut answer[..2]);
        for buffer in request.answer() {
            self.fill(buffer);
        }
        match answer[0] % 8 {
            0 => Err(Errno(i32::from(answer[1]))),
            1 => Ok(u64::from_le_bytes(answer)),
            _ => Ok(0),
        }
    }
}
