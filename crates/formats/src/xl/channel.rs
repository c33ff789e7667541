//! Channels between host and guest: `channel = [ "connection=pty,name=x" ]`.

use crate::convert::{Notes, excerpt};
use crate::keys::{Out, Settings, Words};
use crate::spelling::device::note_info;
use virtxen_guest::{Chardev, ChardevSource, ChardevTarget, ChardevTargetType, SocketMode};

/// Reads all channels.
pub(crate) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Vec<Chardev> {
    let mut channels = Vec::new();
    for entry in file.entries("channel", notes) {
        let mut words = Words::new(&entry);
        let connection = words.text("connection").unwrap_or_default();
        let path = words.owned("path");
        let name = words.owned("name");
        let backend = words.text("backend").filter(|domain| *domain != "0");
        if backend.is_some() {
            words.note("backend", "channels are served by Domain-0", notes);
        }
        words.finish(notes);
        let source = match connection {
            "pty" => ChardevSource::Pty { path: None },
            "socket" => ChardevSource::Unix {
                mode: path.is_some().then_some(SocketMode::Bind),
                path,
            },
            other => {
                let reason = format!("'{}' is no connection", excerpt(other));
                notes.essential_at(format!("{}/connection", entry.path), entry.at, reason);
                continue;
            }
        };
        let target = ChardevTarget {
            kind: Some(ChardevTargetType::Xen),
            name,
            ..ChardevTarget::default()
        };
        channels.push(Chardev {
            source,
            target,
            ..Chardev::default()
        });
    }
    channels
}

/// Writes all channels.
pub(crate) fn write(channels: &[Chardev], out: &mut Out, notes: &mut Notes) {
    let mut texts = Vec::new();
    for (i, channel) in channels.iter().enumerate() {
        let path = format!("/domain/devices/channel[{}]", i + 1);
        if !matches!(channel.target.kind, None | Some(ChardevTargetType::Xen)) {
            notes.essential(path, "xl has channels of Xen only");
            continue;
        }
        let mut text = match &channel.source {
            ChardevSource::Pty { .. } => "connection=pty".to_owned(),
            ChardevSource::Unix { path, .. } => {
                let path = path.iter().map(|path| format!(",path={path}"));
                "connection=socket".to_owned() + &path.collect::<String>()
            }
            other => {
                let reason = format!("xl has no channel of type '{}'", other.kind());
                notes.essential(path, reason);
                continue;
            }
        };
        if let Some(name) = &channel.target.name {
            text += &format!(",name={name}");
        }
        note_info(&channel.info, &path, "xl", notes);
        texts.push(text);
    }
    out.texts("channel", texts);
}
