//! What is done to a guest that is there, but for its devices and its memory on disk:
//! its vcpus run or do not, it is told to end, it is asked about.

use super::emulator;
use super::log::{self, INVALID, NO_PV_DRIVERS, TIMED_OUT, Wrong};
use super::{Answer, config, find, pci};
use crate::state::behaviour;
use crate::state::{Active, Domain, Key, Life, Reason, SimHost, State};
use std::collections::BTreeSet;
use virtxen_hypercall::Release;
use virtxen_libxl::{Failure, FailureKind, Operation, Outcome, Trigger};

/// KiB of memory that Xen takes of a guest beside its own.
const OVERHEAD: u64 = 2048;

/// MiB by which a guest's limit is more than what it may have.
pub(super) const SLACK: i64 = 1;

/// From this release on a guest is suspended and nothing else.
const SLEEPS: Release = Release {
    major: 4,
    minor: 11,
    point: 0,
};

/// From this release on a new limit is also in XenStore.
const STORES_LIMIT: Release = Release {
    major: 4,
    minor: 17,
    point: 0,
};

/// Does what takes no time.
pub(super) fn perform(host: &SimHost, operation: Operation) -> Answer {
    use Operation as Op;
    match operation {
        Op::Pause { domid } => change(host, domid, "domain_pause", |active| {
            if active.life == Life::Running {
                active.set_life(Life::Paused);
            }
            Ok(())
        }),
        Op::Unpause { domid } => {
            let mut state = host.state();
            let key = find(&state, domid, "domain_unpause")?;
            state.let_run(key);
            state.advance();
            Ok(Outcome::Done)
        }
        Op::Resume { domid, .. } => change(host, domid, "domain_resume", |active| {
            if active.life == Life::Shutdown(Reason::Suspend) {
                active.set_life(Life::Running);
            }
            Ok(())
        }),
        Op::Suspend { domid } => put_to_sleep(host, domid),
        Op::Shutdown { domid } => order(host, domid, "poweroff", Reason::Poweroff),
        Op::Reboot { domid } => order(host, domid, "reboot", Reason::Reboot),
        Op::Trigger { domid, trigger, .. } => press(host, domid, trigger),
        Op::Sysrq { domid, .. } => change(host, domid, "send_sysrq", |_| Ok(())),
        Op::Destroy { domid } => {
            let mut state = host.state();
            let key = find(&state, domid, "domain_destroy")?;
            state.destroy(key);
            Ok(Outcome::Done)
        }
        other => perform_more(host, other),
    }
}

/// The rest of it.
fn perform_more(host: &SimHost, operation: Operation) -> Answer {
    use Operation as Op;
    match operation {
        Op::Rename { domid, from, to } => rename(host, domid, &from, &to),
        Op::CoreDump { domid, path } => dump(host, domid, &path),
        Op::MemoryTarget {
            domid,
            kib,
            enforce,
        } => set_memory(host, domid, kib, enforce),
        Op::MaxMemory { domid, kib } => limit_memory(host, domid, kib),
        Op::NeedMemory { config } => need(host, &config),
        Op::FreeMemory => Ok(Outcome::Memory {
            kib: kib(host.state().free_memory()),
        }),
        Op::Vcpus { domid, online } => plug_vcpus(host, domid, &online.into_iter().collect()),
        Op::Configuration { domid } => read(host, domid, |domain, active| Outcome::Answer {
            text: config::now(domain, active),
        }),
        Op::Document { domid } => read(host, domid, |_, active| Outcome::Document {
            text: active.libxl.as_ref().and_then(|kept| kept.document.clone()),
        }),
        Op::StoreDocument { domid, text } => change(host, domid, "userdata_store", |active| {
            active.libxl.get_or_insert_default().document = Some(text);
            Ok(())
        }),
        Op::Monitor { domid, command } => {
            let text = emulator::answer(host, &command)?;
            read(host, domid, |_, _| Outcome::Answer { text })
        }
        Op::PciAssignableList => Ok(pci::kept(host)),
        Op::PciAssignableAdd { config, .. } => pci::keep(host, &config),
        Op::PciAssignableRemove { config, .. } => pci::give_back(host, &config),
        Op::Abort { .. } => Ok(Outcome::Done),
        other => {
            let reason = format!("the simulated host cannot '{}'", other.name());
            Err(Failure::request(reason))
        }
    }
}

