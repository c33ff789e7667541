//! What each operation is made of, in calls of libxl. How a function is called, and what is
//! unsafe about it, is in `call` and `structure`.

use super::bitmap::Bitmap;
use super::call::Arguments;
use super::context::Context;
use super::device;
use super::loaded::Loaded;
use super::logger::Logger;
use super::start;
use super::structure::{Structure, to_c};
use crate::protocol::{Library, Outcome};
use crate::serve::{Call, Toolstack};
use crate::{Failure, FailureKind, Operation, Trigger};
use serde_json::Value;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

/// Under which name libvirt's document is kept, by libvirt's driver as well.
const DOCUMENT: &CStr = c"libvirt-xml";

/// Under which name libxl keeps a guest's configuration for itself.
const CONFIGURATION: &CStr = c"libxl-json";

/// `LIBXL_SUSPEND_DEBUG`, `LIBXL_SUSPEND_LIVE`
const SAVE_DEBUG: i32 = 1;
const SAVE_LIVE: i32 = 2;

/// Before this release what a guest needs is asked with a part of its configuration.
const NEED_TAKES_CONFIG: u32 = 13;

impl Toolstack for Loaded {
    fn library(&self) -> Library {
        Library {
            minor: self.release().minor(),
            file: self.file().display().to_string(),
        }
    }

    fn perform(
        &self,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
        call: &Call,
    ) -> Result<Outcome, Failure> {
        let logger = Logger::new(self, call);
        let context = Context::open(self, &logger)?;
        perform(&context, operation, descriptors)
    }
}

fn perform(
    context: &Context<'_>,
    operation: Operation,
    descriptors: Vec<OwnedFd>,
) -> Result<Outcome, Failure> {
    use Operation as O;
    match operation {
        O::Create { .. } | O::Restore { .. } => start::start(context, operation, descriptors),
        O::Save { domid, live, debug } => {
            let flags = if live { SAVE_LIVE } else { 0 } | if debug { SAVE_DEBUG } else { 0 };
            save(context, domid, &one(descriptors)?, flags)
        }
        O::Attach {
            domid,
            device,
            config,
        } => device::attach(context, domid, device, &config),
        O::Detach {
            domid,
            device,
            config,
            force,
        } => device::detach(context, domid, device, &config, force),
        O::Configuration { domid } => {
            configuration(context, domid).map(|text| Outcome::Answer { text })
        }
        O::Document { domid } => {
            stored(context, domid, DOCUMENT).map(|text| Outcome::Document { text })
        }
        O::StoreDocument { domid, text } => done(store(context, domid, &text)),
        O::Monitor { domid, command } => {
            let (line, mut answer) = (to_c(&command)?, None);
            let arguments = Arguments::Monitor(domid, &line, &mut answer);
            context.call("qemu_monitor_command", arguments)?;
            let text = answer.unwrap_or_default();
            Ok(Outcome::Answer { text })
        }
        O::NeedMemory { config } => need(context, &config).map(|kib| Outcome::Memory { kib }),
        O::FreeMemory => {
            let mut kib = 0;
            context.call("get_free_memory", Arguments::Memory(&mut kib))?;
            Ok(Outcome::Memory { kib })
        }
        O::PciAssignableList => {
            let configs = context.list("device_pci_assignable_list", "device_pci")?;
            Ok(Outcome::Devices { configs })
        }
        other => done(simple(context, &other)),
    }
}

/// Operations that are one call, of which nothing but an error comes back.
fn simple(context: &Context<'_>, operation: &Operation) -> Result<(), Failure> {
    use Operation as O;
    let domain = |name, domid: u32| context.call(name, Arguments::Domain(domid));
    match *operation {
        O::Resume { domid, cancel } => {
            context.call("domain_resume", Arguments::Resume(domid, cancel))
        }
        O::Suspend { domid } => domain("domain_suspend_only", domid),
        O::Pause { domid } => domain("domain_pause", domid),
        O::Unpause { domid } => domain("domain_unpause", domid),
        O::Shutdown { domid } => domain("domain_shutdown", domid),
        O::Reboot { domid } => domain("domain_reboot", domid),
        O::Destroy { domid } => domain("domain_destroy", domid),
        O::Trigger {
            domid,
            trigger,
            vcpu,
        } => {
            let arguments = Arguments::Trigger(domid, number_of(trigger), vcpu);
            context.call("send_trigger", arguments)
        }
        O::Sysrq { domid, key } => match u8::try_from(key) {
            Ok(key) if key.is_ascii() => context.call("send_sysrq", Arguments::Char(domid, key)),
            _ => Err(Failure::request("a system request is one ASCII character")),
        },
        O::Rename {
            domid,
            ref from,
            ref to,
        } => {
            let (from, to) = (to_c(from)?, to_c(to)?);
            context.call("domain_rename", Arguments::Names(domid, &from, &to))
        }
        O::CoreDump { domid, ref path } => {
            context.call("domain_core_dump", Arguments::Text(domid, &to_c(path)?))
        }
        _ => resources(context, operation),
    }
}

