//! Looking at domains: names, documents, vcpus. Nothing here changes one.

use crate::client::{Client, expression};
use crate::error::{Error, Result};
use crate::exchange::Pace;
use crate::release::ListHabit;
use crate::request::Request;
use std::time::Duration;
use virtxen_formats::sxpr::Sxpr;

/// A state that XenD 3.0.4 and later list domains by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListState {
    /// Not active, or active and shut down (and preserved).
    Halted,
    /// Vcpus stopped.
    Paused,
    /// Neither of the others.
    Running,
    /// Saved by XenD itself.
    Suspended,
    /// Crashed and preserved.
    Crashed,
    /// All domains, active or not.
    All,
}

/// One vcpu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vcpu {
    /// Number, from 0.
    pub number: u32,
    /// It is online.
    pub online: bool,
    /// It waits for something.
    pub blocked: bool,
    /// It is on a processor.
    pub running: bool,
    /// Its processor time.
    pub time: Duration,
    /// The processor it ran on last; none before it ran.
    pub cpu: Option<u32>,
    /// The processors it may run on.
    pub cpumap: Vec<u32>,
}

impl Client {
    /// Names of domains in a state. XenD before 3.0.4 knows no states and lists
    /// the active ones whatever is asked for.
    ///
    /// # Errors
    /// When XenD does not answer.
    pub async fn names(&self, state: ListState) -> Result<Vec<String>> {
        let mut request = Request::get(&["xend", "domain"]);
        if self.habits().list == ListHabit::Running {
            let state = match state {
                ListState::Halted => "halted",
                ListState::Paused => "paused",
                ListState::Running => "running",
                ListState::Suspended => "suspended",
                ListState::Crashed => "crashed",
                ListState::All => "all",
            };
            request = request.query("state", state);
        }
        let text = self.text("list", false, Pace::Quick, request).await?;
        let list = expression("list", &text)?;
        let names = list.as_list().unwrap_or_default().iter();
        Ok(names
            .filter_map(|name| name.as_atom().map(str::to_owned))
            .collect())
    }

    /// The documents of domains as XenD wrote them, one expression: all active
    /// ones before Xen 3.0.4, the running ones from then on.
    ///
    /// # Errors
    /// When XenD does not answer.
    pub async fn details(&self) -> Result<String> {
        let request = Request::get(&["xend", "domain"]).query("detail", "1");
        self.text("list", false, Pace::Quick, request).await
    }

    /// The document of one domain, by name, domid or (Xen 3.0.4 and later) uuid.
    ///
    /// # Errors
    /// When there is none or XenD does not answer.
    pub async fn detail(&self, domain: &str) -> Result<Sxpr> {
        let document = self.ask("domain", domain, ("detail", "1")).await?;
        // A domain that is being destroyed can leave a reply without content.
        if document.name() == Some("domain") {
            return Ok(document);
        }
        Err(Error::Content {
            operation: "domain",
            what: "is not a domain's document".to_owned(),
        })
    }

    /// The document of one domain as XenD wrote it, see [`Client::detail`].
    ///
    /// # Errors
    /// As [`Client::detail`].
    pub async fn document(&self, domain: &str) -> Result<String> {
        let request = Request::get(&["xend", "domain", domain]).query("detail", "1");
        self.text("domain", true, Pace::Quick, request).await
    }

    /// The vcpus of a domain.
    ///
    /// # Errors
    /// When XenD does not answer, or the domain is inactive and the release
    /// cannot tell then.
    pub async fn vcpus(&self, domain: &str) -> Result<Vec<Vcpu>> {
        let document = self.ask("vcpuinfo", domain, ("op", "vcpuinfo")).await?;
        document.children("vcpu").map(vcpu).collect()
    }
}

fn vcpu(node: &Sxpr) -> Result<Vcpu> {
    let broken = |name: &str| Error::Content {
        operation: "vcpuinfo",
        what: format!("has no usable '{name}'"),
    };
    let number = |name: &str| {
        let text = node.value(name).ok_or_else(|| broken(name))?;
        text.parse::<i64>().map_err(|_| broken(name))
    };
    let seconds = node.value("cpu_time").and_then(|t| t.parse::<f64>().ok());
    let cpumap = node.child("cpumap").and_then(|map| match map.rest() {
        // `(cpumap (0 1))`, in some releases `(cpumap 0 1)`.
        [list @ Sxpr::List { .. }] => list.as_list(),
        cpus => Some(cpus),
    });
    Ok(Vcpu {
        number: u32::try_from(number("number")?).map_err(|_| broken("number"))?,
        online: number("online")? != 0,
        blocked: number("blocked")? != 0,
        running: number("running")? != 0,
        time: Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default(),
        cpu: u32::try_from(number("cpu")?).ok(),
        cpumap: cpumap
            .unwrap_or_default()
            .iter()
            .filter_map(|cpu| cpu.as_atom()?.parse().ok())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtxen_formats::sxpr::{Limits, read};

    #[test]
    fn reads_a_vcpu() {
        let read = |text: &str| vcpu(&read(text, Limits::default()).unwrap());
        let text = "(vcpu (number 1) (online 0) (blocked 1) (running 0) (cpu_time 0.5) \
                    (cpu -1) (cpumap (0 '3')))";
        let expected = Vcpu {
            number: 1,
            online: false,
            blocked: true,
            running: false,
            time: Duration::from_millis(500),
            cpu: None,
            cpumap: vec![0, 3],
        };
        assert_eq!(read(text).unwrap(), expected);
        let error = read("(vcpu (number x))").unwrap_err().to_string();
        assert!(error.contains("'number'"), "{error}");
    }
}