fn change(
    host: &SimHost,
    domid: u32,
    function: &str,
    change: impl FnOnce(&mut Active) -> Result<(), Wrong>,
) -> Answer {
    let mut state = host.state();
    let key = find(&state, domid, function)?;
    if let Some(active) = state.get_mut(key).and_then(|it| it.active.as_mut()) {
        change(active).map_err(|wrong| wrong.in_call(function))?;
    }
    Ok(Outcome::Done)
}

fn read(host: &SimHost, domid: u32, tell: impl FnOnce(&Domain, &Active) -> Outcome) -> Answer {
    let state = host.state();
    let key = find(&state, domid, "retrieve_domain_configuration")?;
    let domain = state
        .get(key)
        .and_then(|it| Some((it, it.active.as_ref()?)));
    let (domain, active) = domain.ok_or_else(|| gone(domid))?;
    Ok(tell(domain, active))
}

fn gone(domid: u32) -> Failure {
    let line = format!("Domain {domid}:Domain does not exist");
    Wrong::new(log::NO_DOMAIN, line).in_call("domain_info")
}

/// Writes an order where the guest looks for it.
fn order(host: &SimHost, domid: u32, order: &str, reason: Reason) -> Answer {
    let mut state = host.state();
    let function = match reason {
        Reason::Reboot => "domain_reboot",
        _ => "domain_shutdown",
    };
    let key = find(&state, domid, function)?;
    let domain = state
        .get(key)
        .and_then(|it| Some((it, it.active.as_ref()?)));
    let (domain, active) = domain.ok_or_else(|| gone(domid))?;
    if behaviour::has_no_drivers(&domain.config.name) {
        let line = format!("Domain {domid}:PV control interface not available");
        return Err(Wrong::new(NO_PV_DRIVERS, line).in_call(function));
    }
    let name = &domain.config.name;
    let deaf = behaviour::is_deaf(name) || host.xend().faults().is_hung(name);
    let obeys = active.life == Life::Running && !deaf;
    state.write_order(domid, order, obeys);
    if obeys {
        state.order_shutdown(domid, reason);
    }
    Ok(Outcome::Done)
}

/// Guests with drivers for Xen see to it themselves.
fn put_to_sleep(host: &SimHost, domid: u32) -> Answer {
    const FUNCTION: &str = "domain_suspend_only";
    if host.xen() < SLEEPS {
        let function = FUNCTION.to_owned();
        return Err(FailureKind::Missing { function }.into());
    }
    let mut state = host.state();
    let key = find(&state, domid, FUNCTION)?;
    let domain = state.get(key).ok_or_else(|| gone(domid))?;
    let name = &domain.config.name;
    if behaviour::is_deaf(name) || host.xend().faults().is_hung(name) {
        let line = format!("Domain {domid}:guest didn't acknowledge suspend, cancelling request");
        return Err(Wrong::new(TIMED_OUT, line).in_call(FUNCTION));
    }
    state.suspend(key);
    Ok(Outcome::Done)
}

fn press(host: &SimHost, domid: u32, trigger: Trigger) -> Answer {
    let mut state = host.state();
    let key = find(&state, domid, "send_trigger")?;
    let hvm = state.get(key).is_some_and(|domain| domain.config.hvm);
    match trigger {
        Trigger::Power if hvm => state.order_shutdown(domid, Reason::Poweroff),
        Trigger::Reset if hvm => state.order_shutdown(domid, Reason::Reboot),
        Trigger::Power | Trigger::Reset => {
            let line = format!("Domain {domid}:Send trigger failed: Invalid argument");
            return Err(Wrong::new(INVALID, line).in_call("send_trigger"));
        }
        _ => {}
    }
    Ok(Outcome::Done)
}

fn rename(host: &SimHost, domid: u32, from: &str, to: &str) -> Answer {
    let wrong = |line: String| Err(Wrong::new(INVALID, line).in_call("domain_rename"));
    let mut state = host.state();
    let key = find(&state, domid, "domain_rename")?;
    let name = state.get(key).map(|it| it.config.name.clone());
    if name.as_deref() != Some(from) {
        return wrong(format!("Domain {domid}:domain name is not `{from}'"));
    }
    if is_taken(&state, to, key) {
        return wrong(format!(
            "Domain {domid}:domain with name \"{to}\" already exists."
        ));
    }
    state.rename(key, to);
    Ok(Outcome::Done)
}

