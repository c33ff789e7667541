//! Consoles of all kinds: graphical ones, ports, channels, and what they are used with.

use super::{name, path};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use virtxen_guest::*;

/// Consoles and, for a fully virtualized guest, the card that draws them.
pub(crate) fn graphics(hvm: bool) -> impl Strategy<Value = (Vec<Graphics>, Vec<Video>)> {
    let cards = [VideoModel::Vga, VideoModel::Cirrus, VideoModel::Qxl];
    let video = (select(cards.to_vec()), (128_u32 << 10)..(256 << 10));
    let console = match hvm {
        true => prop_oneof![vnc(), sdl(), spice(), qubes()].boxed(),
        false => prop_oneof![vnc(), sdl()].boxed(),
    };
    (of(console), video).prop_map(move |(console, (model, vram))| {
        let video = Video {
            vram: Some(vram),
            ..Video::new(model)
        };
        let videos = console.iter().filter(|_| hvm).map(|_| video.clone());
        let videos = videos.collect();
        (console.into_iter().collect(), videos)
    })
}

fn listen(address: String) -> GraphicsListen {
    GraphicsListen::Address {
        address: Some(address),
    }
}

fn vnc() -> impl Strategy<Value = Graphics> {
    let texts = (of("[0-9.]{3,9}"), of(name()), of(name()));
    (of(5900_u16..), texts).prop_map(|(port, (address, keymap, passwd))| {
        let vnc = Vnc {
            port,
            autoport: port.is_none(),
            listens: address.into_iter().map(listen).collect(),
            keymap,
            passwd,
        };
        vnc.into()
    })
}

fn spice() -> impl Strategy<Value = Graphics> {
    let texts = ("[0-9.]{3,9}", of(name()), of(name()));
    let ports = (5900_u16.., of(5900_u16..));
    (ports, texts, select(MouseMode::ALL), any::<bool>()).prop_map(
        |((port, tls_port), (address, keymap, passwd), mouse_mode, clipboard)| {
            let spice = Spice {
                port: Some(port),
                tls_port,
                autoport: false,
                listens: vec![listen(address)],
                keymap,
                passwd,
                mouse_mode: Some(mouse_mode),
                clipboard_copypaste: Some(clipboard),
            };
            spice.into()
        },
    )
}

fn sdl() -> impl Strategy<Value = Graphics> {
    (of(name()), of(path()), any::<bool>()).prop_map(|(display, xauth, opengl)| {
        let sdl = Sdl {
            display,
            xauth,
            fullscreen: None,
            opengl: opengl.then_some(true),
        };
        sdl.into()
    })
}

fn qubes() -> impl Strategy<Value = Graphics> {
    (of(name()), of(1_i32..4)).prop_map(|(domain, log_level)| {
        Graphics::new(GraphicsServer::Qubes(Qubes { domain, log_level }))
    })
}

pub(crate) fn console() -> Chardev {
    Chardev {
        target: ChardevTarget {
            kind: Some(ChardevTargetType::Xen),
            port: Some(0),
            name: None,
        },
        ..Chardev::default()
    }
}

pub(crate) fn ports(hvm: bool) -> impl Strategy<Value = Vec<Chardev>> {
    let source = prop_oneof![
        Just(ChardevSource::Null),
        Just(ChardevSource::Pty { path: None }),
        path().prop_map(|path| ChardevSource::File { path, append: None }),
        name().prop_map(|service| ChardevSource::Udp {
            connect_host: None,
            connect_service: Some(service),
            bind_host: None,
            bind_service: None,
        }),
    ];
    vec(source, 0..3).prop_map(move |sources| {
        let port = |(port, source)| Chardev {
            source,
            target: ChardevTarget {
                port: Some(port),
                ..ChardevTarget::default()
            },
            ..Chardev::default()
        };
        let sources = sources.into_iter().filter(|_| hvm);
        (0..).zip(sources).map(port).collect()
    })
}

pub(crate) fn channel() -> impl Strategy<Value = Chardev> {
    (name(), of(path())).prop_map(|(name, path)| Chardev {
        source: match path {
            Some(path) => ChardevSource::Unix {
                mode: Some(SocketMode::Bind),
                path: Some(path),
            },
            None => ChardevSource::Pty { path: None },
        },
        target: ChardevTarget {
            kind: Some(ChardevTargetType::Xen),
            name: Some(name),
            ..ChardevTarget::default()
        },
        ..Chardev::default()
    })
}

pub(crate) fn inputs(hvm: bool) -> impl Strategy<Value = Vec<Input>> {
    let kinds = [InputType::Tablet, InputType::Mouse, InputType::Keyboard];
    let kinds = proptest::sample::subsequence(kinds.to_vec(), 0..3);
    kinds.prop_map(move |kinds| {
        let kinds = kinds.into_iter().filter(|_| hvm);
        kinds.map(|kind| Input::new(kind, InputBus::Usb)).collect()
    })
}

pub(crate) fn sounds(hvm: bool) -> impl Strategy<Value = Vec<Sound>> {
    let models = [
        SoundModel::Sb16,
        SoundModel::Es1370,
        SoundModel::Ac97,
        SoundModel::Ich6,
    ];
    of(select(models.to_vec())).prop_map(move |model| {
        let model = model.filter(|_| hvm);
        model.into_iter().map(Sound::new).collect()
    })
}
