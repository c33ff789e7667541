//! What is said to the process that calls libxl, and what it answers: typed, in JSON,
//! each request with a number, so that long operations run beside each other.
//!
//! Configurations and devices are libxl's JSON as text. File descriptors travel beside
//! the message, in the order in which it names them.

use serde::{Deserialize, Serialize};

/// Number of a request, chosen by who asks; used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Something that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// What it is.
    pub operation: Operation,
}

/// What libxl can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Operation {
    /// Starts a guest; it is paused.
    Create {
        /// `libxl_domain_config`.
        config: String,
    },
    /// Starts a guest from a stream, which comes with the message; it is paused.
    Restore {
        /// `libxl_domain_config`.
        config: String,
    },
    /// Writes a guest to a stream, which comes with the message, and suspends it.
    Save {
        /// The guest.
        domid: u32,
        /// It goes on while most of it is written.
        live: bool,
    },
    /// Lets a guest that was suspended go on.
    Resume {
        /// The guest.
        domid: u32,
    },
    /// Stops a guest's vcpus.
    Pause {
        /// The guest.
        domid: u32,
    },
    /// Starts a guest's vcpus.
    Unpause {
        /// The guest.
        domid: u32,
    },
    /// Asks a guest to power off.
    Shutdown {
        /// The guest.
        domid: u32,
    },
    /// Asks a guest to start again.
    Reboot {
        /// The guest.
        domid: u32,
    },
    /// Ends a guest.
    Destroy {
        /// The guest.
        domid: u32,
    },
    /// Gives a guest another name.
    Rename {
        /// The guest.
        domid: u32,
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// Writes a guest's memory to a file.
    CoreDump {
        /// The guest.
        domid: u32,
        /// The file's path.
        path: String,
    },
    /// Sets what a guest's balloon aims at.
    MemoryTarget {
        /// The guest.
        domid: u32,
        /// KiB.
        kib: u64,
    },
    /// Sets what a guest may have.
    MaxMemory {
        /// The guest.
        domid: u32,
        /// KiB.
        kib: u64,
    },
    /// Sets which vcpus are online.
    Vcpus {
        /// The guest.
        domid: u32,
        /// Their numbers.
        online: Vec<u32>,
    },
    /// Adds a device to a guest that runs.
    Attach {
        /// The guest.
        domid: u32,
        /// What it is.
        device: Device,
        /// libxl's JSON of it.
        config: String,
    },
    /// Takes a device away from a guest that runs.
    Detach {
        /// The guest.
        domid: u32,
        /// What it is.
        device: Device,
        /// libxl's JSON of it.
        config: String,
        /// Without asking the guest.
        force: bool,
    },
    /// The configuration of a guest that runs, as libxl keeps it.
    Configuration {
        /// The guest.
        domid: u32,
    },
    /// Ends another request, if it can be ended.
    Abort {
        /// Which one.
        request: RequestId,
    },
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Device {
    /// `libxl_device_disk`
    Disk,
    /// `libxl_device_disk`, a medium for a drive that is there.
    Medium,
    /// `libxl_device_nic`
    Nic,
    /// `libxl_device_pci`
    Pci,
    /// `libxl_device_usbctrl`
    UsbController,
    /// `libxl_device_usbdev`
    UsbDevice,
}

/// What the process says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FromWorker {
    /// It is there, with a library.
    Ready {
        /// Second number of the release, `4.minor`.
        minor: u32,
        /// File of the library.
        library: String,
    },
    /// A request ended. Each ends once.
    Done {
        /// Which one.
        id: RequestId,
        /// How.
        outcome: Outcome,
    },
    /// A request goes on.
    Progress {
        /// Which one.
        id: RequestId,
        /// What is done now, in libxl's words.
        doing: String,
        /// How much of it, of `total`.
        done: u64,
        /// How much there is; 0 when that is not known.
        total: u64,
    },
    /// A guest ended or was suspended.
    Shutdown {
        /// The guest.
        domid: u32,
        /// Why.
        reason: ShutdownReason,
    },
    /// A guest is gone.
    Death {
        /// The guest.
        domid: u32,
    },
}

/// Why a guest ended: Xen's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShutdownReason {
    /// It powered off.
    Poweroff,
    /// It asked for a reboot.
    Reboot,
    /// It was suspended.
    Suspend,
    /// It crashed.
    Crash,
    /// Its watchdog barked.
    Watchdog,
    /// It asked for a reset that keeps its memory.
    SoftReset,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// A guest was started.
    Started {
        /// Its number.
        domid: u32,
    },
    /// What was asked for, in libxl's JSON.
    Answer {
        /// The text.
        config: String,
    },
    /// It failed.
    Failed(Failure),
}

/// Why a request failed: what libxl returned, and what it said meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{}", self.cause())]
pub struct Failure {
    /// libxl's function.
    pub function: String,
    /// What it returned, below zero.
    pub code: i32,
    /// What libxl logged while this request ran, oldest first.
    pub log: Vec<LogLine>,
}

/// A line of libxl's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// How bad it is.
    pub level: LogLevel,
    /// The text, without the place in libxl's source.
    pub text: String,
}

/// How bad a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Of use to who writes libxl.
    Debug,
    /// What is done.
    Info,
    /// What may be wrong.
    Warning,
    /// What is wrong.
    Error,
}

impl Failure {
    /// The cause in libxl's words. The first error is what went wrong; those that
    /// follow are callers that pass it on.
    #[must_use]
    pub fn cause(&self) -> String {
        let mut lines = self.log.iter();
        match lines.find(|line| line.level >= LogLevel::Error) {
            Some(line) => line.text.clone(),
            None => format!("libxl_{} failed: error {}", self.function, self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frames, frame};

    #[test]
    fn messages_go_both_ways() {
        let request = Request {
            id: RequestId(u64::MAX),
            operation: Operation::Detach {
                domid: 7,
                device: Device::UsbController,
                config: "{}".to_owned(),
                force: true,
            },
        };
        let failure = Failure {
            function: "domain_create_new".to_owned(),
            code: -3,
            log: Vec::new(),
        };
        let said = FromWorker::Done {
            id: request.id,
            outcome: Outcome::Failed(failure),
        };
        let mut frames = Frames::default();
        frames.push(&frame(&request).unwrap());
        frames.push(&frame(&said).unwrap());
        assert_eq!(frames.take::<Request>().unwrap(), Some(request));
        assert_eq!(frames.take::<FromWorker>().unwrap(), Some(said));
    }

    #[test]
    fn other_messages_are_refused() {
        for text in [
            r#"{"id": 1, "operation": {"do": "pause"}}"#,
            r#"{"id": 1, "operation": {"do": "pause", "domid": 1, "more": 2}}"#,
            r#"{"id": -1, "operation": {"do": "pause", "domid": 1}}"#,
            r#"{"id": 1, "operation": {"do": "dance"}}"#,
        ] {
            assert!(serde_json::from_str::<Request>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_says_its_cause() {
        let line = |level, text: &str| LogLine {
            level,
            text: text.to_owned(),
        };
        let mut failure = Failure {
            function: "domain_create_new".to_owned(),
            code: -3,
            log: vec![
                line(LogLevel::Info, "building"),
                line(LogLevel::Error, "not enough free memory"),
                line(LogLevel::Error, "cannot build domain"),
            ],
        };
        assert_eq!(failure.to_string(), "not enough free memory");
        failure.log.clear();
        assert_eq!(
            failure.to_string(),
            "libxl_domain_create_new failed: error -3"
        );
    }
}
