//! The people who may come with a name and a password: a file with a line for each,
//! `NAME:VERIFIER`.
//!
//! How a proof goes is `virtxen_sasl`'s, what it is asked for in `auth`.

use crate::error::{Error, Result};
use crate::glob;
use rustix::fs::FlockOperation;
use rustls::crypto::SecureRandom;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use virtxen_sasl::Verifier;

/// Where the file is by default.
pub(crate) const PLACE: &str = "/etc/libvirt/virtxend.users";

/// Bytes of the file.
const FILE_MAX: u64 = 4 << 20;

/// Bytes of salt, and rounds, for new passwords.
const SALT: usize = 16;
const ITERATIONS: NonZeroU32 = NonZeroU32::new(20_000).unwrap();

/// Letters of a nonce: 24 random bytes.
const NONCE: usize = 24;

/// Who may come. The file is read each time that somebody does, so that changes hold
/// at once.
#[derive(Debug)]
pub(crate) struct Users {
    file: PathBuf,
    /// Patterns of their names; none for all.
    allowed: Option<Vec<String>>,
    /// Makes what is asked of names that nobody has look like the rest.
    secret: [u8; 32],
}

impl Users {
    /// Those in a file, as far as the patterns allow them.
    pub(crate) fn new(file: &Path, allowed: Option<Vec<String>>) -> Result<Self> {
        Ok(Self {
            file: file.to_owned(),
            allowed,
            secret: random()?,
        })
    }

    /// What is kept of a user's password. For a name that nobody has, or that is not
    /// allowed, it is something that no password fits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn verifier(&self, name: &str) -> Result<Verifier> {
        let nobody = || Verifier::nobody(name, &self.secret, SALT, ITERATIONS);
        if !glob::allows(self.allowed.as_deref(), name) {
            return Ok(nobody());
        }
        let Some(line) = find(&read(&self.file)?, name).map(str::to_owned) else {
            return Ok(nobody());
        };
        let verifier = line.parse::<Verifier>();
        verifier.map_err(|cause| Error::file(&self.file, &format!("'{name}': {cause}")))
    }
}

/// Adds a user to a file, or gives one a new password.
///
/// # Errors
/// When the name cannot stand in the file, or the file cannot be written.
pub(crate) fn add(file: &Path, name: &str, password: &str) -> Result<()> {
    let is_good =
        !name.is_empty() && !name.contains([':', '#']) && !name.contains(char::is_control);
    if !is_good || name.trim() != name || name.len() > 255 {
        let message = format!("'{}' cannot be a user's name", name.escape_debug());
        return Err(Error::Usage(message));
    }
    if password.is_empty() {
        return Err(Error::Usage("the password is empty".to_owned()));
    }
    let verifier = Verifier::new(password, &random::<SALT>()?, ITERATIONS);
    change(file, name, Some(&verifier)).map(drop)
}

/// Takes a user off a file.
///
/// # Errors
/// When there is no such user, or the file cannot be written.
pub(crate) fn remove(file: &Path, name: &str) -> Result<()> {
    if change(file, name, None)? {
        return Ok(());
    }
    Err(Error::file(file, &format!("there is no user '{name}'")))
}

/// Random letters for a proof.
///
/// # Errors
/// When the kernel gives none.
pub(crate) fn nonce() -> Result<String> {
    let bytes: [u8; NONCE] = random()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn random<const COUNT: usize>() -> Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    let source: &dyn SecureRandom = rustls::crypto::ring::default_provider().secure_random;
    let filled = source.fill(&mut bytes);
    filled.map_err(|_| Error::Usage("the kernel has no random bytes".to_owned()))?;
    Ok(bytes)
}

/// What stands behind a name.
fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find_map(|(found, verifier)| (found == name).then_some(verifier.trim()))
}

/// The file's text; none when it is not there.
fn read(file: &Path) -> Result<String> {
    let failed = |cause: std::io::Error| Error::file(file, &cause);
    match std::fs::metadata(file) {
        Ok(about) if about.len() > FILE_MAX => Err(Error::file(
            file,
            &format!("it is longer than {FILE_MAX} bytes"),
        )),
        Ok(_) => std::fs::read_to_string(file).map_err(failed),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(failed(error)),
    }
}

/// Writes the file with another line for a user, or without one. Whether there was one
/// before.
fn change(file: &Path, name: &str, verifier: Option<&Verifier>) -> Result<bool> {
    let failed = |cause: std::io::Error| Error::file(file, &cause);
    let folder = file.parent().unwrap_or(Path::new("/"));
    let lock = File::open(folder).map_err(failed)?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)
        .map_err(|cause| failed(cause.into()))?;
    let text = read(file)?;
    let is_other = |line: &&str| line.split_once(':').is_none_or(|(found, _)| found != name);
    let mut lines: Vec<String> = text.lines().filter(is_other).map(str::to_owned).collect();
    let existed = lines.len() < text.lines().count();
    if verifier.is_none() && !existed {
        return Ok(false);
    }
    lines.extend(verifier.map(|verifier| format!("{name}:{verifier}")));
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut text = lines.join("\n");
    text.push('\n');
    replace(file, Path::new(&new), &text).map_err(failed)?;
    lock.sync_all().map_err(failed)?;
    Ok(existed)
}

/// Writes a file that only its owner reads, whole or not at all.
fn replace(file: &Path, new: &Path, text: &str) -> std::io::Result<()> {
    if new.exists() {
        // Of somebody who was stopped: nobody else writes now.
        std::fs::remove_file(new)?;
    }
    let mut options = OpenOptions::new();
    let mut written = options.write(true).create_new(true).mode(0o600).open(new)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    std::fs::rename(new, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn users_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let users = Users::new(&file, Some(vec!["*n*".into()])).unwrap();
        let nobody = users.verifier("ann").unwrap();
        add(&file, "ann", "secret").unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let ann = users.verifier("ann").unwrap();
        assert!(ann != nobody);
        add(&file, "bob", "secret").unwrap();
        add(&file, "ann", "other").unwrap();
        assert!(users.verifier("ann").unwrap() != ann);
        // bob is there and not allowed.
        assert!(users.verifier("bob").unwrap() == users.verifier("bob").unwrap());
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(&users.verifier("ann").unwrap().to_string()));
        assert!(!text.contains(&users.verifier("bob").unwrap().to_string()));
        remove(&file, "ann").unwrap();
        assert!(users.verifier("ann").unwrap() == nobody);
        assert!(remove(&file, "ann").is_err());
        for name in ["", "a:b", "#a", " a", "a\n"] {
            assert!(add(&file, name, "secret").is_err(), "{name}");
        }
    }

    #[test]
    fn a_line_that_is_none_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        std::fs::write(&file, "# people\nann:secret\n").unwrap();
        let users = Users::new(&file, None).unwrap();
        let error = users.verifier("ann").unwrap_err().to_string();
        assert!(error.contains("'ann'"), "{error}");
    }
}
