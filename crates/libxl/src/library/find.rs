//! Where the library of the Xen that runs is. Its interface to the hypervisor is of one
//! release, so another release's library is of no use.

use super::loaded::LoadError;
use std::path::{Path, PathBuf};
use virtxen_formats::libxl::Release;

/// Where the kernel says which Xen runs.
const VERSION: &str = "/sys/hypervisor/version";

/// Folders where distributions and builds put Xen's libraries; `@` is the release.
const FOLDERS: &[&str] = &[
    "/usr/lib64",
    "/usr/lib/@multiarch",
    "/usr/lib",
    "/usr/lib/xen-@/lib/@multiarch",
    "/usr/lib/xen-@/lib",
    "/usr/local/lib64",
    "/usr/local/lib",
    "/usr/local/lib/@multiarch",
    "/opt/xen/lib64",
    "/opt/xen/lib",
];

const MULTIARCH: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-linux-gnu"
} else {
    "x86_64-linux-gnu"
};

const NAME: &str = "libxenlight.so.";

/// A file that somebody named, and the release that its name says.
pub(super) fn named(file: &Path) -> Result<(PathBuf, Release), LoadError> {
    let name = file.file_name().and_then(|name| name.to_str());
    let release = name
        .and_then(|name| name.strip_prefix(NAME))
        .and_then(|version| {
            let mut numbers = version.split('.').map(str::parse);
            match (numbers.next()?, numbers.next()?) {
                (Ok(major), Ok(minor)) => Release::new(major, minor),
                _ => None,
            }
        });
    match release {
        Some(release) => Ok((file.to_owned(), release)),
        None => Err(LoadError::Name {
            file: file.display().to_string(),
        }),
    }
}

/// The library of the Xen that runs, which is not loaded; where the kernel does not say
/// which that is, the newest that is found.
///
/// # Errors
/// [`LoadError::NotFound`] with the places that were looked at.
pub fn find() -> Result<(PathBuf, Release), LoadError> {
    let number = |name: &str| -> Option<u32> {
        let text = std::fs::read_to_string(Path::new(VERSION).join(name)).ok()?;
        text.trim().parse().ok()
    };
    match (number("major"), number("minor")) {
        (Some(major), Some(minor)) => match Release::new(major, minor) {
            Some(release) => first(&[release], release.to_string(), Path::is_file),
            None => Err(LoadError::NotFound {
                xen: format!("{major}.{minor}"),
                tried: vec!["nothing: its library cannot be called like that".to_owned()],
            }),
        },
        _ => {
            let mut releases: Vec<Release> = Release::all().collect();
            releases.reverse();
            first(&releases, "of an unknown release".to_owned(), Path::is_file)
        }
    }
}

fn first(
    releases: &[Release],
    xen: String,
    is_there: impl Fn(&Path) -> bool,
) -> Result<(PathBuf, Release), LoadError> {
    for release in releases {
        for file in candidates(*release) {
            if is_there(&file) {
                return Ok((file, *release));
            }
        }
    }
    let tried = match releases {
        [one] => candidates(*one)
            .map(|file| file.display().to_string())
            .collect(),
        _ => vec![format!("{NAME}4.5 and later in {}", FOLDERS.join(", "))],
    };
    Err(LoadError::NotFound { xen, tried })
}

fn candidates(release: Release) -> impl Iterator<Item = PathBuf> {
    FOLDERS.iter().map(move |folder| {
        let folder = folder.replace("@multiarch", MULTIARCH);
        let folder = folder.replace('@', &release.to_string());
        Path::new(&folder).join(format!("{NAME}{release}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_releases() {
        let release = |file: &str| named(Path::new(file)).map(|(_, release)| release.minor());
        assert_eq!(release("/usr/lib/libxenlight.so.4.17").ok(), Some(17));
        assert_eq!(release("libxenlight.so.4.17.0").ok(), Some(17));
        for other in [
            "libxenlight.so.4",
            "libxenlight.so.4.x",
            "libxenlight.so.4.4",
            "",
        ] {
            assert!(release(other).is_err(), "{other}");
        }
    }

    #[test]
    fn the_first_place_that_has_it_is_taken() {
        let release = Release::new(4, 17).unwrap();
        let place = "/usr/lib/xen-4.17/lib/libxenlight.so.4.17";
        let (file, _) = first(&[release], String::new(), |file| file == Path::new(place)).unwrap();
        assert_eq!(file, Path::new(place));
        let error = first(&[release], "4.17".to_owned(), |_| false).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("for Xen 4.17: looked for /usr/lib64/libxenlight.so.4.17"),
            "{text}"
        );
    }
}
