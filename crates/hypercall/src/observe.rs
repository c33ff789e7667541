//! Reports each hypercall with its name and time. Nothing is changed on the way.

use crate::abi::{Family, name_of};
use crate::gate::{Errno, Gate, Request};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Is told of each hypercall: its name, with the error if it failed, and how long
/// it took.
pub type Observer = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// A gate that reports what passes.
pub struct Observed {
    gate: Box<dyn Gate>,
    observer: Observer,
}

impl Observed {
    /// Reports calls through `gate` to `observer`.
    #[must_use]
    pub fn new(gate: Box<dyn Gate>, observer: Observer) -> Self {
        Self { gate, observer }
    }
}

impl Gate for Observed {
    fn call(&self, request: &mut Request<'_>) -> Result<u64, Errno> {
        let mut name = describe(request.number(), request.buffers());
        let begin = Instant::now();
        let result = self.gate.call(request);
        let took = begin.elapsed();
        if let Err(errno) = result {
            name.push_str(&format!(": {errno}"));
        }
        (self.observer)(&name, took);
        result
    }
}

fn describe(number: u32, buffers: &[Vec<u8>]) -> String {
    let word = |at: usize| -> Option<u32> {
        let bytes = buffers.first()?.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let families = [Family::Dom0Op, Family::Sysctl, Family::Domctl];
    let family = families.into_iter().find(|it| it.number() == number);
    let (Some(family), Some(command), Some(version)) = (family, word(0), word(4)) else {
        return if number == crate::version::XEN_VERSION {
            "xen_version".to_owned()
        } else {
            format!("hypercall {number}")
        };
    };
    match name_of(family, version, command) {
        Some(name) => name.to_owned(),
        None => format!("{family:?} command {command}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Deaf;

    impl Gate for Deaf {
        fn call(&self, _: &mut Request<'_>) -> Result<u64, Errno> {
            Err(Errno::ENOSYS)
        }
    }

    #[test]
    fn calls_are_named_with_their_error() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let observer: Observer =
            Arc::new(move |name, _| sink.lock().unwrap().push(name.to_owned()));
        let gate = Observed::new(Box::new(Deaf), observer);
        let mut envelope = vec![0; 128];
        envelope[0] = 6;
        envelope[4] = 8;
        assert!(
            gate.call(&mut Request::new(35, &[], &mut [envelope], &[]))
                .is_err()
        );
        assert!(gate.call(&mut Request::new(17, &[], &mut [], &[])).is_err());
        let seen = seen.lock().unwrap();
        assert!(seen[0].starts_with("getdomaininfolist: "), "{seen:?}");
        assert!(seen[1].starts_with("xen_version: "), "{seen:?}");
    }
}
