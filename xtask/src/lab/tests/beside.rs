//! What others do to guests beside virtxend: it shows the truth within a second, and says so
//! in events. A second of a real host is several of the lab, so the lag is shown.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "beside",
        what: "xl create, rename, mem-set, pause and destroy are told as events",
        script: r#"
systemctl start virtxend.service
listen
at=$(date +%s%N)
xl create -q pv.cfg >/dev/null
within 60 event "'pv': Started Booted"
says 'pv +(running|paused)' virsh list
at=$(date +%s%N)
xl rename pv other
within 60 event "'other': Defined Renamed"
echo "note: $(lag "'other': Defined" $at) ms from the start of xl rename to virtxend's event"
says ' other ' virsh list
hides ' pv ' virsh list
at=$(date +%s%N)
xl mem-set other 100
within 60 event 'balloon-change.*other.*102400'
echo "note: $(lag 'balloon-change' $at) ms from the start of xl mem-set"
at=$(date +%s%N)
xl pause other
within 60 event "'other': Suspended Paused"
echo "note: $(lag "'other': Suspended" $at) ms from the start of xl pause"
says 'other +paused' virsh list
xl unpause other
within 60 event "'other': Resumed Unpaused"
at=$(date +%s%N)
xl destroy other
within 60 event "'other': Stopped Destroyed"
echo "note: $(lag "'other': Stopped" $at) ms from the start of xl destroy"
hides " other " virsh list
"#,
    },
    Test {
        name: "endings",
        what: "a guest that powers off or crashes by itself is told as that",
        script: r#"
systemctl start virtxend.service
listen
xl create -q pv.cfg 'name="off"' 'cmdline="console=hvc0 lab.end=poweroff"' >/dev/null
within 180 event "'off': Stopped Shutdown"
within 30 gone off
xl create -q pv.cfg 'name="bad"' 'cmdline="console=hvc0 lab.end=crash panic=1"' 'on_crash="preserve"' >/dev/null
within 180 event "'bad': Crashed Panicked"
says 'bad +crashed' virsh list --all
"#,
    },
    Test {
        name: "watchers",
        what: "xenstored loses a client that has watches; virtxend goes on",
        script: r#"
systemctl start virtxend.service
listen
xenstore-watch /local/domain >/dev/null 2>&1 &
watcher=$!
sleep 1
kill -9 $watcher
xl create -q pv.cfg >/dev/null
within 60 event "'pv': Started"
xl destroy pv
within 60 event "'pv': Stopped"
"#,
    },
    Test {
        name: "emulator",
        what: "a killed QEMU: the guest is shown as it is, others go on, what needs QEMU says so",
        script: r#"
virsh define hvm.xml
virsh start hvm
within 240 serial hvm 'lab: ready'
xl create -q pv.cfg >/dev/null
kill -9 "$(xenstore-read "/local/domain/$(xl domid hvm)/image/device-model-pid")"
# A new virtxend knows of nothing that was said before.
systemctl restart virtxend.service
within 1 says 'hvm +running' virsh list
within 1 says "<target dev='hda'" virsh dumpxml hvm
says "<target dev='hda'" virtxen dumpxml hvm
says ' hda +/srv/lab/hvm-disk.img' virsh domblklist hvm
says 'state.state=1' virsh domstats hvm
refuses 'VNC' virsh send-key hvm KEY_A
refuses 'VNC' virsh screenshot hvm $work/picture
says 'pv +running' virsh list
virsh suspend hvm
says paused virsh domstate hvm
refuses 'QEMU.*cannot be reached' virsh resume hvm
virsh destroy hvm
rm $work/hvm.serial
virsh start hvm
within 240 serial hvm 'lab: ready'
virsh destroy hvm
virsh undefine hvm
virsh destroy pv
"#,
    },
    Test {
        name: "import",
        what: "a guest that xl has started becomes a defined one, and runs on",
        script: r#"
xl create -q pv.cfg >/dev/null
within 180 console pv 'lab: ready'
id=$(xl domid pv)
says 'Persistent: +no' virsh dominfo pv
says '<kernel>/srv/lab/vmlinux</kernel>' virtxen import --print pv
virtxen import pv
within 10 says 'Persistent: +yes' virsh dominfo pv
test "$(xl domid pv)" = "$id"
refuses 'defined already' virtxen import pv
virsh undefine pv
within 10 says 'Persistent: +no' virsh dominfo pv
test "$(xl domid pv)" = "$id"
virtxen import --all
virsh destroy pv
says 'pv +shut off' virsh list --all
virsh start pv
within 180 console pv 'lab: ready' 2
virsh destroy pv
virsh undefine pv
"#,
    },
];
