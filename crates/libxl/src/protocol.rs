//! What is said to the process that calls libxl, and what it answers: typed, in JSON,
//! each request with a number, so that long operations run beside each other.
//!
//! File descriptors travel beside the message that needs them. What can be asked for
//! is in `operation`, why something failed in `failure`.

use crate::{Failure, Operation};
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

/// What the process says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FromWorker {
    /// The first message: it is there, with a library.
    Ready {
        /// Which one.
        library: Library,
    },
    /// The only message: it has no library that it could call.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// A request goes on.
    Progress {
        /// Which one.
        id: RequestId,
        /// How far.
        progress: Progress,
    },
    /// A request is done. Each is done or fails, once.
    Done {
        /// Which one.
        id: RequestId,
        /// How.
        outcome: Outcome,
    },
    /// A request failed.
    Failed {
        /// Which one.
        id: RequestId,
        /// Why.
        failure: Failure,
    },
}

/// The library that the process calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// Second number of its release, `4.minor`.
    pub minor: u32,
    /// Its file, or what stands in for it.
    pub file: String,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Progress {
    /// A part of the work.
    Step {
        /// What is done now, in libxl's words.
        doing: String,
        /// How much of it, of `total`.
        done: u64,
        /// How much there is; 0 when that is not known.
        total: u64,
    },
    /// A guest that is being started has a console, its boot loader's at first.
    Console {
        /// The guest.
        domid: u32,
    },
}

/// How a request ended well.
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
    /// What was asked for, in libxl's JSON or in the emulator's words.
    Answer {
        /// The text.
        text: String,
    },
    /// What is kept of a guest.
    Document {
        /// The text, if there is one.
        text: Option<String>,
    },
    /// An amount of memory.
    Memory {
        /// KiB.
        kib: u64,
    },
    /// Devices, each in libxl's JSON.
    Devices {
        /// One each.
        configs: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, FailureKind, Frames, frame};

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
        let said = FromWorker::Failed {
            id: request.id,
            failure: FailureKind::Missing {
                function: "device_usbctrl_remove".to_owned(),
            }
            .into(),
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
}
