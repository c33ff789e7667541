//! The client of the process that calls libxl: started when it is first needed, and
//! again after it died, but not without end.

use crate::launch::Launch;
use crate::link::{Heard, Link};
use crate::protocol::{Library, Outcome, Progress};
use crate::{Error, Operation, Result};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often it may die in how long.
const DEATHS_MAX: usize = 5;
const DEATHS_TIME: Duration = Duration::from_secs(60);

/// A process that calls libxl, whether it runs already or not.
pub struct Worker {
    launch: Launch,
    link: tokio::sync::Mutex<Option<Link>>,
    deaths: Arc<Mutex<Deaths>>,
}

#[derive(Default)]
struct Deaths {
    times: VecDeque<Instant>,
    last: String,
}

impl Worker {
    /// One that is started when it is first needed.
    #[must_use]
    pub fn new(launch: Launch) -> Self {
        Self {
            launch,
            link: tokio::sync::Mutex::default(),
            deaths: Arc::default(),
        }
    }

    /// The library that it calls; starts it if need be.
    ///
    /// # Errors
    /// When it cannot be started or finds no library.
    pub async fn library(&self) -> Result<Library> {
        Ok(self.link().await?.library().clone())
    }

    /// Has it do something, and waits for the end; how long is the caller's to say. To
    /// drop the future is to abort the operation where libxl can (Xen 4.6 and later),
    /// and not to hear how it ended.
    ///
    /// `descriptors` are those of [`Operation::descriptors`].
    ///
    /// # Errors
    /// [`Error::Failed`] when libxl was asked and could not; else there was no process,
    /// or it ended meanwhile.
    pub async fn call(
        &self,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Outcome> {
        let link = self.link().await?;
        let mut asked = link.ask(operation, descriptors)?;
        loop {
            match asked.next().await? {
                Heard::Progress(step) => progress(step),
                Heard::End(result) => return Ok(result?),
            }
        }
    }

    async fn link(&self) -> Result<Link> {
        let mut kept = self.link.lock().await;
        if let Some(link) = kept.as_ref().filter(|link| link.is_open()) {
            return Ok(link.clone());
        }
        *kept = None;
        self.check_deaths()?;
        let (stream, other) = self.launch.start()?;
        let deaths = Arc::clone(&self.deaths);
        let ended = move |how| {
            let mut deaths = deaths.lock().unwrap_or_else(PoisonError::into_inner);
            deaths.times.push_back(Instant::now());
            deaths.last = how;
        };
        let link = Link::open(stream, other, ended).await?;
        *kept = Some(link.clone());
        Ok(link)
    }

    fn check_deaths(&self) -> Result<()> {
        let mut deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        while deaths
            .times
            .front()
            .is_some_and(|time| time.elapsed() > DEATHS_TIME)
        {
            deaths.times.pop_front();
        }
        let times = deaths.times.len();
        if times < DEATHS_MAX {
            return Ok(());
        }
        Err(Error::Restarts {
            times,
            seconds: DEATHS_TIME.as_secs(),
            last: deaths.last.clone(),
        })
    }
}
