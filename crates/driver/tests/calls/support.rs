//! A host in a few lines for the tests of the call path: what it does is said by
//! the test, and every operation can be slowed down or made to fail.
//!
//! Tests of what XenD really does use the simulator, not this.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use virtxen_driver::{Driver, Options};
use virtxen_formats::Note;
use virtxen_guest::{Device, DomId, Guest, MemoryKib, Uuid};
use virtxen_host::{
    DomainInfo, DomainState, DumpMode, Ended, Ending, Error, Folders, Host, MigrateOptions, Node,
    NodeTopology, Result, RouteReport, Scheduler, ShutdownReason, Trigger, VcpuInfo, VncServer,
    XenVersion,
};

/// A scripted host.
pub(crate) struct Scripted {
    pub(crate) domains: Mutex<BTreeMap<String, DomainInfo>>,
    pub(crate) guests: Mutex<HashMap<String, Guest>>,
    /// How long operations take.
    pub(crate) slow: Mutex<HashMap<&'static str, Duration>>,
    /// What reached the host.
    pub(crate) calls: Mutex<Vec<String>>,
    next: Mutex<u32>,
    /// Domains that have shut down and stay; without, somebody else takes them down.
    pub(crate) ended: Mutex<Option<Vec<Ended>>>,
}

fn lost(path: &str) -> Note {
    Note {
        path: path.to_owned(),
        at: None,
        reason: "lost".to_owned(),
        essential: false,
    }
}

impl Scripted {
    /// Domain-0, `web` running and defined, `temp` running and transient, `old` inactive.
    pub(crate) fn new() -> std::sync::Arc<Self> {
        let host = Self {
            domains: Mutex::default(),
            guests: Mutex::default(),
            slow: Mutex::default(),
            calls: Mutex::default(),
            next: Mutex::new(9),
            ended: Mutex::default(),
        };
        host.add("Domain-0", Some(0), Some(true));
        host.add("web", Some(1), Some(true));
        host.add("temp", Some(2), Some(false));
        host.add("old", None, Some(true));
        std::sync::Arc::new(host)
    }

    pub(crate) fn driver(self: &std::sync::Arc<Self>) -> Driver {
        self.driver_with(None)
    }

    pub(crate) fn driver_with(self: &std::sync::Arc<Self>, folders: Option<Folders>) -> Driver {
        let options = Options {
            folders,
            job_wait: Duration::from_secs(5),
            ..Options::default()
        };
        Driver::open(self.clone(), options)
    }

    pub(crate) fn add(&self, name: &str, id: Option<u32>, persistent: Option<bool>) {
        let mut guest = Guest::new(name);
        let uuid = match id {
            Some(0) => Uuid::ZERO,
            _ => Uuid([name.as_bytes()[0]; 16]),
        };
        guest.uuid = Some(uuid);
        guest.memory = MemoryKib::from_mib(256);
        let info = DomainInfo {
            name: name.to_owned(),
            domid: id.map(DomId),
            uuid,
            state: match id {
                Some(_) => DomainState::Running,
                None => DomainState::Halted,
            },
            memory: MemoryKib::from_mib(128),
            max_memory: MemoryKib::from_mib(256),
            vcpus: 1,
            max_vcpus: 2,
            cpu_time: Duration::ZERO,
            kind: virtxen_guest::OsType::Xen,
            persistent,
        };
        self.domains.lock().unwrap().insert(name.to_owned(), info);
        self.guests.lock().unwrap().insert(name.to_owned(), guest);
    }

    pub(crate) fn slow(&self, operation: &'static str, by: Duration) {
        self.slow.lock().unwrap().insert(operation, by);
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// A domain has shut down, and nobody else takes it down.
    pub(crate) fn shuts_down(&self, name: &str, ending: Ending) {
        self.change(name, |info| {
            info.state = match ending {
                Ending::Crashed => DomainState::Crashed,
                _ => DomainState::Shutdown,
            };
            let ended = Ended {
                domid: info.domid.unwrap(),
                uuid: info.uuid,
                name: name.to_owned(),
                ending,
            };
            let mut all = self.ended.lock().unwrap();
            all.get_or_insert_default().push(ended);
        });
    }

    /// Changes a domain behind the driver's back, as `xm` does.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut DomainInfo)) {
        if let Some(info) = self.domains.lock().unwrap().get_mut(name) {
            change(info);
        }
    }

    pub(crate) fn end(&self, name: &str) {
        let mut domains = self.domains.lock().unwrap();
        let stays = domains
            .get(name)
            .is_some_and(|d| d.persistent == Some(true));
        if !stays {
            domains.remove(name);
        } else if let Some(info) = domains.get_mut(name) {
            info.domid = None;
            info.state = DomainState::Halted;
        }
    }

    async fn does(&self, operation: &'static str, what: &str) {
        let delay = self.slow.lock().unwrap().get(operation).copied();
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let mut calls = self.calls.lock().unwrap();
        calls.push(format!("{operation} {what}").trim_end().to_owned());
    }

