//! The notation for a struct of the protocol: its fields in the order of the wire.
//!
//! Fields have libvirt's meaning and unit: those of the public function that the
//! struct is an argument or a result of.

/// A struct with its fields in the order in which they travel.
macro_rules! record {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$field_doc:meta])* $field:ident: $type:ty ),* $(,)? }
    )*) => {$(
        $(#[$doc])*
        #[allow(missing_docs, reason = "the fields are parameters of libvirt's functions")]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name { $( $(#[$field_doc])* pub $field: $type, )* }

        impl $crate::xdr::Wire for $name {
            const LEAST: usize = 0 $( + <$type as $crate::xdr::Wire>::LEAST )*;

            fn read(input: &mut $crate::xdr::Reader<'_>) -> $crate::Result<Self> {
                $(
                    let $field = <$type as $crate::xdr::Wire>::read(input).map_err(|error| {
                        error.inside(concat!(stringify!($name), ".", stringify!($field)))
                    })?;
                )*
                Ok(Self { $($field),* })
            }

            fn write(&self, output: &mut Vec<u8>) -> $crate::Result<()> {
                $(
                    self.$field.write(output).map_err(|error| {
                        error.inside(concat!(stringify!($name), ".", stringify!($field)))
                    })?;
                )*
                Ok(())
            }
        }

        impl $crate::Arguments for $name {
            $( $crate::xdr::record!(@fact $field); )*
            $crate::xdr::record!(@itself $name);
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                Self { $( $field: <$type as $crate::sample::Sample>::sample(source) ),* }
            }
        }
    )*};
    (@fact flags) => {
        fn flags(&self) -> Option<u64> {
            Some(u64::from(self.flags))
        }
    };
    (@fact dom) => {
        fn domain(&self) -> Option<&$crate::Domain> {
            Some(&self.dom)
        }
    };
    (@fact snap) => {
        fn domain(&self) -> Option<&$crate::Domain> {
            Some(&self.snap.dom)
        }
    };
    (@fact source) => {
        fn source(&self) -> Option<u32> {
            Some(self.source)
        }
    };
    (@fact $other:ident) => {};
    (@itself Domain) => {
        fn domain(&self) -> Option<&$crate::Domain> {
            Some(self)
        }
    };
    (@itself $other:ident) => {};
}

pub(crate) use record;
