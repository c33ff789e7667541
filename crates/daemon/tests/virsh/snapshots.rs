//! virsh's commands for snapshots. What one keeps is tested where it is taken, in the
//! driver and the host.

use crate::common::{Daemon, has_virsh};
use crate::{Row, play};

/// Snapshots of a guest that runs and of one that does not.
const SNAPSHOTS: &[Row] = &[
    (
        "define examples/paravirt-bootloader.xml",
        &["Domain 'mailhub' defined from examples/paravirt-bootloader.xml"],
    ),
    (
        "snapshot-current mailhub",
        &["error: domain 'mailhub' has no current snapshot"],
    ),
    (
        "snapshot-create-as mailhub off",
        &["Domain snapshot off created"],
    ),
    ("start mailhub", &["Domain 'mailhub' started"]),
    (
        "snapshot-create-as mailhub on busy",
        &["Domain snapshot on created"],
    ),
    ("domstate mailhub --reason", &["running (from snapshot)"]),
    (
        "snapshot-create-as mailhub on",
        &[
            "error: Requested operation is not valid: snapshot-create of domain 'mailhub': it has \
           a snapshot 'on' already",
        ],
    ),
    ("snapshot-list mailhub --tree", &["off", "+- on"]),
    ("snapshot-list mailhub --leaves --name", &["on"]),
    ("snapshot-list mailhub --inactive --name", &["off"]),
    ("snapshot-list mailhub --from off --name", &["on"]),
    ("snapshot-current mailhub --name", &["on"]),
    ("snapshot-parent mailhub on", &["off"]),
    (
        "snapshot-parent mailhub off",
        &["error: snapshot 'off' has no parent"],
    ),
    (
        "snapshot-info mailhub on",
        &["State: running", "Location: internal", "Parent: off"],
    ),
    (
        "snapshot-dumpxml mailhub on",
        &[
            "<description>busy</description>",
            "<memory snapshot='internal'/>",
            "<disk name='xvda' snapshot='internal'/>",
            "<inactiveDomain type='xen'>",
        ],
    ),
    ("list --with-snapshot --name", &["mailhub"]),
    (
        "snapshot-revert mailhub off",
        &["Domain snapshot off reverted"],
    ),
    ("domstate mailhub --reason", &["shut off (from snapshot)"]),
    (
        "snapshot-revert mailhub on --paused",
        &["Domain snapshot on reverted"],
    ),
    ("domstate mailhub", &["paused"]),
    ("destroy mailhub", &["Domain 'mailhub' destroyed"]),
    (
        "undefine mailhub",
        &["error: Failed to undefine domain 'mailhub'"],
    ),
    (
        "snapshot-delete mailhub off",
        &["Domain snapshot off deleted"],
    ),
    (
        "snapshot-parent mailhub on",
        &["error: snapshot 'on' has no parent"],
    ),
    (
        "undefine mailhub --snapshots-metadata",
        &["Domain 'mailhub' has been undefined"],
    ),
];

#[test]
fn virsh_takes_snapshots_and_goes_back() {
    if !has_virsh() {
        return;
    }
    play(&Daemon::start("sim:"), false, SNAPSHOTS);
}
