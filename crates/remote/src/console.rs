//! Calls about consoles and displays.

use crate::Remote;
use std::path::PathBuf;
use tokio::sync::mpsc;
use virtxen_driver::{ConsoleStream, Domain, DomainKey, Error, Operation, Result};
use virtxen_guest::{ChardevSource, GraphicsServer};
use virtxen_host::VncServer;
use virtxen_rpc::Call;
use virtxen_rpc::calls::{
    DomainOpenConsole, DomainScreenshot, OpenDeviceArguments, ScreenshotArguments,
};

/// Parts that may wait either way.
const PARTS: usize = 16;
/// Most bytes of a picture.
const PICTURE_MAX: usize = 64 << 20;
/// `VIR_DOMAIN_CONSOLE_FORCE`.
const FORCE: u32 = 1;

impl Remote {
    /// The terminal that the domain's document names.
    pub(crate) async fn console(&self, key: &DomainKey) -> Result<PathBuf> {
        let domain = self.active(key, Operation::OpenConsole).await?;
        let guest = self.guest(key, false).await?;
        let devices = &guest.devices;
        let mut consoles = devices.consoles.iter().chain(&devices.serials);
        let tty = consoles.find_map(|console| match &console.source {
            ChardevSource::Pty { path: Some(path) } => Some(PathBuf::from(path)),
            _ => None,
        });
        tty.ok_or_else(|| Error::NoDevice {
            name: domain.name,
            device: "console with a terminal".to_owned(),
        })
    }

    /// The first console as bytes both ways.
    pub(crate) async fn open_console(
        &self,
        key: &DomainKey,
        force: bool,
    ) -> Result<Option<ConsoleStream>> {
        let arguments = OpenDeviceArguments {
            dom: self.domain(key).await?,
            name: None,
            flags: if force { FORCE } else { 0 },
        };
        let limit = self.limit(Operation::OpenConsole);
        let client = self.client().await?;
        let opened = client.call_with_stream::<DomainOpenConsole>(arguments, limit);
        let ((), mut stream) = opened.await?;
        let (typed, mut to_send) = mpsc::channel::<Vec<u8>>(PARTS);
        let (show, shown) = mpsc::channel(PARTS);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    part = to_send.recv() => match part {
                        Some(bytes) => if stream.write(bytes).await.is_err() {
                            return;
                        },
                        None => {
                            // Nobody is left to hear how it ended.
                            let _ = stream.finish().await;
                            return;
                        }
                    },
                    part = stream.read() => {
                        let part = match part {
                            Ok(Some(bytes)) => Ok(bytes),
                            Ok(None) => return,
                            Err(error) => Err(Error::from(error)),
                        };
                        if show.send(part).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Ok(Some(ConsoleStream { typed, shown }))
    }

    /// What a guest's screen shows, in the form that the daemon makes: a PNG of ours, with
    /// libvirt's maybe another.
    pub(crate) async fn screenshot(&self, key: &DomainKey, screen: u32) -> Result<Vec<u8>> {
        let operation = Operation::Screenshot;
        let arguments = ScreenshotArguments {
            dom: self.domain(key).await?,
            screen,
            flags: 0,
        };
        let client = self.client().await?;
        let limit = self.limit(operation);
        let asked = client.call_with_stream::<DomainScreenshot>(arguments, limit);
        let (kind, mut stream) = asked.await?;
        let unsupported = |reason: String| Error::Unsupported {
            operation: operation.verb(),
            reason,
        };
        if kind.as_deref() != Some("image/png") {
            let kind = kind.unwrap_or_default();
            return Err(unsupported(format!("the daemon sends '{kind}', not a PNG")));
        }
        let sent = async {
            let mut picture = Vec::new();
            while let Some(part) = stream.read().await? {
                picture.extend(part);
                if picture.len() > PICTURE_MAX {
                    let most = PICTURE_MAX >> 20;
                    return Err(unsupported(format!("the picture has more than {most} MiB")));
                }
            }
            stream.finish().await?;
            Ok(picture)
        };
        let late = |_| client.timeout(DomainScreenshot::PROCEDURE.name, limit);
        tokio::time::timeout(limit, sent).await.map_err(late)?
    }

    pub(crate) async fn vnc(&self, key: &DomainKey) -> Result<Option<VncServer>> {
        self.active(key, Operation::VncDisplay).await?;
        let guest = self.guest(key, false).await?;
        let mut servers = guest.devices.graphics.iter();
        Ok(servers.find_map(|graphics| match &graphics.server {
            GraphicsServer::Vnc(vnc) => Some(VncServer {
                address: graphics.listen_address().unwrap_or_default().to_owned(),
                port: vnc.port?,
            }),
            _ => None,
        }))
    }

    /// The domain, which has to run for this.
    async fn active(&self, key: &DomainKey, operation: Operation) -> Result<Domain> {
        let domain = self.lookup(key).await?;
        if domain.is_active() {
            return Ok(domain);
        }
        Err(Error::State {
            name: domain.name,
            operation: operation.verb(),
            state: domain.state,
            needed: "running",
        })
    }
}
