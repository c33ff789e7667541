//! A guest as a whole.
//!
//! What it is made of has a file each; rules across them are in `validate`.

use crate::{
    Clock, Cpu, CpuTune, Devices, DomId, Element, Features, Kept, Lifecycle, MemoryKib, Os, OsType,
    Seclabel, Uuid, Vcpus,
};

/// What a guest is: the content of a `<domain type='xen'>` document.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// Number, while it runs.
    pub id: Option<DomId>,
    /// Name.
    pub name: String,
    /// Identifier; `None` until one is generated.
    pub uuid: Option<Uuid>,
    /// Short description, one line.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// What programs keep here: the `<metadata>` element.
    pub metadata: Option<Element>,
    /// Memory that it may have.
    pub memory: MemoryKib,
    /// Memory that it starts with, or has, if less.
    pub current_memory: Option<MemoryKib>,
    /// Virtual processors.
    pub vcpus: Vcpus,
    /// Scheduling of vcpus.
    pub cpu_tune: CpuTune,
    /// Kind of guest and what it boots.
    pub os: Os,
    /// Features of the virtual machine.
    pub features: Features,
    /// What processors look like to the guest.
    pub cpu: Option<Cpu>,
    /// Clock.
    pub clock: Clock,
    /// What happens when it ends.
    pub lifecycle: Lifecycle,
    /// Devices.
    pub devices: Devices,
    /// Security labels.
    pub seclabels: Vec<Seclabel>,
    /// Further arguments for the device model (`<xen:commandline>`).
    pub commandline: Vec<String>,
    /// Known parts without effect: `memtune`, `iothreads`, …
    pub kept: Kept,
}

impl Guest {
    /// A paravirtualized guest with one vcpu, no memory and no devices.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            uuid: None,
            title: None,
            description: None,
            metadata: None,
            memory: MemoryKib(0),
            current_memory: None,
            vcpus: Vcpus::default(),
            cpu_tune: CpuTune::default(),
            os: Os::new(OsType::Xen),
            features: Features::default(),
            cpu: None,
            clock: Clock::default(),
            lifecycle: Lifecycle::default(),
            devices: Devices::default(),
            seclabels: Vec::new(),
            commandline: Vec::new(),
            kept: Kept::default(),
        }
    }

    /// Memory up to which it can be given more while it runs (`<maxMemory>`), if said.
    #[must_use]
    pub fn max_memory(&self) -> Option<MemoryKib> {
        let mut kept = self.kept.elements("");
        let element = kept.find(|element| element.name == "maxMemory")?;
        MemoryKib::scaled(&element.text(), element.attribute("unit"))
    }

    /// What its virtual NUMA nodes have together, if it has any.
    #[must_use]
    pub fn node_memory(&self) -> Option<MemoryKib> {
        let cells = self.cpu.iter().flat_map(|cpu| &cpu.numa);
        let memory = cells.map(|cell| cell.memory.0);
        memory.reduce(u64::saturating_add).map(MemoryKib)
    }

    /// Whether it is fully virtualized.
    #[must_use]
    pub fn is_hvm(&self) -> bool {
        self.os.kind == OsType::Hvm
    }
}

impl Default for Guest {
    fn default() -> Self {
        Self::new("")
    }
}
