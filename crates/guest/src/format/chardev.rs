//! Character devices.
//!
//! A terminal of this host is written for a running guest only.

use super::info::{INFO, info};
use super::writer::Writer;
use crate::Word;
use crate::{Chardev, ChardevSource, ChardevTarget, SocketMode};

/// Writes a serial or parallel port, a console or a channel.
pub(super) fn chardev(name: &str, chardev: &Chardev, writer: &mut Writer) {
    let kept = &chardev.info.kept;
    writer.open(name);
    writer.attribute("type", chardev.source.kind());
    if let ChardevSource::Pty { path: Some(path) } = &chardev.source
        && name == "console"
        && !writer.hides_host_names()
    {
        writer.attribute("tty", path);
    }
    source(chardev, writer);
    writer.kept_others(kept, "", INFO);
    let target = &chardev.target;
    if *target != ChardevTarget::default() || kept.has("target") {
        writer.open("target");
        writer.word("type", target.kind);
        writer.some("name", target.name.as_deref());
        writer.some_shown("port", target.port);
        writer.kept_attributes(kept, "target");
        writer.kept_elements(kept, "target");
        writer.close("target");
    }
    info(&chardev.info, writer);
    writer.close(name);
}

fn source(chardev: &Chardev, writer: &mut Writer) {
    match &chardev.source {
        ChardevSource::Other { sources, .. } => {
            for source in sources {
                writer.element(source);
            }
        }
        ChardevSource::Tcp {
            mode,
            host,
            service,
            protocol,
        } => {
            end(*mode, host.as_deref(), Some(service), chardev, writer);
            writer.only("protocol", "type", protocol.map(Word::word));
        }
        ChardevSource::Udp {
            connect_host,
            connect_service,
            bind_host,
            bind_service,
        } => {
            for (mode, host, service) in [
                (SocketMode::Bind, bind_host, bind_service),
                (SocketMode::Connect, connect_host, connect_service),
            ] {
                if host.is_some() || service.is_some() {
                    end(mode, host.as_deref(), service.as_deref(), chardev, writer);
                }
            }
        }
        _ => path(chardev, writer),
    }
}

fn end(
    mode: SocketMode,
    host: Option<&str>,
    service: Option<&str>,
    chardev: &Chardev,
    writer: &mut Writer,
) {
    writer.open("source");
    writer.attribute("mode", mode.as_str());
    writer.some("host", host);
    writer.some("service", service);
    // UDP has two ends; what is kept belongs to the last one.
    let is_udp = matches!(chardev.source, ChardevSource::Udp { .. });
    if !(is_udp && mode == SocketMode::Bind) {
        writer.kept_attributes(&chardev.info.kept, "source");
        writer.kept_elements(&chardev.info.kept, "source");
    }
    writer.close("source");
}

fn path(chardev: &Chardev, writer: &mut Writer) {
    let (mut path, mut mode, mut append) = (None, None, None);
    match &chardev.source {
        ChardevSource::Pty { path: terminal } => {
            path = terminal.as_deref().filter(|_| !writer.hides_host_names());
        }
        ChardevSource::Dev { path: device } => path = Some(device.as_str()),
        ChardevSource::Pipe { path: pipe } => path = Some(pipe.as_str()),
        ChardevSource::File {
            path: file,
            append: continued,
        } => {
            path = Some(file.as_str());
            append = *continued;
        }
        ChardevSource::Unix {
            mode: who,
            path: socket,
        } => {
            path = socket.as_deref();
            mode = *who;
        }
        _ => {}
    }
    let kept = &chardev.info.kept;
    if path.is_none() && mode.is_none() && !kept.has("source") {
        return;
    }
    writer.open("source");
    writer.word("mode", mode);
    writer.some("path", path);
    writer.on_off("append", append);
    writer.kept_attributes(kept, "source");
    writer.kept_elements(kept, "source");
    writer.close("source");
}
