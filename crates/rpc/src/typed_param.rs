//! Parameters with a name and one of seven types (`virTypedParameter`).
//!
//! Which names a call has is not here: the driver knows them.

use crate::xdr::{Reader, Wire, record};
use crate::{Error, Result};

/// The flag by which a client says that it takes values that are strings.
pub const TYPED_PARAM_STRING_OKAY: u32 = 4;

record! {
    /// A named value. libvirt's clients refuse names of 80 bytes or more.
    TypedParam { field: String, value: TypedValue }
}

impl TypedParam {
    /// A named value.
    pub fn new(field: impl Into<String>, value: impl Into<TypedValue>) -> Self {
        Self {
            field: field.into(),
            value: value.into(),
        }
    }

    /// Whether every client understands the value.
    #[must_use]
    pub const fn is_string(&self) -> bool {
        matches!(self.value, TypedValue::String(_))
    }
}

/// The parameters that are sent to a client that has room for `room` of them and
/// passed `flags`. A client without room asks for their number, which it gets beside
/// them. Older clients do not understand strings.
#[must_use]
pub fn for_client(mut params: Vec<TypedParam>, room: i32, flags: u32) -> (Vec<TypedParam>, i32) {
    if flags & TYPED_PARAM_STRING_OKAY == 0 {
        params.retain(|param| !param.is_string());
    }
    let room = usize::try_from(room).unwrap_or(0);
    if room > 0 {
        params.truncate(room);
    }
    let count = i32::try_from(params.len()).unwrap_or(i32::MAX);
    if room == 0 {
        params.clear();
    }
    (params, count)
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedValue {
    /// Type 1.
    Int(i32),
    /// Type 2.
    UInt(u32),
    /// Type 3.
    LLong(i64),
    /// Type 4.
    ULLong(u64),
    /// Type 5.
    Double(f64),
    /// Type 6.
    Boolean(bool),
    /// Type 7.
    String(String),
}

impl Default for TypedValue {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl Wire for TypedValue {
    const LEAST: usize = 8;

    fn read(input: &mut Reader<'_>) -> Result<Self> {
        let offset = input.offset();
        Ok(match i32::read(input)? {
            1 => Self::Int(Wire::read(input)?),
            2 => Self::UInt(Wire::read(input)?),
            3 => Self::LLong(Wire::read(input)?),
            4 => Self::ULLong(Wire::read(input)?),
            5 => Self::Double(Wire::read(input)?),
            6 => Self::Boolean(i32::read(input)? != 0),
            7 => Self::String(Wire::read(input)?),
            value => {
                return Err(Error::Value {
                    field: "TypedParam.value",
                    offset,
                    value: value.into(),
                    expected: "a type from 1 to 7",
                });
            }
        })
    }

    fn write(&self, output: &mut Vec<u8>) -> Result<()> {
        self.number().write(output)?;
        match self {
            Self::Int(value) => value.write(output),
            Self::UInt(value) => value.write(output),
            Self::LLong(value) => value.write(output),
            Self::ULLong(value) => value.write(output),
            Self::Double(value) => value.write(output),
            Self::Boolean(value) => i32::from(*value).write(output),
            Self::String(value) => value.write(output),
        }
    }
}

impl TypedValue {
    /// The number of its type (`virTypedParameterType`).
    #[must_use]
    pub const fn number(&self) -> i32 {
        match self {
            Self::Int(_) => 1,
            Self::UInt(_) => 2,
            Self::LLong(_) => 3,
            Self::ULLong(_) => 4,
            Self::Double(_) => 5,
            Self::Boolean(_) => 6,
            Self::String(_) => 7,
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for TypedValue {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

from!(i32 => Int, u32 => UInt, i64 => LLong, u64 => ULLong, f64 => Double, bool => Boolean,
      String => String);

impl From<&str> for TypedValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_number() {
        let bytes = |value: TypedValue| crate::xdr::to_bytes(&TypedParam::new("cap", value));
        let name = b"\0\0\0\x03cap\0";
        for (value, rest) in [
            (TypedValue::Int(-1), &b"\0\0\0\x01\xff\xff\xff\xff"[..]),
            (TypedValue::UInt(7), b"\0\0\0\x02\0\0\0\x07"),
            (
                TypedValue::LLong(-2),
                b"\0\0\0\x03\xff\xff\xff\xff\xff\xff\xff\xfe",
            ),
            (TypedValue::ULLong(7), b"\0\0\0\x04\0\0\0\0\0\0\0\x07"),
            (TypedValue::Double(1.5), b"\0\0\0\x05\x3f\xf8\0\0\0\0\0\0"),
            (TypedValue::Boolean(true), b"\0\0\0\x06\0\0\0\x01"),
            (TypedValue::from("x"), b"\0\0\0\x07\0\0\0\x01x\0\0\0"),
        ] {
            assert_eq!(bytes(value), Ok([&name[..], rest].concat()));
        }
        let unknown = crate::xdr::from_bytes::<TypedParam>(b"\0\0\0\0\0\0\0\x08\0\0\0\0");
        assert!(matches!(unknown, Err(Error::Value { value: 8, .. })));
    }

    #[test]
    fn clients_get_what_they_asked_for() {
        let all = || {
            vec![
                TypedParam::new("weight", 256u32),
                TypedParam::new("name", "credit"),
                TypedParam::new("cap", 0u32),
            ]
        };
        let names = |room, flags| {
            let (params, count) = for_client(all(), room, flags);
            let names: Vec<String> = params.into_iter().map(|param| param.field).collect();
            (names.join(" "), count)
        };
        assert_eq!(names(0, 0), (String::new(), 2));
        assert_eq!(names(0, TYPED_PARAM_STRING_OKAY), (String::new(), 3));
        assert_eq!(names(2, TYPED_PARAM_STRING_OKAY), ("weight name".into(), 2));
        assert_eq!(names(9, 0), ("weight cap".into(), 2));
        assert_eq!(names(-1, 0), (String::new(), 2));
    }
}
