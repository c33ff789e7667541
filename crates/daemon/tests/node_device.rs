//! The calls about PCI devices of the host, made by a client of the protocol: virsh looks
//! a device up at another daemon of libvirt first, which is not there.
#![allow(clippy::unwrap_used)]

mod common;

use common::Daemon;
use common::client::Client;
use virtxen_rpc::calls::{
    ConnectOpen, DetachArguments, NodeDeviceDetachFlags, NodeDeviceDettach, NodeDeviceReAttach,
    NodeDeviceReset, OpenArguments,
};
use virtxen_rpc::code;

const CARD: &str = "pci_0000_03_00_0";

fn detach(driver: Option<&str>, flags: u32) -> DetachArguments {
    DetachArguments {
        name: CARD.to_owned(),
        driver_name: driver.map(str::to_owned),
        flags,
    }
}

#[test]
fn devices_go_to_guests_and_back() {
    for host in ["sim:?guests=1", "sim:?guests=1&release=4.17"] {
        let daemon = Daemon::start(host);
        let mut client = Client::open(&daemon);
        let card = CARD.to_owned();
        for driver in [None, Some("xen")] {
            client
                .call::<NodeDeviceDetachFlags>(&detach(driver, 0))
                .unwrap();
        }
        client.call::<NodeDeviceReAttach>(&card).unwrap();
        client.call::<NodeDeviceDettach>(&card).unwrap();
        client.call::<NodeDeviceReset>(&card).unwrap();
        client.call::<NodeDeviceReAttach>(&card).unwrap();
    }
}

#[test]
fn what_cannot_be_done_has_libvirts_code() {
    let daemon = Daemon::start("sim:?guests=1");
    let mut client = Client::open(&daemon);
    for (arguments, words) in [
        (detach(Some("vfio"), 0), "'vfio'"),
        (detach(None, 1), "unsupported flags (0x1)"),
    ] {
        let error = client
            .call::<NodeDeviceDetachFlags>(&arguments)
            .unwrap_err();
        assert_eq!(error.code, code::INVALID_ARG, "{error:?}");
        let message = error.message.unwrap();
        assert!(message.contains(words), "{message}");
    }
    for name in ["computer", "pci_0000_04_00_0"] {
        let error = client
            .call::<NodeDeviceReset>(&name.to_owned())
            .unwrap_err();
        assert_eq!(error.code, code::NO_NODE_DEVICE, "{error:?}");
    }
    let sound = "pci_0000_00_1b_0".to_owned();
    let error = client.call::<NodeDeviceReset>(&sound).unwrap_err();
    assert_eq!(error.code, code::OPERATION_UNSUPPORTED, "{error:?}");
}

#[test]
fn who_only_reads_leaves_devices_alone() {
    let daemon = Daemon::start("sim:?guests=1");
    let mut client = Client::on(daemon.connect());
    let arguments = OpenArguments {
        flags: 1,
        ..OpenArguments::default()
    };
    client.call::<ConnectOpen>(&arguments).unwrap();
    let card = CARD.to_owned();
    let detached = client.call::<NodeDeviceDetachFlags>(&detach(None, 0));
    for error in [
        detached.unwrap_err(),
        client.call::<NodeDeviceReAttach>(&card).unwrap_err(),
        client.call::<NodeDeviceReset>(&card).unwrap_err(),
    ] {
        assert_eq!(error.code, code::OPERATION_DENIED, "{error:?}");
    }
}
