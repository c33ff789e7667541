//! Values of every type of the protocol, for tests of round trips.
//!
//! A source of numbers stands for chance, so that proptest can choose and shrink.

use crate::typed_param::TypedValue;
use crate::xdr::{ByteChars, CharArray, List, Opaque};

/// Numbers to make values of; zeros when they are used up.
pub(crate) struct Source {
    numbers: std::vec::IntoIter<u64>,
}

impl Source {
    pub(crate) fn new(numbers: Vec<u64>) -> Self {
        Self {
            numbers: numbers.into_iter(),
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers.next().unwrap_or(0)
    }

    /// A length, short more often than not, and within the limit.
    fn length(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % 5).unwrap().min(limit)
    }

    fn text(&mut self, limit: usize) -> String {
        let length = self.length(limit);
        let letters = ['x', '\u{1}', '~', '7', '-'];
        (0..length)
            .map(|_| letters[usize::try_from(self.number() % 5).unwrap()])
            .collect()
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let length = self.length(limit);
        (0..length)
            .map(|_| self.number().to_be_bytes()[7])
            .collect()
    }
}

/// A type that can be made of numbers.
pub(crate) trait Sample {
    fn sample(source: &mut Source) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Sample for $type {
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            fn sample(source: &mut Source) -> Self {
                source.number() as $type
            }
        }
    )*};
}

number!(u8, u16, i32, u32, i64, u64);

impl Sample for f64 {
    fn sample(source: &mut Source) -> Self {
        Self::from(i32::sample(source)) / 8.0
    }
}

impl Sample for () {
    fn sample(_: &mut Source) {}
}

impl Sample for [u8; 16] {
    fn sample(source: &mut Source) -> Self {
        (u128::from(source.number()) << 64 | u128::from(source.number())).to_be_bytes()
    }
}

impl Sample for String {
    fn sample(source: &mut Source) -> Self {
        source.text(usize::MAX)
    }
}

impl Sample for Box<str> {
    fn sample(source: &mut Source) -> Self {
        String::sample(source).into()
    }
}

impl<T: Sample> Sample for Box<T> {
    fn sample(source: &mut Source) -> Self {
        Self::new(T::sample(source))
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source) -> Self {
        (source.number() % 2 == 1).then(|| T::sample(source))
    }
}

impl<T: Sample, const MAX: usize> Sample for List<T, MAX> {
    fn sample(source: &mut Source) -> Self {
        let length = source.length(MAX);
        (0..length).map(|_| T::sample(source)).collect()
    }
}

impl<const MAX: usize> Sample for Opaque<MAX> {
    fn sample(source: &mut Source) -> Self {
        Self(source.bytes(MAX))
    }
}

impl<const MAX: usize> Sample for ByteChars<MAX> {
    fn sample(source: &mut Source) -> Self {
        Self(source.bytes(MAX))
    }
}

impl<const N: usize> Sample for CharArray<N> {
    fn sample(source: &mut Source) -> Self {
        Self(source.text(N - 1))
    }
}

impl Sample for TypedValue {
    fn sample(source: &mut Source) -> Self {
        match source.number() % 7 {
            0 => Self::Int(Sample::sample(source)),
            1 => Self::UInt(Sample::sample(source)),
            2 => Self::LLong(Sample::sample(source)),
            3 => Self::ULLong(Sample::sample(source)),
            4 => Self::Double(Sample::sample(source)),
            5 => Self::Boolean(source.number() % 2 == 1),
            _ => Self::String(Sample::sample(source)),
        }
    }
}

/// The bytes of arguments and of a reply.
pub(crate) fn samples<A: Sample + crate::xdr::Wire, R: Sample + crate::xdr::Wire>(
    source: &mut Source,
) -> (Vec<u8>, Vec<u8>) {
    let arguments = crate::xdr::to_bytes(&A::sample(source)).unwrap();
    let reply = crate::xdr::to_bytes(&R::sample(source)).unwrap();
    (arguments, reply)
}
