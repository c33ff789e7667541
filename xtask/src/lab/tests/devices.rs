//! Devices of a running guest: attached, detached, changed.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "disk",
        what: "raw disks and a block device in and out of a running guest, with events",
        script: r#"
virsh create pv.xml
within 180 console pv 'lab: ready'
listen
virsh attach-disk pv /srv/lab/data.img xvdb --live
within 60 event "device-added.*xvdb"
says 'xvdb +/srv/lab/data.img' virsh domblklist pv
says '/srv/lab/data.img' xl block-list pv -v || says 51728 xl block-list pv
loop=$(losetup -f --show more.img)
virsh attach-disk pv "$loop" xvdc --live --sourcetype block
says "xvdc +$loop" virsh domblklist pv
virsh detach-disk pv xvdc --live
losetup -d "$loop"
virsh detach-disk pv xvdb --live
within 60 event "device-removed.*xvdb"
hides xvdb virsh domblklist pv
hides 51728 xl block-list pv
"#,
    },
    Test {
        name: "qcow2",
        what: "qcow2 disks, which a device model serves; a guest started without one is told so",
        script: r#"
qemu-img create -q -f qcow2 $work/second.qcow2 4M
sed "s|/srv/lab/data.img|/srv/lab/data.qcow2|; s|type='raw'|type='qcow2'|
	/<interface/,/<.interface>/d" devices.xml >$work/qcow2.xml
virsh create $work/qcow2.xml
within 180 console devices 'lab: ready'
says 'lab: disk xvda 16384' cat $consoles/guest-devices.log
virsh attach-disk devices $work/second.qcow2 xvdb --live --driver qemu --subdriver qcow2
within 60 says "xvdb +$work/second.qcow2" virsh domblklist devices
within 60 says '^4$' xenstore-read "/local/domain/$(xl domid devices)/device/vbd/51728/state"
virsh detach-disk devices xvdb --live
hides xvdb virsh domblklist devices
virsh destroy devices
virsh create pv.xml
within 180 console pv 'lab: ready'
refuses 'needs a device model.*--config' \
	virsh attach-disk pv /srv/lab/data.qcow2 xvdb --live --driver qemu --subdriver qcow2
hides xvdb virsh domblklist pv
"#,
    },
    Test {
        name: "cdrom",
        what: "the medium in a CD drive changed and taken out while an HVM guest runs",
        script: r#"
truncate -s 2M $work/one.iso $work/two.iso
drive="<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>"
drive+="<source file='$work/one.iso'/><target dev='hdc' bus='ide'/><readonly/></disk>"
sed "s|<serial|$drive&|" hvm.xml >$work/cdrom.xml
virsh create $work/cdrom.xml
within 240 serial hvm 'lab: ready'
says "hdc +$work/one.iso" virsh domblklist hvm
virsh change-media hvm hdc $work/two.iso --update --live
says "hdc +$work/two.iso" virsh domblklist hvm
says two.iso xenstore-ls -f /local/domain/0/backend
virsh change-media hvm hdc --eject --live
says 'hdc +-' virsh domblklist hvm
hides two.iso xenstore-ls -f /local/domain/0/backend
virsh destroy hvm
"#,
    },
    Test {
        name: "interface",
        what: "an interface on a bridge in and out of a running guest; the guest answers a ping",
        script: r#"
virsh create devices.xml
within 180 console devices 'lab: ready'
within 30 ping -c 1 -W 5 192.168.200.10
virsh attach-interface devices bridge xenbr0 --mac 00:16:3e:00:00:0b --live
says '00:16:3e:00:00:0b' virsh domiflist devices
says '00:16:3e:00:00:0b' xl network-list devices
virsh detach-interface devices bridge --mac 00:16:3e:00:00:0b --live
hides '00:16:3e:00:00:0b' virsh domiflist devices
says 'rx_bytes [1-9]' virsh domifstat devices "$(virsh domiflist devices | awk '/vif/ { print $1 }')"
"#,
    },
    Test {
        name: "refused",
        what: "a device that cannot be attached says why, and leaves nothing; screens by --config",
        script: r#"
virsh create pv.xml
refuses 'nothing.img' virsh attach-disk pv /srv/lab/nothing.img xvdb --live
hides xvdb virsh domblklist pv
refuses 'nobridge|hotplug' virsh attach-interface pv bridge nobridge --live
hides vif virsh domiflist pv
echo "<graphics type='vnc'/>" >$work/vnc.xml
refuses 'emulator.*--config' virsh attach-device pv $work/vnc.xml --live
virsh dumpxml pv --inactive >$work/pv.xml
virsh define $work/pv.xml
virsh attach-device pv $work/vnc.xml --config
says "<graphics type='vnc'" virsh dumpxml pv --inactive
hides "<graphics type='vnc'" virsh dumpxml pv
virsh detach-device pv $work/vnc.xml --config
hides "<graphics type='vnc'" virsh dumpxml pv --inactive
virsh destroy pv
virsh undefine pv
"#,
    },
    Test {
        name: "input",
        what: "keyboards and pointers of Xen's in and out of a running HVM guest, beside xl; none without an emulator or if that would end it",
        script: r#"
of() { echo "<input type='$1' bus='xen'/>"; }
for kind in keyboard mouse tablet; do of $kind >$work/$kind.xml; done
virsh create hvm.xml
within 240 serial hvm 'lab: ready'
hides "bus='xen'/>" virsh dumpxml hvm
if qemu_ends; then
	refuses 'QEMU.*would end itself' virsh attach-device hvm $work/keyboard.xml --live
	hides "bus='xen'/>" virsh dumpxml hvm
	says running xl qemu-monitor-command hvm 'info status'
	exit
fi
listen
virsh attach-device hvm $work/keyboard.xml --live
within 60 event 'device-added.*hvm'
says "$(of keyboard)" virsh dumpxml hvm
says '^1 .*vkbd' xl vkb-list hvm
refuses 'already' virsh attach-device hvm $work/keyboard.xml --live
virsh attach-device hvm $work/tablet.xml --live
says "$(of tablet)" virsh dumpxml hvm
xl vkb-detach hvm 2 || true
hides "$(of tablet)" virsh dumpxml hvm
says "$(of keyboard)" virsh dumpxml hvm
virsh detach-device hvm $work/keyboard.xml --live
within 60 event 'device-removed.*hvm'
hides "bus='xen'/>" virsh dumpxml hvm
hides '^1 .*vkbd' xl vkb-list hvm
xl vkb-attach hvm backend-type=qemu feature-disable-keyboard=1
says "$(of mouse)" virsh dumpxml hvm
libvirtd_begins
within 30 says 'hvm +running' virsh -c "$theirs" list
libvirtd_ends
says "$(of mouse)" virsh dumpxml hvm
virsh destroy hvm
virsh create pv.xml
refuses 'device model.*--config' virsh attach-device pv $work/tablet.xml --live
hides "$(of tablet)" virsh dumpxml pv
"#,
    },
    Test {
        name: "nodedev",
        what: "a PCI device of dom0 is kept for guests and given back, as `xl` sees it",
        script: r#"
modprobe xen-pciback
pci=/sys/bus/pci
# What carries files into the lab has a driver, and nobody misses it meanwhile.
device=$(basename "$(dirname "$(grep -lx 0x000200 $pci/devices/*/class)")")
driver() { basename "$(readlink $pci/devices/$device/driver)"; }
give_back() {
	[ "$(driver)" != pciback ] || echo $device >$pci/drivers/pciback/unbind
	echo $device >$pci/drivers_probe
}
trap give_back EXIT
own=$(driver)
for program in virtxen 'virtxen -c virtxen+unix:///run/libvirt/virtxend-sock'; do
	$program nodedev-detach $device
	says '^pciback$' driver
	says "$device" xl pci-assignable-list
	$program nodedev-reattach $device
	says "^$own\$" driver
	hides "$device" xl pci-assignable-list
done
refuses 'no PCI device' virtxen nodedev-detach 00:1e.7
"#,
    },
];
