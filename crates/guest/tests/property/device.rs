//! Devices other than disks and interfaces, and what all have.
//! What a whole guest is beside its devices is in the neighbouring files.

use super::markup::{element, kept, maybe, name, path, word};
use super::{network, storage};
use proptest::collection::vec;
use proptest::prelude::*;
use virtxen_guest::{
    Address, Attribute, Chardev, ChardevSource, ChardevTarget, Controller, ControllerType, Device,
    DeviceInfo, Devices, DriveAddress, Emulator, Graphics, GraphicsListen, GraphicsServer, Hostdev,
    HostdevSource, Input, Memballoon, MemoryKib, PciAddress, Qubes, Sdl, Sound, Spice, UsbSource,
    Video, Vnc,
};

/// All devices of a guest.
pub(crate) fn all() -> impl Strategy<Value = Devices> {
    let lists = (
        storage::disks(),
        vec(network::interface(), 0..3),
        vec(one(), 0..6),
    );
    (
        maybe(emulator()),
        lists,
        vec(element("watchdog"), 0..2),
        vec(element("rng"), 0..2),
    )
        .prop_map(|(emulator, (disks, interfaces, others), watchdogs, rngs)| {
            let mut devices = Devices::default();
            for device in others {
                // Those need different names.
                if !matches!(device, Device::Disk(_) | Device::Other(_)) {
                    devices.push(device);
                }
            }
            devices.emulator = emulator;
            devices.disks = disks;
            devices.interfaces.extend(interfaces);
            devices.others = watchdogs.into_iter().chain(rngs).collect();
            number_boot_order(&mut devices);
            devices
        })
}

/// One device.
pub(crate) fn one() -> impl Strategy<Value = Device> {
    prop_oneof![
        storage::disk().prop_map(|disk| Device::Disk(Box::new(disk))),
        network::interface().prop_map(|interface| Device::Interface(Box::new(interface))),
        controller().prop_map(Device::Controller),
        chardev().prop_map(Device::Serial),
        chardev().prop_map(Device::Parallel),
        chardev().prop_map(Device::Console),
        chardev().prop_map(Device::Channel),
        (word(), maybe(word()), info(&["@model", "/driver"]))
            .prop_map(|(kind, bus, info)| Device::Input(Input { kind, bus, info })),
        graphics().prop_map(|graphics| Device::Graphics(Box::new(graphics))),
        (word(), info(&["/codec"])).prop_map(|(model, info)| Device::Sound(Sound { model, info })),
        video().prop_map(Device::Video),
        hostdev().prop_map(Device::Hostdev),
        (word(), info(&["@autodeflate", "/stats"]))
            .prop_map(|(model, info)| Device::Memballoon(Memballoon { model, info })),
        element("tpm").prop_map(Device::Other),
    ]
}

/// Whether single devices have a boot order.
pub(crate) fn has_boot_order(devices: &Devices) -> bool {
    let disks = devices.disks.iter().map(|device| &device.info);
    let interfaces = devices.interfaces.iter().map(|device| &device.info);
    let hostdevs = devices.hostdevs.iter().map(|device| &device.info);
    let mut all = disks.chain(interfaces).chain(hostdevs);
    all.any(|info| info.boot_order.is_some())
}

fn number_boot_order(devices: &mut Devices) {
    let disks = devices.disks.iter_mut().map(|device| &mut device.info);
    let interfaces = devices.interfaces.iter_mut().map(|device| &mut device.info);
    let hostdevs = devices.hostdevs.iter_mut().map(|device| &mut device.info);
    let all = disks.chain(interfaces).chain(hostdevs);
    for (order, info) in (1..).zip(all) {
        info.boot_order = info.boot_order.map(|_| order);
    }
}

/// What all devices have.
pub(crate) fn info(parts: &'static [&'static str]) -> impl Strategy<Value = DeviceInfo> {
    (
        maybe(1_u32..9),
        maybe(name()),
        maybe(address()),
        kept(parts),
    )
        .prop_map(|(boot_order, alias, address, kept)| DeviceInfo {
            boot_order,
            alias,
            address,
            kept,
        })
}