/// The same for memory, vcpus and what guests can be given.
fn resources(context: &Context<'_>, operation: &Operation) -> Result<(), Failure> {
    use Operation as O;
    match *operation {
        O::MemoryTarget {
            domid,
            kib,
            enforce,
        } => context.call("set_memory_target", Arguments::Target(domid, kib, enforce)),
        O::MaxMemory { domid, kib } => {
            context.call("domain_setmaxmem", Arguments::Limit(domid, kib))
        }
        O::Vcpus { domid, ref online } => {
            let bits = Bitmap::of(online);
            let mut bits = bits.ok_or_else(|| Failure::request("no such vcpu"))?;
            context.call("set_vcpuonline", Arguments::Vcpus(domid, &mut bits))
        }
        O::PciAssignableAdd { ref config, rebind } => {
            let mut pci = Structure::read(context, "device_pci", config)?;
            let arguments = Arguments::Assign(&mut pci, rebind);
            context.call("device_pci_assignable_add", arguments)
        }
        O::PciAssignableRemove { ref config, rebind } => {
            let mut pci = Structure::read(context, "device_pci", config)?;
            let arguments = Arguments::Assign(&mut pci, rebind);
            context.call("device_pci_assignable_remove", arguments)
        }
        ref other => Err(Failure::request(format!(
            "'{}' is not done here",
            other.name()
        ))),
    }
}

/// Writes a guest to a stream. One that nobody waits for goes on.
fn save(
    context: &Context<'_>,
    domid: u32,
    stream: &OwnedFd,
    flags: i32,
) -> Result<Outcome, Failure> {
    let saved = context.call(
        "domain_suspend",
        Arguments::Save(domid, stream.as_fd(), flags),
    );
    if context.is_given_up() {
        let _ = context.call("domain_resume", Arguments::Resume(domid, true));
        return Err(FailureKind::Aborted.into());
    }
    done(saved)
}

/// What libxl keeps of a guest, with the devices that are in XenStore. For an HVM guest it asks
/// the emulator too; of one whose emulator has died or does not answer it is as libxl wrote it
/// last, when a device came or went.
fn configuration(context: &Context<'_>, domid: u32) -> Result<String, Failure> {
    let mut config = Structure::new(context, "domain_config")?;
    let arguments = Arguments::Structure(domid, &mut config);
    match context.call("retrieve_domain_configuration", arguments) {
        Ok(()) => config.text(),
        Err(failure) => match stored(context, domid, CONFIGURATION) {
            Ok(Some(text)) => Ok(text),
            _ => Err(failure),
        },
    }
}

/// A text that is kept with a guest until it is gone.
fn stored(context: &Context<'_>, domid: u32, what: &CStr) -> Result<Option<String>, Failure> {
    let mut data = None;
    let arguments = Arguments::Retrieve(domid, what, &mut data);
    context.call("userdata_retrieve", arguments)?;
    Ok(data.as_deref().and_then(text_of))
}

/// KiB that a guest would need to start.
pub(super) fn need(context: &Context<'_>, config: &str) -> Result<u64, Failure> {
    let mut kib = 0;
    let mut structure = if context.loaded.release().minor() >= NEED_TAKES_CONFIG {
        Structure::read(context, "domain_config", config)?
    } else {
        let config: Value = serde_json::from_str(config)
            .map_err(|error| Failure::request(format!("libxl_domain_config: {error}")))?;
        let build = config
            .get("b_info")
            .map_or_else(String::new, Value::to_string);
        Structure::read(context, "domain_build_info", &build)?
    };
    let arguments = Arguments::Need(&mut structure, &mut kib);
    context.call("domain_need_memory", arguments)?;
    Ok(kib)
}

/// Keeps libvirt's document of a guest, with a zero at its end: libvirt's driver takes it
/// for a string of C when it is handed the guest.
pub(super) fn store(context: &Context<'_>, domid: u32, text: &str) -> Result<(), Failure> {
    let text = to_c(text)?;
    let arguments = Arguments::Store(domid, DOCUMENT, text.as_bytes_with_nul());
    context.call("userdata_store", arguments)
}

/// Without the zero at its end, which libvirt's driver and libxl store too.
fn text_of(data: &[u8]) -> Option<String> {
    let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
}

/// `libxl_trigger`
fn number_of(trigger: Trigger) -> u32 {
    match trigger {
        Trigger::Power => 1,
        Trigger::Sleep => 2,
        Trigger::Nmi => 3,
        Trigger::Init => 4,
        Trigger::Reset => 5,
        Trigger::S3Resume => 6,
    }
}

fn done(result: Result<(), Failure>) -> Result<Outcome, Failure> {
    result.map(|()| Outcome::Done)
}

/// The one descriptor of an operation that has one.
pub(super) fn one(descriptors: Vec<OwnedFd>) -> Result<OwnedFd, Failure> {
    let mut descriptors = descriptors.into_iter();
    let first = descriptors.next();
    first.ok_or_else(|| Failure::request("a descriptor is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_ends_where_c_ends_it() {
        assert_eq!(text_of(b"<domain/>\0").as_deref(), Some("<domain/>"));
        assert_eq!(text_of(b"<domain/>").as_deref(), Some("<domain/>"));
        assert_eq!(text_of(b"\0"), None);
        assert_eq!(text_of(b""), None);
    }
}
