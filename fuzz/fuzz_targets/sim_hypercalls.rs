//! The simulated hypervisor's reader of pages: whatever a caller puts in its memory,
//! in the layout of any release, the answer is a number or an error, and no buffer
//! changes its length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virtxen_hypercall::abi::table;
use virtxen_hypercall::{Arch, Argument, Errno, Gate, Pointer, Request};
use virtxen_sim::hypervisor::{Change, Machine, MachineDomain, MachineFacts, SimHypervisor};

const ARCHES: [Arch; 3] = [Arch::X86_64, Arch::X86_32, Arch::Arm64];

/// The interfaces' numbers, and that of the version.
const NUMBERS: [u32; 4] = [7, 17, 35, 36];

/// A call: number, whether its interface's version is right, command, the buffers,
/// the places of pointers.
type Call<'a> = (u8, bool, u8, Vec<&'a [u8]>, Vec<(u8, u8, u8)>);

fuzz_target!(|input: (u8, u8, Vec<Call<'_>>)| {
    let (row, arch, calls) = input;
    let rows = table::RELEASES;
    let row = &rows[usize::from(row) % rows.len()];
    let arch = ARCHES[usize::from(arch) % ARCHES.len()];
    let Some(hypervisor) = SimHypervisor::new(row.releases.0, arch, Box::new(Three)) else {
        return;
    };
    for (number, right, command, contents, places) in calls {
        let number = NUMBERS[usize::from(number) % NUMBERS.len()];
        let version = match number {
            7 => row.dom0,
            35 => row.sysctl,
            _ => row.domctl,
        };
        let mut buffers: Vec<Vec<u8>> = contents.iter().map(|bytes| bytes.to_vec()).collect();
        let arguments = [Argument::Buffer(0), Argument::Value(u64::from(command))];
        let mut arguments = arguments.to_vec();
        if number == 17 {
            arguments.reverse();
        } else if let (Some(first), Some(version), true) = (buffers.first_mut(), version, right) {
            first.resize(first.len().max(256), 0);
            first[..4].copy_from_slice(&u32::from(command).to_le_bytes());
            first[4..8].copy_from_slice(&version.to_le_bytes());
        }
        let pointers: Vec<Pointer> = places.into_iter().map(pointer).collect();
        let lengths: Vec<usize> = buffers.iter().map(Vec::len).collect();
        let mut request = Request::foreign(number, &arguments, &mut buffers, &pointers);
        let _ = hypervisor.call(&mut request);
        let after: Vec<usize> = buffers.iter().map(Vec::len).collect();
        assert_eq!(lengths, after);
    }
});

fn pointer((at, to, wide): (u8, u8, u8)) -> Pointer {
    Pointer {
        from: 0,
        at: usize::from(at),
        width: if wide & 1 == 0 { 8 } else { 4 },
        to: usize::from(to) % 4,
    }
}

/// A machine with three domains.
struct Three;

impl Machine for Three {
    fn facts(&self) -> MachineFacts {
        MachineFacts {
            cpus: 3,
            cores: 2,
            nodes: 2,
            scheduler: 5,
            pages: (1 << 20, 1 << 10),
            cpu_khz: 2_000_000,
            capabilities: "xen-3.0-x86_64".to_owned(),
        }
    }

    fn domains(&self) -> Vec<MachineDomain> {
        let domain = |domid| MachineDomain {
            domid,
            affinity: vec![vec![0, 2]; 2],
            online: 1,
            pages: u64::MAX,
            shutdown: Some(0xff),
            ..MachineDomain::default()
        };
        [0, 7, 0x7fef].map(domain).into()
    }

    fn change(&self, _: u32, change: Change) -> Result<(), Errno> {
        match change {
            Change::MaxMemory(kib) if kib % 2 == 1 => Err(Errno::EINVAL),
            _ => Ok(()),
        }
    }
}
