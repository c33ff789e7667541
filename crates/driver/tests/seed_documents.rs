//! The main job from end to end: every guest document, on every release that
//! supports it, over XenD's real bytes on a UNIX socket; before Xen 3.0.4 with xm's
//! files in a folder.
//!
//! The documents are those of the page that the project starts from (beside the
//! repository, skipped where they are absent) and our own in `examples/`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    Accepted, Affect, CreateFlags, DefineFlags, Domain, DomainKey, Driver, ListFilter, Options,
    ShutdownMode, State, XmlFlags,
};
use virtxen_host::{Address, Opening};
use virtxen_sim::state::Timing;
use virtxen_sim::{Release, SimHost};

const DISK: &str = "<disk type='file' device='disk'><driver name='file'/>\
                    <source file='/var/lib/xen/images/data.img'/>\
                    <target dev='xvdf' bus='xen'/></disk>";

#[tokio::test(flavor = "current_thread")]
async fn the_four_documents_of_the_page_run_on_every_release() {
    let Some(folder) = virtxen_testkit::shared("seed/examples") else {
        return;
    };
    assert_eq!(run_folder(&folder, "seed").await, 4);
}

#[tokio::test(flavor = "current_thread")]
async fn our_own_documents_run_on_every_release() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    assert_eq!(run_folder(&folder, "own").await, 4);
}