    fn unsupported<T>(operation: &'static str) -> Result<T> {
        Err(Error::Unsupported {
            operation,
            reason: "the script does not have it".into(),
        })
    }

    fn run(&self, name: &str, paused: bool) -> DomId {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        let id = DomId(*next);
        self.change(name, |info| {
            info.domid = Some(id);
            info.state = match paused {
                true => DomainState::Paused,
                false => DomainState::Running,
            };
        });
        id
    }
}

#[async_trait::async_trait]
impl Host for Scripted {
    fn is_simulated(&self) -> bool {
        true
    }

    fn version(&self) -> XenVersion {
        XenVersion {
            major: 4,
            minor: 1,
            extra: ".2".into(),
        }
    }

    fn routes(&self) -> Vec<RouteReport> {
        Vec::new()
    }

    fn leaves_ended(&self) -> bool {
        self.ended.lock().unwrap().is_some()
    }

    async fn ended(&self) -> Result<Vec<Ended>> {
        let ended = self.ended.lock().unwrap().clone().unwrap_or_default();
        let domains = self.domains.lock().unwrap();
        let is_there = |it: &Ended| domains.values().any(|info| info.domid == Some(it.domid));
        Ok(ended.into_iter().filter(is_there).collect())
    }

    async fn node(&self) -> Result<Node> {
        Ok(Node {
            host_name: "alpha".into(),
            system: "Linux".into(),
            kernel: "2.6.32".into(),
            machine: "x86_64".into(),
            topology: NodeTopology {
                cpus: 4,
                nodes: 1,
                sockets_per_node: 1,
                cores_per_socket: 4,
                threads_per_core: 1,
                node_cpus: Vec::new(),
                places: BTreeMap::default(),
            },
            cpu_mhz: 2400,
            hw_caps: String::new(),
            has_iommu: None,
            memory: MemoryKib::from_mib(8192),
            free_memory: MemoryKib::from_mib(4096),
            free_by_node: Vec::new(),
            memory_by_node: Vec::new(),
            guest_types: vec!["xen-3.0-x86_64".into()],
            scheduler: Some("credit".into()),
            version: self.version(),
        })
    }

    async fn log(&self) -> Result<String> {
        Ok(String::new())
    }

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    async fn dmesg(&self) -> Result<String> {
        Ok(String::new())
    }

    async fn domains(&self) -> Result<Vec<DomainInfo>> {
        let mut all = self.all_domains().await?;
        all.retain(|info| info.domid.is_some());
        Ok(all)
    }

    async fn all_domains(&self) -> Result<Vec<DomainInfo>> {
        self.does("all_domains", "").await;
        Ok(self.domains.lock().unwrap().values().cloned().collect())
    }

