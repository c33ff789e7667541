//! Who one is to a daemon that wants a name and a password: what the URI says, libvirt's
//! file `auth.conf`, and a person who is asked. What is done with them is in `sasl`.

use crate::{Error, Result, Uri};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// libvirt's file for everybody of a machine.
const FILE: &str = "/etc/libvirt/auth.conf";
/// The variable that names another file.
const VARIABLE: &str = "LIBVIRT_AUTH_FILE";
/// Bytes of a file that are read.
const FILE_MAX: u64 = 1 << 20;
/// What a program is called in the file.
const SERVICE: &str = "auth-libvirt-";

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The user's name on the daemon of this place.
    User(String),
    /// The password of this user on the daemon of this place.
    Password(String, String),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(place) => write!(f, "user on {place}: "),
            Self::Password(user, place) => write!(f, "password of {user} on {place}: "),
        }
    }
}

/// Asks a person. It may take as long as a person takes.
pub type Ask = Arc<dyn Fn(&Question) -> std::io::Result<String> + Send + Sync>;

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// Where names and passwords come from, and those that were good once: the connection
/// may have to be made anew when nobody is there to be asked.
#[derive(Default)]
pub(crate) struct Credentials {
    ask: Option<Ask>,
    good: Mutex<Option<Known>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// With somebody who can be asked, or nobody.
    pub(crate) fn new(ask: Option<Ask>) -> Self {
        Self {
            ask,
            good: Mutex::default(),
        }
    }

    /// The daemon has taken these.
    pub(crate) fn keep(&self, known: Known) {
        *self.good.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    fn good(&self) -> Option<Known> {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.clone()
    }

    /// Name and password for the daemon of a URI.
    ///
    /// # Errors
    /// When nobody has them, or the file cannot be read.
    pub(crate) async fn find(&self, uri: &Uri) -> Result<Known> {
        if let Some(known) = self.good() {
            return Ok(known);
        }
        let entry = entry(uri)?;
        let place = uri.place();
        let user = match uri.user.clone().or(entry.user) {
            Some(user) => user,
            None => self.asked(uri, Question::User(place.clone())).await?,
        };
        let password = match entry.password {
            Some(password) => password,
            None => {
                let question = Question::Password(user.clone(), place);
                self.asked(uri, question).await?
            }
        };
        Ok(Known { user, password })
    }

    async fn asked(&self, uri: &Uri, question: Question) -> Result<String> {
        let missing = |reason: &str| Error::Connect {
            place: uri.place(),
            reason: reason.to_owned(),
        };
        let Some(ask) = self.ask.clone() else {
            return Err(missing(
                "it wants a name and a password, and there are none for it in auth.conf: \
                 authfile=PATH in the URI names another file, and on a terminal a person is asked",
            ));
        };
        let asked = tokio::task::spawn_blocking(move || ask(&question)).await;
        let asked = asked.map_err(|_| missing("the question for a password broke off"))?;
        asked.map_err(|error| missing(&format!("it wants a name and a password: {error}")))
    }
}

/// What the file has for a daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    user: Option<String>,
    password: Option<String>,
}

fn entry(uri: &Uri) -> Result<Entry> {
    let Some(path) = file(uri) else {
        return Ok(Entry::default());
    };
    let text = read(&path).map_err(|error| Error::Connect {
        place: uri.place(),
        reason: format!("{}: {error}", path.display()),
    })?;
    Ok(find(&text, uri.host().unwrap_or("localhost")))
}

/// The first of libvirt's files that there is; one that was named has to be there.
fn file(uri: &Uri) -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let named = named.map(PathBuf::from).or_else(|| uri.authfile.clone());
    if named.is_some() {
        return named;
    }
    let own = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let own = own.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".config")));
    let own = own.map(|folder| folder.join("libvirt/auth.conf"));
    own.into_iter()
        .chain([PathBuf::from(FILE)])
        .find(|path| path.exists())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// What a file has for a host: the credentials that its group names, else those of the
/// group for all others.
fn find(text: &str, host: &str) -> Entry {
    let group = |name: &str| value(text, &format!("{SERVICE}{name}"), "credentials");
    let Some(name) = group(host).or_else(|| group("default")) else {
        return Entry::default();
    };
    let of = |key: &str| value(text, &format!("credentials-{name}"), key).map(str::to_owned);
    Entry {
        user: of("authname").or_else(|| of("username")),
        password: of("password"),
    }
}

/// The value of a key in a group.
fn value<'a>(text: &'a str, group: &str, key: &str) -> Option<&'a str> {
    let mut here = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            here = name.trim() == group;
        } else if here && !line.starts_with('#') {
            match line.split_once('=') {
                Some((name, value)) if name.trim() == key => return Some(value.trim()),
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# who we are
[credentials-house]
authname = ann
password = a = b

[credentials-others]
#password=old
authname=guest

[auth-libvirt-xen1.example.org]
credentials=house

[auth-libvirt-default]
credentials=others
[auth-vnc-xen2]
credentials=house
";

    fn entry(user: Option<&str>, password: Option<&str>) -> Entry {
        Entry {
            user: user.map(str::to_owned),
            password: password.map(str::to_owned),
        }
    }

    #[test]
    fn a_host_has_its_group_and_others_have_the_default() {
        let house = entry(Some("ann"), Some("a = b"));
        assert_eq!(find(TEXT, "xen1.example.org"), house);
        assert_eq!(find(TEXT, "xen2"), entry(Some("guest"), None));
        assert_eq!(
            find("[auth-libvirt-x]\ncredentials=gone", "x"),
            Entry::default()
        );
        assert_eq!(find("", "x"), Entry::default());
    }

    #[tokio::test]
    async fn a_person_is_asked_for_what_nobody_has_and_once_only() {
        let file = std::env::temp_dir().join(format!("virtxen-auth-{}", std::process::id()));
        std::fs::write(&file, TEXT).unwrap();
        let uri = format!("virtxen+tls://xen2/?authfile={}", file.display());
        let uri = Uri::parse(&uri).unwrap();
        let nobody = Credentials::new(None).find(&uri).await;
        assert!(nobody.is_err_and(|error| error.to_string().contains("auth.conf")));
        let ask: Ask = Arc::new(|question| Ok(question.to_string()));
        let credentials = Credentials::new(Some(ask));
        let known = credentials.find(&uri).await.unwrap();
        let asked = "password of guest on xen2 port 16514: ";
        assert_eq!(
            (known.user.as_str(), known.password.as_str()),
            ("guest", asked)
        );
        std::fs::remove_file(&file).unwrap();
        assert!(credentials.find(&uri).await.is_err(), "the file is gone");
        credentials.keep(known.clone());
        assert!(credentials.find(&uri).await.unwrap() == known);
    }
}
