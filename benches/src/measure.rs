//! Timing: how often, which number is reported, how a target is judged.
//!
//! What is timed is in the module of each measurement.

use std::time::{Duration, Instant};

/// Times of the runs of one thing.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    sorted: Vec<Duration>,
}

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { sorted: times }
    }

    /// Half of the runs were faster. Zero when there was none.
    pub(crate) fn median(&self) -> Duration {
        let middle = self.sorted.get(self.sorted.len() / 2);
        middle.copied().unwrap_or_default()
    }

    /// So big a share of the runs was not slower.
    pub(crate) fn share(&self, share: f64) -> Duration {
        let place = (self.sorted.len() as f64 * share) as usize;
        let place = place.min(self.sorted.len().saturating_sub(1));
        self.sorted.get(place).copied().unwrap_or_default()
    }

    /// The run that was disturbed most.
    pub(crate) fn longest(&self) -> Duration {
        self.sorted.last().copied().unwrap_or_default()
    }

    /// The run that was disturbed least.
    pub(crate) fn fastest(&self) -> Duration {
        self.sorted.first().copied().unwrap_or_default()
    }
}

/// Runs `work` until `span` has passed, at least three times, after one run that
/// does not count.
pub(crate) fn repeat(span: Duration, mut work: impl FnMut()) -> Times {
    work();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || start.elapsed() < span {
        let run = Instant::now();
        work();
        times.push(run.elapsed());
    }
    Times::new(times)
}

/// `met` or `not met`: a measurement reports, it does not fail.
pub(crate) fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_run_is_reported() {
        let ms = Duration::from_millis;
        let times = Times::new(vec![ms(9), ms(1), ms(2)]);
        assert_eq!((times.median(), times.fastest()), (ms(2), ms(1)));
        assert_eq!(Times::new(vec![]).median(), Duration::ZERO);
    }

    #[test]
    fn work_is_repeated() {
        let mut runs = 0;
        let times = repeat(Duration::ZERO, || runs += 1);
        assert_eq!((runs, times.sorted.len()), (4, 3));
    }
}