    async fn domain(&self, name: &str) -> Result<DomainInfo> {
        self.does("domain", name).await;
        let found = self.domains.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| Error::NoDomain { name: name.into() })
    }

    async fn inactive(&self) -> Result<Vec<String>> {
        let all = self.all_domains().await?.into_iter();
        Ok(all.filter(|i| i.domid.is_none()).map(|i| i.name).collect())
    }

    async fn guest(&self, name: &str) -> Result<Guest> {
        self.does("guest", name).await;
        let found = self.guests.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| Error::NoDomain { name: name.into() })
    }

    async fn losses(&self, guest: &Guest) -> Result<Vec<Note>> {
        let title = guest.title.iter();
        Ok(title.map(|_| lost("/domain/title")).collect())
    }

    async fn device_losses(&self, device: &Device, _hvm: bool) -> Result<Vec<Note>> {
        Ok(match device {
            Device::Disk(disk) if disk.readonly => vec![lost("/disk/readonly")],
            _ => Vec::new(),
        })
    }

    async fn create(&self, guest: &Guest, paused: bool) -> Result<DomainInfo> {
        self.does("create", &guest.name).await;
        self.add(&guest.name, Some(0), Some(false));
        self.change(&guest.name, |info| {
            info.uuid = guest.uuid.unwrap();
            info.domid = None;
        });
        let own = (guest.name.clone(), guest.clone());
        self.guests.lock().unwrap().extend([own]);
        self.run(&guest.name, paused);
        self.domain(&guest.name).await
    }

    async fn define(&self, guest: &Guest) -> Result<()> {
        self.does("define", &guest.name).await;
        self.add(&guest.name, None, Some(true));
        self.change(&guest.name, |info| info.uuid = guest.uuid.unwrap());
        let mut guests = self.guests.lock().unwrap();
        guests.insert(guest.name.clone(), guest.clone());
        Ok(())
    }

    async fn undefine(&self, name: &str) -> Result<()> {
        self.does("undefine", name).await;
        self.domains.lock().unwrap().remove(name);
        Ok(())
    }

    async fn start(&self, name: &str, paused: bool) -> Result<()> {
        self.does("start", name).await;
        self.run(name, paused);
        Ok(())
    }

    async fn pause(&self, name: &str) -> Result<()> {
        self.does("pause", name).await;
        self.change(name, |info| info.state = DomainState::Paused);
        Ok(())
    }

    async fn unpause(&self, name: &str) -> Result<()> {
        self.does("unpause", name).await;
        self.change(name, |info| info.state = DomainState::Blocked);
        Ok(())
    }

    async fn shutdown(&self, name: &str, reason: ShutdownReason) -> Result<()> {
        self.does("shutdown", &format!("{name} {reason:?}")).await;
        Ok(())
    }

    async fn reset(&self, name: &str) -> Result<()> {
        self.does("reset", name).await;
        Ok(())
    }

    async fn sysrq(&self, name: &str, key: char) -> Result<()> {
        self.does("sysrq", &format!("{name} {key}")).await;
        Ok(())
    }

    async fn trigger(&self, name: &str, trigger: Trigger) -> Result<()> {
        self.does("trigger", &format!("{name} {trigger:?}")).await;
        Ok(())
    }

    async fn plug_vcpus(&self, name: &str, vcpus: &[u32], online: bool) -> Result<()> {
        self.does("plug", &format!("{name} {vcpus:?} {online}"))
            .await;
        Ok(())
    }

    async fn destroy(&self, name: &str) -> Result<()> {
        self.does("destroy", name).await;
        self.end(name);
        Ok(())
    }

    async fn save(&self, name: &str, file: &Path) -> Result<()> {
        self.does("save", &format!("{name} {}", file.display()))
            .await;
        self.end(name);
        Ok(())
    }

    async fn restore(&self, file: &Path) -> Result<()> {
        self.does("restore", &file.display().to_string()).await;
        self.run("old", false);
        Ok(())
    }

    async fn dump(&self, name: &str, _: &Path, mode: DumpMode) -> Result<()> {
        self.does("dump", &format!("{name} {mode:?}")).await;
        Ok(())
    }

    async fn migrate(&self, name: &str, options: &MigrateOptions) -> Result<()> {
        self.does("migrate", &format!("{name} {}", options.host))
            .await;
        self.end(name);
        Ok(())
    }

    async fn rename(&self, name: &str, new_name: &str) -> Result<()> {
        self.does("rename", new_name).await;
        let mut domains = self.domains.lock().unwrap();
        if let Some(mut info) = domains.remove(name) {
            info.name = new_name.to_owned();
            domains.insert(new_name.to_owned(), info);
        }
        Ok(())
    }

    async fn set_memory(&self, name: &str, target: MemoryKib) -> Result<()> {
        self.does("set_memory", &format!("{name} {}", target.0))
            .await;
        Ok(())
    }

    async fn set_max_memory(&self, name: &str, limit: MemoryKib) -> Result<()> {
        self.does("set_max_memory", &format!("{name} {}", limit.0))
            .await;
        Ok(())
    }

    async fn set_vcpus(&self, name: &str, count: u32) -> Result<()> {
        self.does("set_vcpus", &format!("{name} {count}")).await;
        Ok(())
    }

    async fn vcpus(&self, _: &str) -> Result<Vec<VcpuInfo>> {
        Ok(Vec::new())
    }

    async fn pin_vcpu(&self, name: &str, vcpu: u32, cpus: &[u32]) -> Result<()> {
        self.does("pin_vcpu", &format!("{name} {vcpu} {cpus:?}"))
            .await;
        Ok(())
    }

    async fn scheduler(&self, _: &str) -> Result<Scheduler> {
        Ok(Scheduler::Credit {
            weight: 256,
            cap: 0,
        })
    }

    async fn set_scheduler(&self, name: &str, scheduler: &Scheduler) -> Result<()> {
        self.does("set_scheduler", &format!("{name} {scheduler:?}"))
            .await;
        Ok(())
    }

    async fn attach(&self, name: &str, device: &Device) -> Result<()> {
        self.does("attach", name).await;
        if let Some(guest) = self.guests.lock().unwrap().get_mut(name) {
            guest.devices.push(device.clone());
        }
        Ok(())
    }

    async fn update(&self, name: &str, _: &Device) -> Result<()> {
        self.does("update", name).await;
        Ok(())
    }

    async fn detach(&self, name: &str, device: &Device) -> Result<()> {
        self.does("detach", &format!("{name} {}", device.element_name()))
            .await;
        Ok(())
    }

    async fn autostart(&self, name: &str) -> Result<bool> {
        Ok(name == "web")
    }

    async fn set_autostart(&self, _: &str, _: bool) -> Result<()> {
        Self::unsupported("autostart")
    }

    async fn console(&self, _: &str) -> Result<PathBuf> {
        Ok("/dev/pts/7".into())
    }

    async fn vnc(&self, _: &str) -> Result<Option<VncServer>> {
        Ok(None)
    }
}
