//! Character devices in qemu's words, which all of Xen's languages hand through:
//! `pty`, `/dev/ttyS0`, `telnet:localhost:9999,server,nowait`.
//!
//! Which ports a guest has, and under which name, is in each language's folder.

use crate::convert::{Notes, excerpt};
use virtxen_guest::{
    Chardev, ChardevSource, ChardevTarget, ChardevTargetType, SocketMode, TcpProtocol,
};

/// One device in qemu's words; `None` for `none` and for what is not understood.
pub(crate) fn parse(text: &str, path: &str, notes: &mut Notes) -> Option<ChardevSource> {
    let (kind, rest) = match text.split_once(':') {
        _ if text.starts_with('/') => ("dev", text),
        Some((kind, rest)) => (kind, rest),
        None => (text, ""),
    };
    let source = match kind {
        "none" | "" => return None,
        "null" => ChardevSource::Null,
        "vc" => ChardevSource::Vc,
        "pty" => ChardevSource::Pty { path: None },
        "stdio" => ChardevSource::Stdio,
        "dev" => ChardevSource::Dev {
            path: rest.to_owned(),
        },
        "file" => ChardevSource::File {
            path: rest.to_owned(),
            append: None,
        },
        "pipe" => ChardevSource::Pipe {
            path: rest.to_owned(),
        },
        "tcp" => tcp(rest, TcpProtocol::Raw),
        "telnet" => tcp(rest, TcpProtocol::Telnet),
        "udp" => udp(rest),
        "unix" => {
            let (socket, options) = rest.split_once(',').unwrap_or((rest, ""));
            ChardevSource::Unix {
                mode: Some(mode(options)),
                path: filled(socket),
            }
        }
        _ => {
            notes.essential(
                path,
                format!("'{}' is no character device known here", excerpt(text)),
            );
            return None;
        }
    };
    Some(source)
}

fn tcp(rest: &str, protocol: TcpProtocol) -> ChardevSource {
    let (address, options) = rest.split_once(',').unwrap_or((rest, ""));
    let (host, service) = address.rsplit_once(':').unwrap_or(("", address));
    ChardevSource::Tcp {
        mode: mode(options),
        host: filled(host),
        service: service.to_owned(),
        protocol: Some(protocol),
    }
}

fn udp(rest: &str) -> ChardevSource {
    let (connect, bind) = rest.split_once('@').unwrap_or((rest, ""));
    let pair = |text: &str| {
        let (host, service) = text.rsplit_once(':').unwrap_or(("", text));
        (filled(host), filled(service))
    };
    let (connect_host, connect_service) = pair(connect);
    let (bind_host, bind_service) = pair(bind);
    ChardevSource::Udp {
        connect_host,
        connect_service,
        bind_host,
        bind_service,
    }
}

fn mode(options: &str) -> SocketMode {
    if options.split(',').any(|option| option == "server") {
        SocketMode::Bind
    } else {
        SocketMode::Connect
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// qemu's words for one device.
pub(crate) fn words(source: &ChardevSource, path: &str, notes: &mut Notes) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let server = |mode: SocketMode| match mode {
        SocketMode::Bind => ",server,nowait",
        SocketMode::Connect => "",
    };
    match source {
        ChardevSource::Null
        | ChardevSource::Vc
        | ChardevSource::Stdio
        | ChardevSource::Pty { .. } => source.kind().to_owned(),
        ChardevSource::Dev { path } => path.clone(),
        ChardevSource::File { path: file, append } => {
            if append == &Some(true) {
                notes.setting(
                    format!("{path}/source/@append"),
                    "qemu-dm starts the file anew",
                );
            }
            format!("file:{file}")
        }
        ChardevSource::Pipe { path } => format!("pipe:{path}"),
        ChardevSource::Tcp {
            mode,
            host,
            service,
            protocol,
        } => {
            let kind = tcp_word(*protocol, path, notes);
            format!("{kind}:{}:{service}{}", text(host), server(*mode))
        }
        ChardevSource::Udp {
            connect_host,
            connect_service,
            bind_host,
            bind_service,
        } => format!(
            "udp:{}:{}@{}:{}",
            text(connect_host),
            text(connect_service),
            text(bind_host),
            text(bind_service)
        ),
        ChardevSource::Unix { mode, path } => {
            let mode = mode.unwrap_or(SocketMode::Connect);
            format!("unix:{}{}", text(path), server(mode))
        }
        ChardevSource::Other { kind, .. } => {
            notes.essential(
                path,
                format!("qemu-dm has no character device of type '{kind}'"),
            );
            none()
        }
    }
}

fn tcp_word(protocol: Option<TcpProtocol>, path: &str, notes: &mut Notes) -> &'static str {
    match protocol {
        None | Some(TcpProtocol::Raw) => "tcp",
        Some(TcpProtocol::Telnet) => "telnet",
        Some(other) => {
            let path = format!("{path}/protocol/@type");
            notes.essential(path, format!("qemu-dm does not speak {other}"));
            "tcp"
        }
    }
}

/// The word for no device.
pub(crate) fn none() -> String {
    "none".to_owned()
}

/// The console of a paravirtualized guest; `tty` is its terminal while it runs.
pub(crate) fn pv_console(tty: Option<String>) -> Chardev {
    Chardev {
        source: ChardevSource::Pty { path: tty },
        target: ChardevTarget {
            kind: Some(ChardevTargetType::Xen),
            port: Some(0),
            name: None,
        },
        ..Chardev::default()
    }
}

/// A port with its number.
pub(crate) fn at_port(source: ChardevSource, port: u32) -> Chardev {
    Chardev {
        source,
        target: ChardevTarget {
            port: Some(port),
            ..ChardevTarget::default()
        },
        ..Chardev::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_both_ways() {
        for text in [
            "null",
            "vc",
            "pty",
            "stdio",
            "/dev/ttyS0",
            "file:/tmp/a:b",
            "pipe:/tmp/p",
            "tcp:localhost:9999",
            "telnet::9999,server,nowait",
            "udp:localhost:9998@localhost:9999",
            "udp::9998@:",
            "unix:/tmp/s,server,nowait",
            "unix:/tmp/s",
        ] {
            let mut notes = Notes::default();
            let source = parse(text, "x", &mut notes).unwrap();
            assert_eq!(words(&source, "x", &mut notes), text);
            assert!(notes.into_converted(()).notes.is_empty());
        }
    }

    #[test]
    fn unknown_words_are_noted() {
        let mut notes = Notes::default();
        assert_eq!(parse("mon:stdio", "x", &mut notes), None);
        assert_eq!(parse("none", "x", &mut notes), None);
        assert_eq!(notes.into_converted(()).notes.len(), 1);
    }
}
