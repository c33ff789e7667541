//! Values of attributes and texts: words, numbers, amounts of memory.
//!
//! A value that cannot be used is reported and reads as `None`.

use super::reader::Reader;
use crate::MemoryKib;
use crate::words::Word;
use roxmltree::{Attribute, Node};
use std::str::FromStr;

impl Reader<'_> {
    pub(super) fn word<T: Word>(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
    ) -> Option<T> {
        let word = T::from_word(attribute.value());
        if word.is_none() {
            self.bad_attribute(node, attribute, T::WORDS.join(", "));
        }
        word
    }

    pub(super) fn yes_no(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
    ) -> Option<bool> {
        self.either(node, attribute, "yes", "no")
    }

    pub(super) fn on_off(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
    ) -> Option<bool> {
        self.either(node, attribute, "on", "off")
    }

    fn either(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
        yes: &str,
        no: &str,
    ) -> Option<bool> {
        match attribute.value() {
            value if value == yes => Some(true),
            value if value == no => Some(false),
            _ => {
                self.bad_attribute(node, attribute, format_args!("{yes} or {no}"));
                None
            }
        }
    }

    /// A value with its own spelling: a hardware address, a set of processors.
    pub(super) fn value<T: FromStr>(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
        expected: &str,
    ) -> Option<T> {
        let value = attribute.value().parse().ok();
        if value.is_none() {
            self.bad_attribute(node, attribute, expected);
        }
        value
    }

    /// A decimal number.
    pub(super) fn number<T: FromStr>(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
    ) -> Option<T> {
        let number = attribute
            .value()
            .trim()
            .trim_start_matches('+')
            .parse()
            .ok();
        if number.is_none() {
            self.bad_attribute(node, attribute, "a number in range");
        }
        number
    }

    /// A number in decimal or, with `0x`, in hexadecimal.
    pub(super) fn based_number<T: TryFrom<u64>>(
        &mut self,
        node: Node<'_, '_>,
        attribute: &Attribute<'_, '_>,
    ) -> Option<T> {
        let text = attribute.value().trim();
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let number = match hex {
            Some(digits) if digits.starts_with('+') => None,
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse::<u64>().ok(),
        };
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.bad_attribute(node, attribute, "a number in range, decimal or 0x…");
        }
        number
    }

    /// The text of an element as a number.
    pub(super) fn text_number<T: FromStr>(&mut self, node: Node<'_, '_>) -> Option<T> {
        let text = self.content(node);
        let number = text.trim().parse().ok();
        if number.is_none() {
            self.bad_text(node, &text, "a number in range");
        }
        number
    }

    /// An amount of memory with a unit, rounded up to KiB as libvirt does.
    pub(super) fn memory(
        &mut self,
        node: Node<'_, '_>,
        amount: &str,
        unit: Option<&str>,
    ) -> Option<MemoryKib> {
        let memory = MemoryKib::scaled(amount, unit);
        if memory.is_none() {
            let shown = format!("{} {}", amount.trim(), unit.unwrap_or("KiB"));
            self.bad_text(
                node,
                &shown,
                "a number with a unit: b, KiB, MiB, GiB, TiB, KB, MB, …",
            );
        }
        memory
    }
}
