//! Closed sets of words: enums that know how libvirt spells their values.
//!
//! Only the machinery is here; each set stands in the file of the thing that it
//! belongs to.

/// A text that is none of the words of a set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not one of {}", .expected.join(", "))]
pub struct UnknownWord {
    /// The text as it was given, cut to a sane length.
    pub word: String,
    /// The words of the set.
    pub expected: &'static [&'static str],
}

/// A set of words that attributes and elements take their value from.
pub trait Word: Sized + Copy + 'static {
    /// All words, in libvirt's order.
    const WORDS: &'static [&'static str];

    /// The value with this word.
    fn from_word(word: &str) -> Option<Self>;

    /// The word of this value.
    fn word(self) -> &'static str;
}

/// Defines an enum with a word for each variant: `as_str`, `FromStr`, `Display`,
/// [`Word`] and the list of all its values.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("`", $word, "`")] $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that libvirt writes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::words::Word for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                <Self as $crate::words::Word>::from_word(word).ok_or_else(|| {
                    $crate::words::UnknownWord {
                        word: word.chars().take(80).collect(),
                        expected: <Self as $crate::words::Word>::WORDS,
                    }
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{BootDevice, DiskBus, LifecycleAction};

    #[test]
    fn words_go_both_ways() {
        for bus in DiskBus::ALL {
            assert_eq!(bus.as_str().parse::<DiskBus>().as_ref(), Ok(bus));
        }
        assert_eq!("hd".parse(), Ok(BootDevice::Hd));
        assert_eq!(LifecycleAction::RenameRestart.to_string(), "rename-restart");
    }

    #[test]
    fn another_word_names_the_set() {
        let error = "floppy".parse::<BootDevice>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "'floppy' is not one of fd, hd, cdrom, network"
        );
    }
}