/// A PCI function.
pub(crate) fn pci() -> impl Strategy<Value = PciAddress> {
    (any::<u32>(), any::<u8>(), 0_u8..32, 0_u8..8).prop_map(|(domain, bus, slot, function)| {
        PciAddress {
            domain,
            bus,
            slot,
            function,
        }
    })
}

fn address() -> impl Strategy<Value = Address> {
    let drive = any::<[u32; 4]>();
    prop_oneof![
        drive.prop_map(
            |[controller, bus, target, unit]| Address::Drive(DriveAddress {
                controller,
                bus,
                target,
                unit,
            })
        ),
        (pci(), maybe(any::<bool>())).prop_map(|(address, multifunction)| {
            Address::Pci {
                address,
                multifunction,
            }
        }),
        (any::<u32>(), maybe(name())).prop_map(|(bus, port)| Address::Usb { bus, port }),
        name().prop_map(|value| {
            let pair = |name: &str, value: &str| Attribute {
                name: name.to_owned(),
                value: value.to_owned(),
            };
            Address::Other(vec![pair("type", "ccw"), pair("cssid", &value)])
        }),
    ]
}

fn controller() -> impl Strategy<Value = Controller> {
    let numbers = any::<[Option<u32>; 4]>();
    (
        word::<ControllerType>(),
        maybe(name()),
        numbers,
        info(&["@vectors", "/driver"]),
    )
        .prop_map(
            |(kind, model, [index, ports, max_event_channels, max_grant_frames], info)| {
                Controller {
                    kind,
                    index,
                    model,
                    ports,
                    max_event_channels,
                    max_grant_frames,
                    info,
                }
            },
        )
}

fn chardev() -> impl Strategy<Value = Chardev> {
    let target = || {
        (maybe(word()), maybe(any::<u32>()), maybe(name()))
            .prop_map(|(kind, port, name)| ChardevTarget { kind, port, name })
    };
    let known = (
        chardev_source(),
        target(),
        info(&["/log", "target/model", "source@tls"]),
    );
    let other = (vec(element("source"), 0..2), target(), info(&["/log"]));
    prop_oneof![
        9 => known.prop_map(|(source, target, info)| Chardev { source, target, info }),
        1 => other.prop_map(|(sources, target, info)| {
            let kind = "spicevmc".to_owned();
            let source = ChardevSource::Other { kind, sources };
            Chardev { source, target, info }
        }),
    ]
}

fn chardev_source() -> impl Strategy<Value = ChardevSource> {
    let end = || (maybe(name()), maybe(name()));
    prop_oneof![
        Just(ChardevSource::Null),
        Just(ChardevSource::Vc),
        Just(ChardevSource::Stdio),
        maybe(name()).prop_map(|path| ChardevSource::Pty { path }),
        name().prop_map(|path| ChardevSource::Dev { path }),
        name().prop_map(|path| ChardevSource::Pipe { path }),
        (name(), maybe(any::<bool>()))
            .prop_map(|(path, append)| ChardevSource::File { path, append }),
        (maybe(word()), maybe(name())).prop_map(|(mode, path)| ChardevSource::Unix { mode, path }),
        (word(), maybe(name()), name(), maybe(word())).prop_map(
            |(mode, host, service, protocol)| ChardevSource::Tcp {
                mode,
                host,
                service,
                protocol,
            }
        ),
        (maybe(name()), name(), end()).prop_map(|(connect_host, service, bind)| {
            ChardevSource::Udp {
                connect_host,
                connect_service: Some(service),
                bind_host: bind.0,
                bind_service: bind.1,
            }
        }),
    ]
}

