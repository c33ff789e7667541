//! Guests saved to files and brought back.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "save",
        what: "save and restore; the guest goes on where it was",
        script: r#"
sed 's|mitigations=off|& lab.count|' pv.xml >$work/count.xml
virsh create $work/count.xml
within 180 console pv 'lab: second'
virsh save pv $work/saved
gone pv
virsh restore $work/saved
within 30 says running virsh domstate pv
seen=$(grep -ac 'lab: second' $consoles/guest-pv.log)
within 60 console pv 'lab: second' $((seen + 2))
console pv 'lab: ready' 1
virsh destroy pv
"#,
    },
    Test {
        name: "managed",
        what: "managed save of a defined guest; its next start restores it",
        script: r#"
virsh define pv.xml
virsh start pv
within 180 console pv 'lab: ready'
virsh managedsave pv
says 'Managed save: +yes' virsh dominfo pv
virsh start pv
within 30 says running virsh domstate pv
says 'Managed save: +no' virsh dominfo pv
virsh destroy pv
virsh undefine pv
"#,
    },
    Test {
        name: "dump",
        what: "dump of a guest's memory, which runs on",
        script: r#"
virsh create pv.xml
within 180 console pv 'lab: ready'
virsh dump pv $work/core --memory-only || virsh dump pv $work/core
test "$(stat -c %s $work/core)" -gt 100000000
says running virsh domstate pv
"#,
    },
    Test {
        name: "snapshots",
        what: "snapshots of a guest that runs and of one that does not, with qcow2 and raw disks",
        script: r#"
cp data.qcow2 $work/system.qcow2
echo before | dd of=$work/data.raw bs=1M seek=0 conv=sync status=none
more="<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
more+="<source file='$work/data.raw'/><target dev='xvdb' bus='xen'/></disk>"
sed "s|/srv/lab/data.img|$work/system.qcow2|; s|type='raw'|type='qcow2'|; s|</disk>|&$more|
	s|mitigations=off|& lab.count|; /<interface/,/<.interface>/d" devices.xml >$work/snapshots.xml
virsh define $work/snapshots.xml
virsh snapshot-create-as devices off
says 'off .*shutoff' virsh snapshot-list devices
says ' off ' qemu-img snapshot -l $work/system.qcow2
virsh start devices
within 180 console devices 'lab: second'
virsh snapshot-create-as devices on
says 'on .*running' virsh snapshot-list devices
says '<name>on<' virsh snapshot-current devices
says running virsh domstate devices
seen=$(grep -ac 'lab: second' $consoles/guest-devices.log)
within 60 console devices 'lab: second' $((seen + 2))
virsh destroy devices
echo after | dd of=$work/data.raw conv=notrunc status=none
virsh snapshot-revert devices on
within 60 says running virsh domstate devices
says before head -c 6 $work/data.raw
seen=$(grep -ac 'lab: second' $consoles/guest-devices.log)
within 60 console devices 'lab: second' $((seen + 2))
console devices 'lab: ready' 1
virsh snapshot-revert devices off
says 'shut off' virsh domstate devices
virsh snapshot-delete devices on
virsh snapshot-delete devices off
hides ' (on|off) +[0-9]' virsh snapshot-list devices
hides ' off ' qemu-img snapshot -l $work/system.qcow2
virsh undefine devices
"#,
    },
    Test {
        name: "thin",
        what: "snapshots of thin LVM volumes beside `lvs`; other block devices say why not",
        script: r#"
truncate -s 400M $work/pool.raw
loop=$(losetup -f --show $work/pool.raw)
give_back() {
	xl destroy devices >/dev/null 2>&1 || true
	vgremove -qff lab >/dev/null 2>&1 || true
	losetup -d "$loop"
}
trap give_back EXIT
vgcreate -q lab "$loop"
lvcreate -q --type thin-pool -L 300M -n pool lab
lvcreate -q --thin -V 64M -n web lab/pool
lvcreate -q -y -L 16M -n thick lab
mark() { printf '%-8s' "$1" | dd of=/dev/lab/web bs=4096 seek=1 conv=sync,fsync status=none; }
marked() { [ "$(dd if=/dev/lab/web bs=4096 skip=1 count=1 status=none | head -c 8)" = "$(printf '%-8s' "$1")" ]; }
volumes() { lvs --noheadings --separator=, -o lv_name,pool_lv,origin lab; }
sed "s|type='file' device|type='block' device|; s|file='/srv/lab/data.img'|dev='/dev/lab/web'|
	s|mitigations=off|& lab.count|; /<interface/,/<.interface>/d" devices.xml >$work/thin.xml
virsh define $work/thin.xml
mark first
virsh snapshot-create-as devices off
says 'off .*shutoff' virsh snapshot-list devices
says '^ *web.off,pool,web$' volumes
refuses "snapshot 'off' already" virsh snapshot-create-as devices off
mark second
virsh start devices
within 180 console devices 'lab: second'
virsh snapshot-create-as devices on
says 'on .*running' virsh snapshot-list devices
says '^ *web.on,pool,web$' volumes
seen=$(grep -ac 'lab: second' $consoles/guest-devices.log)
within 60 console devices 'lab: second' $((seen + 2))
virsh snapshot-create-as devices disks --disk-only
says 'disks .*disk-snapshot' virsh snapshot-list devices
says '^ *web.disks,pool,web$' volumes
says running virsh domstate devices
virsh destroy devices
mark third
virsh snapshot-revert devices on
within 60 says running virsh domstate devices
seen=$(grep -ac 'lab: second' $consoles/guest-devices.log)
within 60 console devices 'lab: second' $((seen + 2))
console devices 'lab: ready' 1
virsh destroy devices
marked second
virsh snapshot-revert devices off
marked first
says 'shut off' virsh domstate devices
virsh snapshot-revert devices disks
marked second
hides 'part|old' volumes
virsh snapshot-delete devices on
hides 'web.on' volumes
says '^ *web,pool,' volumes
# Something has the volume open: it cannot go back, and says so.
exec 9</dev/lab/web
refuses 'open|in use' virsh snapshot-revert devices off
exec 9<&-
virsh snapshot-revert devices off
marked first
# What is to be deleted is gone, or its volume is.
lvremove -qy lab/web.disks
virsh snapshot-delete devices disks
lvremove -qy lab/web
says 'web.off' volumes
virsh snapshot-delete devices off
hides 'web.off' volumes
hides ' off ' virsh snapshot-list devices
says '/dev/lab/web is not there' journalctl -u virtxend
virsh undefine devices
for device in /dev/lab/thick "$loop"; do
	sed "s|/dev/lab/web|$device|" $work/thin.xml >$work/thick.xml
	virsh define $work/thick.xml
	why='is not thin'
	[ $device != "$loop" ] || why='no LVM volume'
	refuses "$device.*$why.*only thin" virsh snapshot-create-as devices no
	virsh undefine devices
done
"#,
    },
    Test {
        name: "here",
        what: "a guest is not moved to the host where it runs, and runs on",
        script: r#"
sed 's|mitigations=off|& lab.count|' pv.xml >$work/count.xml
virsh create $work/count.xml
within 180 console pv 'lab: second'
id=$(xl domid pv)
refuses "domain 'pv'" virsh migrate --live pv "$LIBVIRT_DEFAULT_URI"
says running virsh domstate pv
test "$(xl domid pv)" = "$id"
seen=$(grep -ac 'lab: second' $consoles/guest-pv.log)
within 60 console pv 'lab: second' $((seen + 2))
"#,
    },
];
