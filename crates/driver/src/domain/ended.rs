//! What becomes of a guest that has shut down, where no XenD sees to it: what its
//! document says for a power-off, a reboot and a crash.
//!
//! Each end is a job of its domain like any other, so that none holds up another. Who
//! looks for ends is the daemon; of several programs one does at a time. Suspended
//! domains belong to who saves or moves them.

use crate::call::Call;
use crate::document;
use crate::driver::Inner;
use crate::job::lock;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::time::Instant;
use virtxen_guest::{DomId, Guest, LifecycleAction, Uuid};
use virtxen_host::{DumpMode, Ended, Ending, Host, HostEvent, HostEvents};

/// Time between two looks when nothing is told.
const LOOK: Duration = Duration::from_secs(5);

/// Time until what failed is tried again, at first and at most.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(300);

/// A guest that starts again so often within so long does so for ever.
const RESTARTS_MAX: usize = 5;
const RESTARTS_TIME: Duration = Duration::from_secs(60);

/// Most changes that are looked at together.
const GATHER_MAX: usize = 1024;

/// A guest that has ended, and what was done.
#[derive(Debug)]
pub struct TakenDown {
    /// Its name.
    pub name: String,
    /// Why it ended.
    pub ending: Ending,
    /// What was done, or why not.
    pub done: Result<LifecycleAction>,
    /// Where its memory is, if it was to be dumped; or why it is not.
    pub dump: Option<Result<PathBuf>>,
    /// It was to be started again and has been too often lately.
    pub too_often: bool,
}

impl fmt::Display for TakenDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.ending {
            Ending::Crashed => "has crashed",
            Ending::Rebooted => "reboots",
            _ => "has powered off",
        };
        write!(f, "domain '{}' {how}: ", self.name)?;
        match &self.done {
            Ok(action) => write!(f, "{action}")?,
            Err(error) => write!(f, "{error}")?,
        }
        if self.too_often {
            let seconds = RESTARTS_TIME.as_secs();
            write!(f, ", it was started {RESTARTS_MAX} times in {seconds} s")?;
        }
        match &self.dump {
            Some(Ok(path)) => write!(f, "; its memory is in {}", path.display()),
            Some(Err(error)) => write!(f, "; its memory was not dumped: {error}"),
            None => Ok(()),
        }
    }
}

impl Driver {
    /// Sees to guests that have shut down, as long as the driver lives, where the host
    /// leaves that to who started them; each is told to `report`. Those that have ended
    /// before are seen to first.
    pub fn take_down_ended(&self, report: impl Fn(TakenDown) + Send + Sync + 'static) {
        if self.inner.host.leaves_ended() {
            tokio::spawn(run(self.clone().downgraded(), Arc::new(report)));
        }
    }

    /// Whether some program sees to guests that have shut down, or nobody has to.
    #[must_use]
    pub fn is_taken_down(&self) -> bool {
        !self.inner.host.leaves_ended() || matches!(self.inner.store.turn_to_take_down(), Ok(None))
    }

    fn downgraded(self) -> Weakly {
        Weakly {
            inner: Arc::downgrade(&self.inner),
            session: self.session,
        }
    }
}

/// A driver that does not keep itself alive.
struct Weakly {
    inner: Weak<Inner>,
    session: crate::driver::Session,
}

impl Weakly {
    fn upgrade(&self) -> Option<Driver> {
        Some(Driver {
            inner: self.inner.upgrade()?,
            session: self.session.clone(),
        })
    }
}

type Report = Arc<dyn Fn(TakenDown) + Send + Sync>;

/// What is known of domains that have ended and are still there.
#[derive(Default)]
struct Known {
    domains: Mutex<HashMap<DomId, Stage>>,
    /// When guests were started again.
    restarts: Mutex<HashMap<Uuid, Vec<Instant>>>,
}

#[derive(Clone, Copy)]
enum Stage {
    /// A job sees to it.
    Working,
    /// It stays.
    Preserved,
    /// It failed and is tried again then, after so long.
    Failed(Instant, Duration),
}