fn is_taken(state: &State, name: &str, by_other_than: Key) -> bool {
    let other = state.by_name(name).filter(|key| *key != by_other_than);
    let other = other.and_then(|key| state.get(key));
    other.is_some_and(|domain| domain.active.is_some())
}

/// The file has a head and no memory behind it.
fn dump(host: &SimHost, domid: u32, path: &str) -> Answer {
    let state = host.state();
    find(&state, domid, "domain_core_dump")?;
    let wrong = |error: std::io::Error| {
        let line = format!("Domain {domid}:Core dumping domain: {path}: {error}");
        Wrong::failed(line).in_call("domain_core_dump")
    };
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(4096, 0);
    std::fs::write(path, bytes).map_err(wrong)?;
    Ok(Outcome::Done)
}

fn set_memory(host: &SimHost, domid: u32, kib: u64, enforce: bool) -> Answer {
    const FUNCTION: &str = "set_memory_target";
    let mut state = host.state();
    let key = find(&state, domid, FUNCTION)?;
    let wanted = mib(kib);
    let free = state.free_memory();
    let domain = state.get_mut(key).ok_or_else(|| gone(domid))?;
    let most = domain.config.static_max;
    let active = domain.active.as_mut().ok_or_else(|| gone(domid))?;
    let runs = active.life == Life::Running;
    if wanted > most || wanted - active.memory > free {
        let line = format!(
            "Domain {domid}:memory_dynamic_max must be less than or equal to memory_static_max"
        );
        return Err(Wrong::new(INVALID, line).in_call(FUNCTION));
    }
    if enforce {
        active.limit = wanted + SLACK;
    }
    if runs {
        state.set_memory(key, wanted);
    }
    Ok(Outcome::Done)
}

/// The hypervisor's limit; from Xen 4.17 on also what XenStore says that the guest may
/// have, to which its target is compared.
fn limit_memory(host: &SimHost, domid: u32, kib: u64) -> Answer {
    const FUNCTION: &str = "domain_setmaxmem";
    let mut state = host.state();
    let key = find(&state, domid, FUNCTION)?;
    let wanted = mib(kib);
    let domain = state.get_mut(key).ok_or_else(|| gone(domid))?;
    let active = domain.active.as_mut().ok_or_else(|| gone(domid))?;
    if wanted < active.memory {
        let line = format!(
            "Domain {domid}:memory_static_max must be greater than or or equal to \
             memory_dynamic_max"
        );
        return Err(Wrong::failed(line).in_call(FUNCTION));
    }
    active.limit = wanted + SLACK;
    if host.xen() >= STORES_LIMIT {
        domain.config.static_max = wanted;
    }
    Ok(Outcome::Done)
}

fn need(host: &SimHost, text: &str) -> Answer {
    let mut state = host.state();
    let read = config::read(text, &mut state.entropy);
    let (config, _) = read.map_err(|wrong| wrong.in_call("domain_need_memory"))?;
    let memory = u64::try_from(config.dynamic_max).unwrap_or(0);
    Ok(Outcome::Memory {
        kib: memory.saturating_mul(1024).saturating_add(OVERHEAD),
    })
}

fn plug_vcpus(host: &SimHost, domid: u32, online: &BTreeSet<u32>) -> Answer {
    const FUNCTION: &str = "set_vcpuonline";
    let mut state = host.state();
    let key = find(&state, domid, FUNCTION)?;
    let Some(domain) = state.get_mut(key) else {
        return Err(gone(domid));
    };
    let most = u32::try_from(domain.config.vcpus).unwrap_or(0);
    if online.iter().any(|vcpu| *vcpu >= most) {
        let line = format!(
            "Domain {domid}:Requested {} VCPUs, however maxcpus is {most}!",
            online.len()
        );
        return Err(Wrong::new(INVALID, line).in_call(FUNCTION));
    }
    if let Some(active) = domain.active.as_mut() {
        for vcpu in 0..most {
            active.plug(vcpu, online.contains(&vcpu));
        }
    }
    Ok(Outcome::Done)
}

fn mib(kib: u64) -> i64 {
    i64::try_from(kib / 1024).unwrap_or(i64::MAX)
}

fn kib(mib: i64) -> u64 {
    u64::try_from(mib).unwrap_or(0).saturating_mul(1024)
}