fn graphics() -> impl Strategy<Value = Graphics> {
    let flag = || maybe(any::<bool>());
    let ports = || (maybe(1_u16..), any::<bool>());
    let texts = || (vec(listen(), 0..3), maybe(name()), maybe(name()));
    let vnc = (ports(), texts(), kept(&["@websocket", "/audio"])).prop_map(
        |((mut port, mut autoport), (listens, keymap, passwd), kept)| {
            if matches!(listens.first(), Some(GraphicsListen::Socket { .. })) {
                // A server on a socket has no port.
                (port, autoport) = (None, true);
            }
            let server = GraphicsServer::Vnc(Vnc {
                port,
                autoport,
                listens,
                keymap,
                passwd,
            });
            Graphics { server, kept }
        },
    );
    let spice = (
        ports(),
        texts(),
        maybe(1_u16..),
        maybe(word()),
        flag(),
        kept(&["/image"]),
    )
        .prop_map(
            |((port, autoport), texts, tls_port, mouse_mode, clipboard_copypaste, kept)| {
                let (listens, keymap, passwd) = texts;
                // Only VNC has the socket as an attribute; the element is both's.
                let server = GraphicsServer::Spice(Spice {
                    port,
                    tls_port,
                    autoport,
                    listens,
                    keymap,
                    passwd,
                    mouse_mode,
                    clipboard_copypaste,
                });
                Graphics { server, kept }
            },
        );
    let sdl = (maybe(name()), maybe(name()), flag(), flag());
    let sdl = sdl.prop_map(|(display, xauth, fullscreen, opengl)| {
        Sdl {
            display,
            xauth,
            fullscreen,
            opengl,
        }
        .into()
    });
    let other = element("graphics").prop_map(|mut element| {
        element = element.with("type", "rdp");
        Graphics::new(GraphicsServer::Other(element))
    });
    let qubes = (maybe(name()), maybe(any::<i32>())).prop_map(|(domain, log_level)| {
        Graphics::new(GraphicsServer::Qubes(Qubes { domain, log_level }))
    });
    prop_oneof![vnc, spice, sdl, qubes, other]
}

fn listen() -> impl Strategy<Value = GraphicsListen> {
    prop_oneof![
        maybe(name()).prop_map(|address| GraphicsListen::Address { address }),
        (name(), maybe(name()))
            .prop_map(|(network, address)| GraphicsListen::Network { network, address }),
        maybe(name()).prop_map(|path| GraphicsListen::Socket { path }),
        Just(GraphicsListen::None),
    ]
}

fn video() -> impl Strategy<Value = Video> {
    let numbers = any::<[Option<u32>; 2]>();
    let primary = maybe(any::<bool>());
    let kept = &["/driver", "model@ram", "model/acceleration"];
    (word(), numbers, primary, info(kept)).prop_map(|(model, [vram, heads], primary, info)| Video {
        model,
        vram,
        heads,
        primary,
        info,
    })
}

/// The device model.
fn emulator() -> impl Strategy<Value = Emulator> {
    let texts = (path(), maybe(path()), maybe(path()), maybe(name()));
    (texts, maybe(word()), maybe(any::<u64>())).prop_map(
        |((path, kernel, ramdisk, cmdline), kind, memory)| Emulator {
            path: Some(path),
            kind,
            memory: memory.map(MemoryKib),
            kernel,
            ramdisk,
            cmdline,
        },
    )
}

fn hostdev() -> impl Strategy<Value = Hostdev> {
    let flag = || maybe(any::<bool>());
    let about = || (flag(), maybe(name()), info(&["/teaming", "driver@model"]));
    prop_oneof![
        (pci(), flag(), flag(), about()).prop_map(
            |(address, write_filtering, power_filtering, about)| {
                let source = HostdevSource::Pci {
                    address,
                    write_filtering,
                    power_filtering,
                };
                with_about(source, about)
            }
        ),
        (usb(), about()).prop_map(|(usb, about)| with_about(HostdevSource::Usb(usb), about)),
        element("hostdev").prop_map(|element| {
            let element = element.with("mode", "subsystem").with("type", "mdev");
            Hostdev::new(HostdevSource::Other(element))
        }),
    ]
}

fn usb() -> impl Strategy<Value = UsbSource> {
    let place = any::<(u16, u16, Option<u32>, Option<u32>)>();
    place.prop_map(|(vendor, product, bus, device)| UsbSource {
        vendor: Some(vendor),
        product: Some(product),
        bus,
        device,
    })
}

fn with_about(
    source: HostdevSource,
    (managed, driver, info): (Option<bool>, Option<String>, DeviceInfo),
) -> Hostdev {
    Hostdev {
        source,
        managed,
        no_strict_reset: managed == Some(false),
        driver,
        info,
    }
}