async fn run(driver: Weakly, report: Report) {
    let known = Arc::<Known>::default();
    let Some(_turn) = turn(&driver).await else {
        return;
    };
    let mut events = match driver.upgrade() {
        Some(driver) => driver.inner.host.events().await,
        None => return,
    };
    loop {
        let Some(driver_now) = driver.upgrade() else {
            return;
        };
        let host = Arc::clone(&driver_now.inner.host);
        let ended = driver_now
            .inner
            .read(Operation::List, "ended domains", host.ended());
        // A host that does not answer is asked again.
        if let Ok(ended) = ended.await {
            known.forget(&ended);
            for domain in ended {
                if let Some(rest) = known.begin(&domain) {
                    let (driver, known) = (driver_now.clone(), Arc::clone(&known));
                    let report = Arc::clone(&report);
                    tokio::spawn(
                        async move { see_to(&driver, &known, domain, rest, &report).await },
                    );
                }
            }
        }
        drop((host, driver_now));
        wait(&mut events).await;
    }
}

/// Waits until it is this program's turn, and keeps it.
async fn turn(driver: &Weakly) -> Option<std::fs::File> {
    loop {
        let turn = driver.upgrade()?.inner.store.turn_to_take_down();
        if let Ok(Some(turn)) = turn {
            return Some(turn);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until a domain may have ended.
async fn wait(events: &mut Option<HostEvents>) {
    let due = tokio::time::sleep(LOOK);
    tokio::pin!(due);
    loop {
        let Some(told) = events else {
            return due.await;
        };
        tokio::select! {
            () = &mut due => return,
            event = told.next() => match event {
                Some(event) if is_end(&event) => break,
                Some(_) => {}
                None => *events = None,
            },
        }
    }
    // What else has been told by now is seen in the same look.
    if let Some(told) = events {
        for _ in 0..GATHER_MAX {
            if told.try_next().is_none() {
                break;
            }
        }
    }
}

fn is_end(event: &HostEvent) -> bool {
    matches!(event, HostEvent::Shutdown(_) | HostEvent::Resync)
}

impl Known {
    /// Domains that are gone are forgotten.
    fn forget(&self, ended: &[Ended]) {
        let is_there = |domid: &DomId| ended.iter().any(|it| it.domid == *domid);
        let keeps =
            |domid: &DomId, stage: &mut Stage| matches!(stage, Stage::Working) || is_there(domid);
        lock(&self.domains).retain(keeps);
    }

    /// Begins what is to be done about a domain, if that is now: how long it has
    /// rested after it failed, none at first.
    fn begin(&self, domain: &Ended) -> Option<Duration> {
        if matches!(domain.ending, Ending::Suspended | Ending::Moved) {
            return None;
        }
        let mut domains = lock(&self.domains);
        let rested = match domains.get(&domain.domid) {
            None => Duration::ZERO,
            Some(Stage::Failed(at, rest)) if *at <= Instant::now() => *rest,
            Some(_) => return None,
        };
        domains.insert(domain.domid, Stage::Working);
        Some(rested)
    }

    fn end(&self, domid: DomId, rested: Duration, done: &Result<LifecycleAction>) {
        let mut domains = lock(&self.domains);
        match done {
            Ok(LifecycleAction::Preserve) => drop(domains.insert(domid, Stage::Preserved)),
            Ok(_) => drop(domains.remove(&domid)),
            Err(_) => {
                let rest = (rested * 2).clamp(AGAIN, AGAIN_MAX);
                domains.insert(domid, Stage::Failed(Instant::now() + rest, rest));
            }
        }
    }

    /// Whether a guest may start once more; notes that it does.
    fn may_restart(&self, uuid: Uuid) -> bool {
        let mut restarts = lock(&self.restarts);
        restarts.retain(|_, times| {
            times.retain(|at| at.elapsed() < RESTARTS_TIME);
            !times.is_empty()
        });
        let times = restarts.entry(uuid).or_default();
        times.push(Instant::now());
        times.len() <= RESTARTS_MAX
    }
}

/// Does with a domain what its document says, and tells of it.
async fn see_to(
    driver: &Driver,
    known: &Arc<Known>,
    domain: Ended,
    rested: Duration,
    report: &Report,
) {
    let (domid, name, ending) = (domain.domid, domain.name.clone(), domain.ending);
    let outcome = driver.take_down(domain, Arc::clone(known)).await;
    let told = match outcome {
        Ok(Some(told)) => told,
        // It went meanwhile.
        Ok(None) | Err(Error::NoDomain(_) | Error::State { .. }) => {
            lock(&known.domains).remove(&domid);
            return;
        }
        Err(error) => TakenDown {
            name,
            ending,
            done: Err(error),
            dump: None,
            too_often: false,
        },
    };
    known.end(domid, rested, &told.done);
    report(told);
}

impl Driver {
    async fn take_down(&self, ended: Ended, known: Arc<Known>) -> Result<Option<TakenDown>> {
        let key = DomainKey::Uuid(ended.uuid);
        let call = Call::domain(Operation::TakeDown, &key);
        let inner = Arc::clone(&self.inner);
        self.change(call, async move |host, domain| {
            // Somebody else's job has ended it.
            if domain.id != Some(ended.domid) {
                return Ok(None);
            }
            let told = host.guest(&domain.name).await?;
            let guest = inner.store.complete(&domain, told.clone(), false).await;
            let wanted = action_of(&guest, ended.ending);
            let restarts = is_restart(wanted);
            let too_often = restarts && !known.may_restart(domain.uuid);
            inner.tell_ending(&ended);
            let dump = match wanted.dumps_core() {
                true => Some(inner.dump_ended(&*host, &domain).await),
                false => None,
            };
            match wanted {
                LifecycleAction::Preserve => {}
                _ if restarts && !too_often => inner.restart(&*host, &domain, guest, told).await?,
                _ => host.destroy(&domain.name).await?,
            }
            let action = match too_often {
                true => LifecycleAction::Destroy,
                false => wanted,
            };
            Ok(Some(TakenDown {
                name: domain.name,
                ending: ended.ending,
                done: Ok(action),
                dump,
                too_often,
            }))
        })
        .await
    }
}

impl Inner {
    /// The next look, which misses the domain, knows why.
    fn tell_ending(&self, ended: &Ended) {
        let ending = HashMap::from([(ended.domid, ended.ending)]);
        self.registry.learn(ending);
    }

    /// A guest that cannot be dumped is taken down all the same.
    async fn dump_ended(&self, host: &dyn Host, domain: &Domain) -> Result<PathBuf> {
        let path = self.store.dump_file(&domain.name)?;
        host.dump(&domain.name, &path, DumpMode::default()).await?;
        Ok(path)
    }

    /// Ends a domain and starts it with the configuration that it ran with: `guest`, on
    /// the bridges on which it was `told` to the host.
    async fn restart(
        &self,
        host: &dyn Host,
        domain: &Domain,
        mut guest: Guest,
        told: Guest,
    ) -> Result<()> {
        document::forget_run(&mut guest);
        // They end with the domain that got them.
        document::leave_out_foreign_inputs(&mut guest);
        let mut again = guest.clone();
        for interface in &mut again.devices.interfaces {
            let mut known = told.devices.interfaces.iter();
            if let Some(known) = known.find(|it| it.mac == interface.mac) {
                interface.source.clone_from(&known.source);
            }
        }
        host.destroy(&domain.name).await?;
        let now = Domain::from(host.create(&again, false).await?);
        self.keep_run(&now, guest).await
    }
}

/// What the document says. A guest that is started again keeps its name, as with
/// libvirt's driver.
fn action_of(guest: &Guest, ending: Ending) -> LifecycleAction {
    match ending {
        Ending::Crashed => guest.lifecycle.on_crash,
        Ending::Rebooted => guest.lifecycle.on_reboot,
        _ => guest.lifecycle.on_poweroff,
    }
}

fn is_restart(action: LifecycleAction) -> bool {
    use LifecycleAction::{CoredumpRestart, RenameRestart, Restart};
    matches!(action, Restart | RenameRestart | CoredumpRestart)
}
