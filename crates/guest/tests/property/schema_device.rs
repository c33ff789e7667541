//! Devices that libvirt's schema accepts, as the neighbouring file does it for
//! what else a guest is.

use super::schema::{only, own, path};
use virtxen_guest::{
    Address, Attribute, Chardev, ChardevSource, ChardevTargetType, Controller, ControllerType,
    DeviceInfo, Devices, Disk, DiskBus, DiskDevice, DiskSource, Element, Emulator, Graphics,
    GraphicsListen, GraphicsServer, Hostdev, HostdevSource, Input, InputBus, InputType, Interface,
    InterfaceIp, InterfaceSource, NetworkDisk, NetworkHost, Rate, Sdl, SoundModel, Video,
    VideoModel, VirtualPort,
};

/// The devices, in words of the schema.
pub(crate) fn settle(devices: &mut Devices) {
    devices.emulator = devices.emulator.take().map(|emulator| Emulator {
        path: emulator.path,
        ..Emulator::default()
    });
    devices.disks.iter_mut().for_each(disk);
    devices.interfaces.iter_mut().for_each(interface);
    devices.controllers.iter_mut().for_each(controller);
    devices.serials.iter_mut().for_each(port);
    devices.parallels.iter_mut().for_each(port);
    devices.consoles.iter_mut().for_each(console);
    devices.channels.iter_mut().for_each(channel);
    devices.inputs.iter_mut().for_each(input);
    devices.graphics.iter_mut().for_each(graphics);
    devices.videos.iter_mut().for_each(video);
    devices.hostdevs.iter_mut().for_each(hostdev);
    for sound in &mut devices.sounds {
        if sound.model == SoundModel::Virtio {
            sound.model = SoundModel::Ich9;
        }
        info(&mut sound.info, false);
        own(&mut sound.info.kept, |kept| {
            kept.add_element("", Element::new("codec").with("type", "duplex"));
        });
    }
    devices.memballoon.iter_mut().for_each(|balloon| {
        info(&mut balloon.info, false);
        own(&mut balloon.info.kept, |kept| {
            kept.add_attribute("", "autodeflate", "on");
            kept.add_element("", Element::new("stats").with("period", "10"));
        });
    });
    // The schema has several of them from libvirt 9.1 on.
    devices.others.truncate(1);
    for other in &mut devices.others {
        *other = Element::new("watchdog")
            .with("model", "ib700")
            .with("action", "reset");
    }
}

