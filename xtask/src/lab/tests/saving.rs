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
