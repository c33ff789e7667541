//! Images of a Ceph cluster in qemu's words, which are the `target` of an xl disk:
//! `rbd:pool/image:id=user:auth_supported=none:mon_host=a\:6789\;b`.

use crate::convert::{Notes, excerpt};
use virtxen_guest::{DiskAuth, NetworkDisk, NetworkHost};

/// Reads an image.
pub(crate) fn read(target: &str, path: &str, notes: &mut Notes) -> NetworkDisk {
    let rest = target.strip_prefix("rbd:").unwrap_or(target);
    let mut options = split(rest, ':').into_iter();
    let mut image = NetworkDisk {
        protocol: "rbd".to_owned(),
        name: options.next().map(|name| plain(&name)),
        ..NetworkDisk::default()
    };
    for option in options {
        let (key, value) = option.split_once('=').unwrap_or((&option, ""));
        match (key, value) {
            ("auth_supported", "none") | ("conf", "") => {}
            ("auth_supported", _) => {
                let reason = "the secret has to be given to libvirt";
                notes.essential(format!("{path}/auth_supported"), reason);
            }
            ("mon_host", hosts) => image
                .hosts
                .extend(split(hosts, ';').iter().map(|h| host(h))),
            ("id", user) => {
                image.auth = Some(DiskAuth {
                    username: plain(user),
                    secret_type: Some("ceph".to_owned()),
                    ..DiskAuth::default()
                });
            }
            // Not even its start belongs into a message.
            ("key", _) => {
                let reason = "the secret has to be given to libvirt";
                notes.essential(format!("{path}/key"), reason);
            }
            (key, value) => {
                let reason = format!("'{}' has no place in the domain document", excerpt(value));
                notes.setting(format!("{path}/{}", excerpt(key)), reason);
            }
        }
    }
    image
}

/// Splits at a sign that has no backslash before it; backslashes stay, except
/// before a semicolon, which only ever separates.
fn split(text: &str, sign: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        let separates = c == sign || (sign == ';' && escaped == Some(';'));
        if separates {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
            part.extend(escaped);
        }
    }
    parts
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or(c)
        } else {
            c
        });
    }
    out
}

/// `name`, `name\:port`, `[2001\:db8\:\:1]\:port`.
fn host(text: &str) -> NetworkHost {
    let text = plain(text);
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text.as_str(), None),
        },
    };
    NetworkHost {
        name: Some(name.to_owned()),
        port: port.filter(|port| !port.is_empty()).map(str::to_owned),
        ..NetworkHost::default()
    }
}

/// Writes an image; `None` when xl cannot serve it.
pub(crate) fn write(image: &NetworkDisk, path: &str, notes: &mut Notes) -> Option<String> {
    let name = image.name.as_deref().unwrap_or_default();
    if image.protocol != "rbd" || name.is_empty() || name.contains([':', '\\']) {
        let reason = format!(
            "xl serves no '{}' image '{}'",
            image.protocol,
            excerpt(name)
        );
        notes.essential(format!("{path}/source"), reason);
        return None;
    }
    let mut text = format!("rbd:{name}");
    if let Some(auth) = &image.auth {
        let reason = "the file holds no secret: give it to the host's ceph.conf";
        notes.essential(format!("{path}/auth"), reason);
        text += &format!(":id={}", escaped(&auth.username));
    }
    text += ":auth_supported=none";
    let mut hosts = Vec::new();
    for (i, host) in image.hosts.iter().enumerate() {
        let Some(name) = &host.name else {
            let path = format!("{path}/source/host[{}]", i + 1);
            notes.essential(path, "xl speaks TCP with it and needs a name");
            continue;
        };
        let brackets = if name.contains(':') {
            ("[", "]")
        } else {
            ("", "")
        };
        let name = format!("{}{}{}", brackets.0, escaped(name), brackets.1);
        let port = host.port.iter().map(|port| format!("\\:{port}"));
        hosts.push(name + &port.collect::<String>());
    }
    if !hosts.is_empty() {
        text += &format!(":mon_host={}", hosts.join("\\;"));
    }
    Some(text)
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, ':' | '\\' | ';' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_go_both_ways() {
        let text = "rbd:pool/image:auth_supported=none:\
                    mon_host=a.example\\:6321\\;[2001\\:db8\\:\\:1]\\:6322\\;c";
        let mut notes = Notes::default();
        let image = read(text, "x", &mut notes);
        assert_eq!(image.name.as_deref(), Some("pool/image"));
        let hosts: Vec<_> = image
            .hosts
            .iter()
            .map(|h| (h.name.as_deref().unwrap(), h.port.as_deref()))
            .collect();
        let expected = [
            ("a.example", Some("6321")),
            ("2001:db8::1", Some("6322")),
            ("c", None),
        ];
        assert_eq!(hosts, expected);
        assert_eq!(write(&image, "x", &mut notes).as_deref(), Some(text));
        assert!(notes.into_converted(()).notes.is_empty());
    }

    #[test]
    fn secrets_are_not_told() {
        let mut notes = Notes::default();
        let image = read(
            "rbd:a/b:id=me:key=c2VjcmV0:auth_supported=cephx",
            "x",
            &mut notes,
        );
        assert_eq!(image.auth.map(|auth| auth.username).as_deref(), Some("me"));
        let notes = notes.into_converted(()).notes;
        assert!(notes.iter().all(|note| !note.reason.contains("c2V")));
        assert_eq!(notes.iter().filter(|note| note.essential).count(), 2);
    }
}