/// What all devices have; only some take part in the boot order.
fn info(info: &mut DeviceInfo, boots: bool) {
    info.boot_order = info.boot_order.filter(|_| boots);
    info.alias.iter_mut().for_each(|name| only(name, "_-."));
    match &mut info.address {
        Some(Address::Drive(drive)) => {
            for number in [&mut drive.controller, &mut drive.bus, &mut drive.target] {
                *number %= 100;
            }
            drive.unit %= 100_000;
        }
        Some(Address::Usb { bus, port }) => {
            *bus %= 1000;
            *port = port.take().map(|_| "1.2".to_owned());
        }
        Some(Address::Other(pairs)) => {
            let values = [
                ("type", "ccw"),
                ("cssid", "254"),
                ("ssid", "3"),
                ("devno", "0x1a"),
            ];
            *pairs = values.map(|(name, value)| attribute(name, value)).into();
        }
        _ => {}
    }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn disk(disk: &mut Disk) {
    disk.script = None;
    match &mut disk.source {
        DiskSource::Block { path: file } => file.iter_mut().for_each(path),
        DiskSource::File { .. } | DiskSource::Dir { .. } => {}
        DiskSource::Volume { pool, volume } => {
            pool.retain(|c| c != '/');
            pool.push('p');
            volume.retain(|c| c != '/');
            volume.push('v');
        }
        DiskSource::Network(network) => network_disk(network),
        DiskSource::Other { source, .. } => {
            let address = Element::new("address").with("slot", "0x03");
            *source = Some(
                Element::new("source")
                    .with("type", "pci")
                    .with("namespace", "1")
                    .with_child(address),
            );
        }
    }
    // A logical unit is a block device, a volume or a network's.
    let is_unit = matches!(
        disk.source,
        DiskSource::Block { .. } | DiskSource::Volume { .. } | DiskSource::Network(_)
    );
    if disk.device == DiskDevice::Lun && !is_unit {
        disk.device = DiskDevice::Disk;
    }
    if disk.bus == Some(DiskBus::Nvme) {
        disk.bus = Some(DiskBus::Virtio);
    }
    disk.driver
        .name
        .iter_mut()
        .for_each(|name| only(name, "_+-"));
    disk.driver.format = disk.driver.format.take().map(|_| "qcow2".to_owned());
    info(&mut disk.info, true);
    own(&mut disk.info.kept, |kept| {
        kept.add_attribute("", "snapshot", "no");
        kept.add_attribute("driver", "cache", "none");
        kept.add_attribute("target", "tray", "open");
        kept.add_element("", Element::new("serial").with_text("WD-42 a"));
    });
}

fn network_disk(network: &mut NetworkDisk) {
    network.protocol = "rbd".to_owned();
    for host in &mut network.hosts {
        if let Some(socket) = &mut host.socket {
            path(socket);
            *host = NetworkHost {
                name: None,
                port: None,
                transport: Some("unix".to_owned()),
                socket: host.socket.take(),
            };
        } else {
            only(host.name.get_or_insert_default(), ".-");
            host.port = host.port.take().map(|_| "6789".to_owned());
            host.transport = host.transport.take().map(|_| "rdma".to_owned());
        }
    }
    if let Some(auth) = &mut network.auth {
        only(&mut auth.username, "_+-");
        auth.secret_type = Some("ceph".to_owned());
        if auth.secret_uuid.take().is_some() {
            auth.secret_uuid = Some("01234567-89ab-cdef-0123-456789abcdef".to_owned());
            auth.secret_usage = None;
        } else {
            auth.secret_usage = Some("client.admin".to_owned());
        }
    }
}

fn interface(interface: &mut Interface) {
    match &mut interface.source {
        InterfaceSource::Bridge { bridge } => {
            bridge.iter_mut().for_each(|name| only(name, DEVICE_NAME));
        }
        InterfaceSource::Network { network, portgroup } => {
            only(network, DEVICE_NAME);
            portgroup
                .iter_mut()
                .for_each(|name| only(name, DEVICE_NAME));
        }
        InterfaceSource::Other { kind, source } => {
            *kind = "direct".to_owned();
            let direct = Element::new("source").with("dev", "eth0");
            *source = Some(direct.with("mode", "vepa"));
        }
        _ => {}
    }
    let may_have_port = !matches!(interface.source, InterfaceSource::Ethernet);
    interface.virtual_port = interface.virtual_port.take().filter(|_| may_have_port);
    interface.virtual_port.iter_mut().for_each(virtual_port);
    interface
        .target
        .iter_mut()
        .for_each(|name| only(name, DEVICE_NAME));
    interface.model.iter_mut().for_each(|name| only(name, "-_"));
    interface.ips.iter_mut().for_each(ip);
    if let Some(bandwidth) = &mut interface.bandwidth {
        let directions = [&mut bandwidth.inbound, &mut bandwidth.outbound];
        directions.into_iter().flatten().for_each(rate);
    }
    info(&mut interface.info, true);
    own(&mut interface.info.kept, |kept| {
        kept.add_attribute("", "trustGuestRxFilters", "yes");
        kept.add_element("", Element::new("mtu").with("size", "1400"));
        kept.add_element("", Element::new("link").with("state", "down"));
    });
}

const DEVICE_NAME: &str = "_.-\\:/";

fn virtual_port(port: &mut VirtualPort) {
    port.kind = port.kind.take().map(|_| "openvswitch".to_owned());
    if let [parameter, ..] = port.parameters.as_mut_slice() {
        only(&mut parameter.value, "-_.");
    }
}

fn ip(ip: &mut InterfaceIp) {
    ip.address = "192.0.2.7".to_owned();
    ip.prefix = ip.prefix.map(|prefix| prefix % 33);
    ip.peer = ip.peer.take().map(|_| "2001:db8::1".to_owned());
}

fn rate(rate: &mut Rate) {
    let numbers = [
        &mut rate.average,
        &mut rate.peak,
        &mut rate.floor,
        &mut rate.burst,
    ];
    for number in numbers.into_iter().flatten() {
        *number = *number % 4_000_000 + 1;
    }
}

fn controller(controller: &mut Controller) {
    controller.model = match controller.kind {
        ControllerType::Usb => Some("qusb2".to_owned()),
        ControllerType::Scsi => Some("lsilogic".to_owned()),
        ControllerType::Ide => Some("piix3".to_owned()),
        ControllerType::Pci => Some("pci-root".to_owned()),
        _ => None,
    };
    let ported = [ControllerType::Usb, ControllerType::VirtioSerial];
    controller.ports = controller
        .ports
        .filter(|_| ported.contains(&controller.kind));
    if controller.kind != ControllerType::Xenbus {
        (controller.max_event_channels, controller.max_grant_frames) = (None, None);
    }
    info(&mut controller.info, false);
    own(&mut controller.info.kept, |_| ());
}

fn port(port: &mut Chardev) {
    chardev(port);
    port.target.name = None;
    if !matches!(port.target.kind, Some(ChardevTargetType::IsaSerial)) {
        port.target.kind = None;
    }
}

fn console(console: &mut Chardev) {
    chardev(console);
    console.target.name = None;
    if !matches!(console.target.kind, Some(ChardevTargetType::Serial)) {
        console.target.kind = console.target.kind.map(|_| ChardevTargetType::Xen);
    }
}

fn channel(channel: &mut Chardev) {
    chardev(channel);
    channel.target.kind = Some(ChardevTargetType::Xen);
    channel.target.port = None;
}

fn chardev(chardev: &mut Chardev) {
    match &mut chardev.source {
        ChardevSource::Pty { path: Some(file) } => path(file),
        ChardevSource::Other { sources, .. } => sources.clear(),
        _ => {}
    }
    info(&mut chardev.info, false);
    own(&mut chardev.info.kept, |kept| {
        kept.add_element("", Element::new("log").with("file", "/var/log/port"));
    });
}

fn input(input: &mut Input) {
    if matches!(input.kind, InputType::Passthrough | InputType::Evdev) {
        input.kind = InputType::Mouse;
    }
    if matches!(input.bus, Some(InputBus::Parallels | InputBus::None)) {
        input.bus = Some(InputBus::Xen);
    }
    info(&mut input.info, false);
    own(&mut input.info.kept, |kept| {
        kept.add_element("", Element::new("driver").with("iommu", "on"));
    });
}

fn graphics(graphics: &mut Graphics) {
    if matches!(graphics.server, GraphicsServer::Qubes(_)) {
        graphics.server = GraphicsServer::Sdl(Sdl::default());
    }
    match &mut graphics.server {
        GraphicsServer::Vnc(vnc) => {
            vnc.listens.iter_mut().for_each(listen);
            own(&mut graphics.kept, |kept| {
                kept.add_element("", Element::new("audio").with("id", "1"));
            });
        }
        GraphicsServer::Spice(spice) => {
            spice.listens.iter_mut().for_each(listen);
            own(&mut graphics.kept, |kept| {
                kept.add_element("", Element::new("image").with("compression", "off"));
            });
        }
        GraphicsServer::Other(element) => {
            *element = Element::new("graphics")
                .with("type", "rdp")
                .with("port", "3389");
        }
        _ => {}
    }
}

fn listen(listen: &mut GraphicsListen) {
    match listen {
        GraphicsListen::Address { address } | GraphicsListen::Network { address, .. } => {
            address.iter_mut().for_each(|name| only(name, ".-"));
        }
        GraphicsListen::Socket { path: socket } => socket.iter_mut().for_each(path),
        GraphicsListen::None => {}
    }
}

fn video(video: &mut Video) {
    if matches!(
        video.model,
        VideoModel::Default | VideoModel::Parallels | VideoModel::Xengt
    ) {
        video.model = VideoModel::Vga;
    }
    info(&mut video.info, false);
    own(&mut video.info.kept, |kept| {
        kept.add_element("", Element::new("driver").with("name", "qemu"));
    });
}

fn hostdev(hostdev: &mut Hostdev) {
    hostdev.no_strict_reset = false;
    match &mut hostdev.source {
        HostdevSource::Usb(usb) => {
            usb.bus = usb.bus.map(|bus| bus % 1000);
            usb.device = usb.device.map(|device| device % 1000);
            // The schema has both numbers or none.
            if usb.bus.is_none() || usb.device.is_none() {
                (usb.bus, usb.device) = (None, None);
            }
            hostdev.driver = None;
        }
        HostdevSource::Pci {
            power_filtering, ..
        } => {
            *power_filtering = None;
            hostdev.driver = hostdev.driver.take().map(|_| "xen".to_owned());
        }
        HostdevSource::Other(element) => {
            let address =
                Element::new("address").with("uuid", "c2177883-f1bb-47f0-914d-32a22e3a8804");
            *element = Element::new("hostdev")
                .with("mode", "subsystem")
                .with("type", "mdev")
                .with("model", "vfio-pci")
                .with_child(Element::new("source").with_child(address));
        }
    }
    info(&mut hostdev.info, true);
    own(&mut hostdev.info.kept, |kept| {
        kept.add_element("", Element::new("rom").with("bar", "off"));
    });
}
