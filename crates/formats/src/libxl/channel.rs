//! Channels between host and guest: `channels`.

use super::section::Section;
use super::write::Writer;
use crate::convert::Notes;
use crate::spelling::device::note_info;
use serde_json::{Value, json};
use virtxen_guest::{Chardev, ChardevSource, ChardevTarget, ChardevTargetType, SocketMode};

/// Where libvirt has the sockets that a document does not name.
const SOCKETS: &str = "/var/lib/libvirt/libxl/channel/target";

/// Writes all channels.
pub(super) fn write(writer: &mut Writer<'_>) {
    let guest = writer.guest;
    let mut channels = Vec::new();
    for (i, channel) in guest.devices.channels.iter().enumerate() {
        let path = format!("/domain/devices/channel[{}]", i + 1);
        if !matches!(channel.target.kind, None | Some(ChardevTargetType::Xen)) {
            writer
                .notes
                .essential(path, "libxl has channels of Xen only");
            continue;
        }
        let Some(name) = &channel.target.name else {
            let reason = "libxl needs the channel's name";
            writer
                .notes
                .essential(format!("{path}/target/@name"), reason);
            continue;
        };
        let mut out = writer.out("device_channel");
        out.set("devid", i);
        out.set("name", name.clone());
        match &channel.source {
            ChardevSource::Pty { .. } => out.set("connection.pty", json!({})),
            ChardevSource::Unix { path, .. } => {
                let path = path.clone();
                let usual = || format!("{SOCKETS}/{}-{name}", guest.name);
                let path = path.unwrap_or_else(usual);
                out.set("connection.socket", json!({ "path": path }));
            }
            other => {
                let reason = format!("libxl has no channel of type '{}'", other.kind());
                writer.notes.essential(path, reason);
                continue;
            }
        }
        note_info(&channel.info, &path, "libxl", &mut writer.notes);
        channels.push(out.into_value());
    }
    writer.list("channels", channels, "/domain/devices/channel");
}

/// Reads all channels.
pub(super) fn read(config: &mut Section<'_>, notes: &mut Notes) -> Vec<Chardev> {
    let list = config.list("channels", notes);
    list.into_iter()
        .filter_map(|channel| read_one(channel, notes))
        .collect()
}

fn read_one(mut channel: Section<'_>, notes: &mut Notes) -> Option<Chardev> {
    let name = channel.text("name", notes);
    let is_pty = channel
        .value("connection.pty")
        .is_some_and(Value::is_object);
    let mut socket = channel.section("connection.socket", notes);
    let source = if is_pty {
        Some(ChardevSource::Pty { path: None })
    } else if channel.has("connection.socket") {
        let path = socket.text("path", notes);
        Some(ChardevSource::Unix {
            mode: path.is_some().then_some(SocketMode::Bind),
            path,
        })
    } else {
        let reason = "it has neither a terminal nor a socket";
        notes.essential(channel.place("connection"), reason);
        None
    };
    socket.finish(notes);
    channel.finish(notes);
    Some(Chardev {
        source: source?,
        target: ChardevTarget {
            kind: Some(ChardevTargetType::Xen),
            name,
            ..ChardevTarget::default()
        },
        ..Chardev::default()
    })
}
