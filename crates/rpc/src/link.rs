//! What both ends of a connection share: packets in, bytes out, signs of life.
//!
//! What the packets mean is in the sessions.

use crate::frames::Frames;
use crate::packet::{Header, Kind, PACKET_MAX, Packet, Program, Status, write_packet};
use crate::{Error, Result};
use std::time::{Duration, Instant};

/// How often to look whether the other side is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence after which a sign of life is asked for; zero for never.
    pub interval: Duration,
    /// Questions without an answer after which the other side is dead.
    pub count: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            count: 5,
        }
    }
}

const PING: i32 = 1;
const PONG: i32 = 2;

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    frames: Frames,
    /// Bytes for the other side start at `taken`.
    output: Vec<u8>,
    taken: usize,
    /// Bytes that the other side has taken since the beginning.
    sent: u64,
    keepalive: Keepalive,
    /// When the silence is too long, and how many questions may still be asked.
    watch: Option<(Instant, u32)>,
}

impl Link {
    pub(crate) fn new(keepalive: Keepalive) -> Self {
        Self {
            frames: Frames::new(),
            output: Vec::new(),
            taken: 0,
            sent: 0,
            keepalive,
            watch: None,
        }
    }

    pub(crate) fn limit_packets(&mut self, limit: usize) {
        self.frames.set_limit(limit.min(PACKET_MAX));
    }

    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) {
        if self.watch.is_some() && !bytes.is_empty() {
            self.start_keepalive(now);
        }
        self.frames.receive(bytes);
    }

    /// The next packet that is not a sign of life; those are answered here.
    pub(crate) fn next_packet(&mut self) -> Result<Option<Packet>> {
        while let Some(packet) = self.frames.next_packet()? {
            if packet.header.program != Program::KEEPALIVE {
                return Ok(Some(packet));
            }
            self.answer_keepalive(&packet.header)?;
        }
        Ok(None)
    }

    fn answer_keepalive(&mut self, header: &Header) -> Result<()> {
        if header.kind == Kind::Message && header.procedure == PING {
            return self.queue(&sign_of_life(PONG), |_| Ok(()));
        }
        Ok(())
    }

    pub(crate) fn queue(
        &mut self,
        header: &Header,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        write_packet(header, &mut self.output, fill)
    }

    pub(crate) fn output(&self) -> &[u8] {
        self.output.get(self.taken..).unwrap_or_default()
    }

    pub(crate) fn sent(&mut self, count: usize) {
        let count = count.min(self.queued());
        self.taken = self.taken.saturating_add(count);
        self.sent = self.sent.saturating_add(count as u64);
        if self.queued() == 0 {
            self.output.clear();
            self.output.shrink_to(KEPT);
            self.taken = 0;
        } else if self.taken > KEPT && self.taken > self.queued() {
            self.output.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Bytes that wait for the other side.
    pub(crate) const fn queued(&self) -> usize {
        self.output.len().saturating_sub(self.taken)
    }

    /// The place behind what has been queued so far.
    pub(crate) const fn mark(&self) -> u64 {
        self.sent.saturating_add(self.queued() as u64)
    }

    pub(crate) const fn has_passed(&self, mark: u64) -> bool {
        self.sent >= mark
    }

    pub(crate) fn start_keepalive(&mut self, now: Instant) {
        let Keepalive { interval, count } = self.keepalive;
        if !interval.is_zero() {
            self.watch = now.checked_add(interval).map(|then| (then, count));
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.watch.map(|(then, _)| then)
    }

    /// Asks for a sign of life when the silence has been too long.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<()> {
        let Some((_, left)) = self.watch.filter(|(then, _)| *then <= now) else {
            return Ok(());
        };
        let Keepalive { interval, count } = self.keepalive;
        let Some(left) = left.checked_sub(1) else {
            return Err(Error::Dead {
                count,
                interval: interval.as_secs(),
            });
        };
        self.watch = now.checked_add(interval).map(|then| (then, left));
        self.queue(&sign_of_life(PING), |_| Ok(()))
    }
}

/// Bytes of memory that are kept for the next output. Thousands of clients may be
/// connected and silent.
const KEPT: usize = 4 << 10;

const fn sign_of_life(procedure: i32) -> Header {
    Header {
        program: Program::KEEPALIVE,
        procedure,
        kind: Kind::Message,
        serial: 0,
        status: Status::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_asked_about_and_then_death() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut link = Link::new(Keepalive {
            interval: Duration::from_secs(5),
            count: 2,
        });
        assert_eq!(link.deadline(), None);
        link.start_keepalive(start);
        link.tick(at(4)).unwrap();
        assert_eq!(link.queued(), 0);
        link.tick(at(5)).unwrap();
        assert_eq!(
            link.output(),
            b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0"
        );
        link.receive(b"\0", at(6));
        assert_eq!(link.deadline(), Some(at(11)));
        link.tick(at(11)).unwrap();
        link.tick(at(16)).unwrap();
        assert!(matches!(
            link.tick(at(21)),
            Err(Error::Dead { count: 2, .. })
        ));
    }

    #[test]
    fn a_question_is_answered_and_hidden() {
        let mut link = Link::new(Keepalive::default());
        link.receive(
            b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0",
            Instant::now(),
        );
        assert_eq!(link.next_packet(), Ok(None));
        assert_eq!(
            link.output(),
            b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0\0"
        );
        link.sent(28);
        assert_eq!(link.queued(), 0);
    }
}