/// Runs each document of a folder on each release; the number of documents.
async fn run_folder(folder: &Path, label: &str) -> usize {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "xml"))
        .collect();
    files.sort();
    let mut failed = Vec::new();
    for file in &files {
        let xml = std::fs::read_to_string(file).expect("a document");
        for release in Release::ALL {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{label}-{stem}-{}", release.version());
            let run = tokio::time::timeout(Duration::from_secs(60), Run::new(release, &name));
            let run = run.await.expect("the host opens in time");
            if let Err(step) = run.life(&xml).await {
                failed.push(format!("{name}: {step}"));
            }
            run.end().await;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    files.len()
}

/// One simulated host behind a socket, and a driver on it.
struct Run {
    name: String,
    release: Release,
    driver: Driver,
    stop: tokio::sync::oneshot::Sender<()>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    files: PathBuf,
    _folder: tempfile::TempDir,
}

impl Run {
    async fn new(release: Release, name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("xend-socket");
        let files = folder.path().join("xen");
        std::fs::create_dir(&files).expect("a folder");
        let sim = SimHost::new(virtxen_sim::Options {
            release,
            timing: Timing::instant(),
            ..virtxen_sim::Options::default()
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let server = tokio::spawn({
            let socket = socket.clone();
            async move {
                sim.serve_unix(&socket, async {
                    let _ = stopped.await;
                })
                .await
            }
        });
        while !socket.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let address = Address::XendUnix(socket);
        let opening = Opening {
            xm_folder: Some(files.clone()),
            ..Opening::default()
        };
        let host = virtxen_host::open_with(&address, opening)
            .await
            .expect("XenD answers");
        Self {
            name: name.to_owned(),
            release,
            driver: Driver::open(Arc::from(host), Options::default()),
            stop,
            server,
            files,
            _folder: folder,
        }
    }

    async fn end(self) {
        self.stop.send(()).expect("the server is at work");
        self.server.await.unwrap().unwrap();
    }

    /// XenD runs boot loaders and has VNC servers listen on one address from 3.0.3 on;
    /// it gives fully virtualized guests a kernel without a boot loader from 3.2 on.
    fn supports(&self, xml: &str) -> bool {
        let hvm = xml.contains(">hvm</type>");
        let since = if hvm && xml.contains("<kernel>") {
            Release::V3_2
        } else if xml.contains("<bootloader>") || hvm && xml.contains("listen=") {
            Release::V3_0_3
        } else {
            Release::V3_0_1
        };
        self.release >= since
    }

    /// Before 3.0.4 a defined guest is a file, and only then.
    fn expect_file(&self, name: &str) -> Result<(), String> {
        let is_file = self.files.join(name).exists();
        let wanted = self.release < Release::V3_0_4;
        expect("a file of xm where XenD keeps none", is_file == wanted)
    }

    /// The whole life of a guest, or its refusal; the step that went wrong.
    async fn life(&self, xml: &str) -> Result<(), String> {
        let driver = &self.driver;
        if !self.supports(xml) {
            let created = driver.create_xml(xml, CreateFlags::default()).await;
            let defined = driver.define_xml(xml, DefineFlags::default()).await;
            for refused in [created, defined] {
                let code = refused.map_err(|error| error.libvirt().code);
                expect("unsupported configuration", code == Err(67))?;
            }
            return Ok(());
        }
        let domain = self.begin(xml).await?;
        let key = DomainKey::Name(domain.name.clone());
        let listed = step("list", driver.list(&ListFilter::active()).await)?;
        let found = listed.iter().find(|d| d.name == domain.name);
        let found = found.ok_or("list: it is missing")?;
        expect("list", found.uuid == domain.uuid && found.is_active())?;

        let desc = step("dumpxml", driver.xml_desc(&key, XmlFlags::default()).await)?;
        virtxen_testkit::record_domain_xml(&self.name, &desc);
        expect("dumpxml says its id", desc.contains(" id='"))?;

        step("suspend", driver.suspend(&key).await)?;
        self.expect_state(&key, &[State::Paused]).await?;
        step("resume", driver.resume(&key).await)?;
        self.expect_state(&key, &[State::Running, State::Blocked])
            .await?;

        self.plug(&key).await?;
        step("shutdown", driver.shutdown(&key, ShutdownMode::Any).await)?;
        self.finish(&key).await
    }

    /// Defines and starts.
    async fn begin(&self, xml: &str) -> Result<Domain, String> {
        let driver = &self.driver;
        let defined = driver.define_xml(xml, DefineFlags::default()).await;
        let Accepted { domain, .. } = step("define", defined)?;
        expect("define leaves it shut off", domain.state == State::Shutoff)?;
        self.expect_file(&domain.name)?;
        let key = DomainKey::from(&domain);
        let flags = XmlFlags {
            inactive: true,
            ..XmlFlags::default()
        };
        let desc = step("dumpxml --inactive", driver.xml_desc(&key, flags).await)?;
        virtxen_testkit::record_domain_xml(&self.name, &desc);
        step("start", driver.start(&key, false).await)?;
        Ok(domain)
    }

    /// Adds a disk and looks for it.
    async fn plug(&self, key: &DomainKey) -> Result<(), String> {
        let driver = &self.driver;
        let attached = driver.attach_device(key, DISK, Affect::CURRENT).await;
        step("attach", attached)?;
        let blocks = step("domblklist", driver.block_list(key, false).await)?;
        let there = blocks.iter().any(|b| {
            b.target == "xvdf" && b.source.as_deref() == Some("/var/lib/xen/images/data.img")
        });
        expect("the disk is there", there)?;
        let desc = step("dumpxml", driver.xml_desc(key, XmlFlags::default()).await)?;
        virtxen_testkit::record_domain_xml(&self.name, &desc);
        Ok(())
    }

    /// Waits for the end and removes what is left.
    async fn finish(&self, key: &DomainKey) -> Result<(), String> {
        let driver = &self.driver;
        let gone = async {
            loop {
                match driver.lookup(key).await {
                    Ok(domain) if domain.is_active() => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    other => break other,
                }
            }
        };
        let last = tokio::time::timeout(Duration::from_secs(30), gone).await;
        let last = last.map_err(|_| "shutdown: it does not end")?;
        let last = step("lookup", last)?;
        expect("it is shut off", last.state == State::Shutoff)?;
        self.expect_file(&last.name)?;
        step("undefine", driver.undefine(key).await)?;
        let gone = !self.files.join(&last.name).exists();
        expect("no file is left", gone)?;
        let all = step("list --all", driver.list(&ListFilter::default()).await)?;
        expect("only Domain-0 is left", all.len() == 1)
    }

    async fn expect_state(&self, key: &DomainKey, states: &[State]) -> Result<(), String> {
        let domain = step("lookup", self.driver.lookup(key).await)?;
        let state = domain.state;
        expect(&format!("{state}, not {states:?}"), states.contains(&state))
    }
}

fn step<T>(what: &str, outcome: virtxen_driver::Result<T>) -> Result<T, String> {
    outcome.map_err(|error| format!("{what}: {error}"))
}

fn expect(what: &str, holds: bool) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(format!("not so: {what}")),
    }
}
