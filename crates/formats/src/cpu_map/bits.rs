//! Sets of processor features as bits of registers: what `cpuid` and `rdmsr` give.
//!
//! Which bit is which feature is the map's to say.

use std::collections::BTreeMap;

/// What a register is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// `cpuid` with these in EAX and ECX.
    Cpuid(u32, u32),
    /// The model-specific register of this number.
    Msr(u32),
}

/// A register of an answer.
pub(super) type Register = (Source, u8);

pub(super) const EAX: u8 = 0;
pub(super) const EBX: u8 = 1;
pub(super) const ECX: u8 = 2;
pub(super) const EDX: u8 = 3;

/// Names of the registers.
pub(super) const REGISTERS: [(&str, u8); 4] =
    [("eax", EAX), ("ebx", EBX), ("ecx", ECX), ("edx", EDX)];

/// A set of features. Words without a bit are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits(BTreeMap<Register, u32>);

impl Bits {
    /// Puts the bits of one word in.
    pub(super) fn insert(&mut self, register: Register, word: u32) {
        if word != 0 {
            *self.0.entry(register).or_default() |= word;
        }
    }

    pub(super) fn add(&mut self, others: &Self) {
        for (register, word) in &others.0 {
            self.insert(*register, *word);
        }
    }

    pub(super) fn subtract(&mut self, others: &Self) {
        self.keep(|register, word| word & !others.word(register));
    }

    pub(super) fn intersect(&mut self, others: &Self) {
        self.keep(|register, word| word & others.word(register));
    }

    pub(super) fn without(&self, others: &Self) -> Self {
        let mut rest = self.clone();
        rest.subtract(others);
        rest
    }

    /// Whether all of these are in it. Of no bits that is not said.
    pub(super) fn has(&self, others: &Self) -> bool {
        !others.is_empty() && others.without(self).is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn word(&self, register: Register) -> u32 {
        self.0.get(&register).copied().unwrap_or(0)
    }

    fn keep(&mut self, part: impl Fn(Register, u32) -> u32) {
        self.0.retain(|register, word| {
            *word = part(*register, *word);
            *word != 0
        });
    }
}
