//! The XenD releases that a host can be, in one table of what each does.
//!
//! Code asks the table by what a column means and never compares versions. The
//! facts come from recordings of real XenD and from reading its source; releases
//! that were not recorded follow the source alone.

mod facts;
mod table;

pub(crate) use facts::Facts;

/// A XenD release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Release {
    /// Xen 3.0.1 (2006); 3.0.2 answers alike.
    V3_0_1,
    /// Xen 3.0.3 (2006).
    V3_0_3,
    /// Xen 3.0.4 (2006): XenD keeps inactive domains from here on.
    V3_0_4,
    /// Xen 3.1 (2007).
    V3_1,
    /// Xen 3.2 (2008).
    V3_2,
    /// Xen 3.3 (2008).
    V3_3,
    /// Xen 3.4 (2009).
    V3_4,
    /// Xen 4.0 (2010).
    V4_0,
    /// Xen 4.1 (2011).
    V4_1,
    /// Xen 4.2 (2012).
    V4_2,
    /// Xen 4.4 (2014), the last with XenD.
    V4_4,
}

impl Release {
    /// Every release, oldest first.
    pub const ALL: [Self; 11] = [
        Self::V3_0_1,
        Self::V3_0_3,
        Self::V3_0_4,
        Self::V3_1,
        Self::V3_2,
        Self::V3_3,
        Self::V3_4,
        Self::V4_0,
        Self::V4_1,
        Self::V4_2,
        Self::V4_4,
    ];

    /// The release of a text such as `4.1`, `4.1.6` or `3.0.2`; `None` for one
    /// that never had a XenD of its own kind here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.splitn(4, '.').map(str::parse::<u32>);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next().and_then(Result::ok)?;
        let patch = match numbers.next() {
            None => None,
            Some(number) => Some(number.ok()?),
        };
        Some(match (major, minor, patch) {
            (3, 0, Some(1 | 2)) => Self::V3_0_1,
            (3, 0, Some(3)) => Self::V3_0_3,
            (3, 0, Some(4)) => Self::V3_0_4,
            (3, 1, _) => Self::V3_1,
            (3, 2, _) => Self::V3_2,
            (3, 3, _) => Self::V3_3,
            (3, 4, _) => Self::V3_4,
            (4, 0, _) => Self::V4_0,
            (4, 1, _) => Self::V4_1,
            (4, 2 | 3, _) => Self::V4_2,
            (4, 4, _) => Self::V4_4,
            _ => return None,
        })
    }

    /// The version that the host says it runs.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V3_0_1 => "3.0.1",
            Self::V3_0_3 => "3.0.3",
            Self::V3_0_4 => "3.0.4",
            Self::V3_1 => "3.1.0",
            Self::V3_2 => "3.2.0",
            Self::V3_3 => "3.3.0",
            Self::V3_4 => "3.4.0",
            Self::V4_0 => "4.0.4",
            Self::V4_1 => "4.1.6",
            Self::V4_2 => "4.2.5",
            Self::V4_4 => "4.4.4",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_back() {
        for release in Release::ALL {
            assert_eq!(Release::parse(release.version()), Some(release));
        }
        assert_eq!(Release::parse("3.0.2"), Some(Release::V3_0_1));
        assert_eq!(Release::parse("4.5"), None);
        assert_eq!(Release::parse("4.1.x"), None);
        assert_eq!(Release::parse(""), None);
    }
}
