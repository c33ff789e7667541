//! Who a client is, as other daemons are told (`virConnectSetIdentity`).
//!
//! Where it comes from is in `peer` and `auth`; what he may do is not decided here.

use crate::auth::Login;
use crate::peer::Peer;
use std::path::Path;
use virtxen_rpc::{TypedParam, TypedValue};

/// The parameters that say who a client is.
pub(crate) fn parameters(login: &Login) -> Vec<TypedParam> {
    let mut parameters = Vec::new();
    let mut add = |name: &str, value: Option<TypedValue>| {
        parameters.extend(value.map(|value| TypedParam::new(name, value)));
    };
    add("sasl-user-name", login.user().map(Into::into));
    match login.peer() {
        Peer::Unix {
            pid,
            start,
            uid,
            gid,
        } => {
            add("unix-user-id", Some(u64::from(*uid).into()));
            add("user-name", name(Path::new("/etc/passwd"), *uid));
            add("unix-group-id", Some(u64::from(*gid).into()));
            add("group-name", name(Path::new("/etc/group"), *gid));
            add("process-id", pid.map(|pid| i64::from(pid).into()));
            add("process-time", start.map(Into::into));
        }
        Peer::Net { name, .. } => add("x509-distinguished-name", name.as_deref().map(Into::into)),
    }
    parameters
}

/// The first field of the line whose third is the number.
fn name(file: &Path, id: u32) -> Option<TypedValue> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found = fields.nth(1)?.parse() == Ok(id);
        found.then(|| name.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Method;
    use tokio::net::UnixStream;

    #[tokio::test]
    async fn the_kernel_tells_who_is_at_the_other_end() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let login = Login::new(Method::None, Peer::unix(&ours).unwrap());
        let parameters = parameters(&login);
        let value = |name: &str| {
            let found = parameters.iter().find(|parameter| parameter.field == name);
            found.map(|parameter| parameter.value.clone())
        };
        let id = i64::from(std::process::id());
        assert_eq!(value("process-id"), Some(TypedValue::LLong(id)));
        for name in ["unix-user-id", "unix-group-id", "process-time"] {
            let value = value(name);
            assert!(matches!(value, Some(TypedValue::ULLong(_))), "{value:?}");
        }
    }
}
