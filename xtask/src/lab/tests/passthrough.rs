//! Devices of the machine that guests get: PCI functions by the IOMMU, USB devices by the
//! emulator's back end. `machine` says which ones are to spare.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "pci",
        what: "a PCI device for a PV guest when it starts, managed: the guest sees it, the host gets it back",
        script: r#"
spare_pci
pass_pci managed=yes
guest_with pv "$work/hostdev.xml" >$work/pci.xml
virsh define $work/pci.xml
virsh start pv
says "^$pci_keeper\$" pci_driver
within 180 console pv 'lab: ready'
says 'lab: pci 0x1033 0x0194' cat $consoles/guest-pv.log
says "0000:$pci" xl pci-list pv
says "bus='0x00' slot='0x10' function='0x0'" virsh dumpxml pv
says "managed='yes'" virsh dumpxml pv
sed 's|<name>pv<|<name>other<|' $work/pci.xml >$work/other.xml
refuses "guest 'pv' has it" virsh create $work/other.xml
gone other
refuses "guest 'pv' has it" virtxen nodedev-reattach 0000:$pci
says "0000:$pci" xl pci-list pv
virsh destroy pv
says "^$pci_own\$" pci_driver
hides "$pci" xl pci-assignable-list
virsh start pv
says "0000:$pci" xl pci-list pv
within 180 console pv 'lab: ready' 2
virsh shutdown pv
within 60 gone pv
within 30 says "^$pci_own\$" pci_driver
virsh undefine pv
"#,
    },
    Test {
        name: "pci-plug",
        what: "a PCI device in and out of a running PV guest, with events; refused while another has it",
        script: r#"
spare_pci
pass_pci managed=yes
echo "<features><xen><passthrough state='on'/></xen></features>" >$work/features
sed "/<.os>/r $work/features" pv.xml >$work/one.xml
sed 's|<name>pv<|<name>other<|' $work/one.xml >$work/other.xml
virsh create $work/one.xml
virsh create $work/other.xml
within 180 console pv 'lab: ready'
within 180 console other 'lab: ready'
listen
virsh attach-device pv $work/hostdev.xml --live
within 60 event 'device-added.*pv'
says "^$pci_keeper\$" pci_driver
says "0000:$pci" xl pci-list pv
says "slot='0x10'" virsh dumpxml pv
refuses "guest 'pv' has it" virsh attach-device other $work/hostdev.xml --live
says "^$pci_keeper\$" pci_driver
says "0000:$pci" xl pci-list pv
virsh detach-device pv $work/hostdev.xml --live
within 60 event 'device-removed.*pv'
hides "0000:$pci" xl pci-list pv
hides "slot='0x10'" virsh dumpxml pv
within 30 says "^$pci_own\$" pci_driver
pass_pci managed=no
refuses 'not assignable' virsh attach-device other $work/hostdev.xml --live
hides "0000:$pci" xl pci-list other
"#,
    },
    Test {
        name: "pci-hvm",
        what: "a PCI device for an HVM guest, and back; one that does not let it go is told",
        script: r#"
spare_pci
pass_pci managed=yes
guest_with hvm "$work/hostdev.xml" >$work/pci.xml
virsh create $work/pci.xml
within 240 serial hvm 'lab: ready'
says "0000:$pci" xl pci-list hvm
refuses 'unable to remove device' virsh detach-device hvm $work/hostdev.xml --live
says "slot='0x10'" virsh dumpxml hvm
virsh destroy hvm
within 30 says "^$pci_own\$" pci_driver
"#,
    },
    Test {
        name: "usb",
        what: "a PV USB controller and a USB device, named by its product, for a PV guest; out and in again, live; or why not",
        script: r#"
spare_usb
echo "<controller type='usb' index='0' model='qusb2' ports='4'/>" >$work/controller.xml
cat $work/controller.xml $work/product.xml >$work/both.xml
guest_with pv $work/both.xml >$work/usb.xml
there="Bus 0*$usb_bus Device 0*$usb_device"
place="<address bus='$usb_bus' device='$usb_device'/>"
if qemu_ends; then
	refuses 'has ended itself.*ehci' virsh create $work/usb.xml
	gone pv
	within 30 says usbhid usb_driver
	exit
fi
virsh create $work/usb.xml
within 180 console pv 'lab: ready'
says "$there" xl usb-list pv
says "<vendor id='0x0627'/>" virsh dumpxml pv
says "$place" virsh dumpxml pv
says "model='qusb2'.*ports='4'|ports='4'.*model='qusb2'" virsh dumpxml pv
listen
virsh detach-device pv $work/product.xml --live
within 60 event 'device-removed.*pv'
hides "$there" xl usb-list pv
hides "hostdev" virsh dumpxml pv
within 30 says usbhid usb_driver
virsh attach-device pv $work/place.xml --live
within 60 event 'device-added.*pv'
says "$there" xl usb-list pv
says "$place" virsh dumpxml pv
xl usbdev-detach pv 0 1
hides "$place" virsh dumpxml pv
virsh destroy pv
within 30 says usbhid usb_driver
"#,
    },
    Test {
        name: "usb-controller",
        what: "a PV USB controller in and out of a running PV guest without a driver for it; or refused",
        script: r#"
spare_usb
echo "<controller type='usb' index='0' model='qusb2' ports='4'/>" >$work/first.xml
echo "<controller type='usb' index='1' model='qusb1' ports='2'/>" >$work/second.xml
guest_with pv $work/first.xml >$work/usb.xml
if qemu_ends; then
	virsh create hvm.xml
	within 240 serial hvm 'lab: ready'
	refuses 'QEMU.*ehci' virsh attach-device hvm $work/second.xml --live
	says running xl qemu-monitor-command hvm 'info status'
	exit
fi
virsh create $work/usb.xml
within 180 console pv 'lab: ready'
listen
virsh attach-device pv $work/second.xml --live
within 60 event 'device-added.*pv'
says "^1 +qusb" xl usb-list pv
says "model='qusb1'" virsh dumpxml pv
virsh detach-device pv $work/second.xml --live
within 60 event 'device-removed.*pv'
hides "^1 +qusb" xl usb-list pv
says "^0 +qusb" xl usb-list pv
hides "model='qusb1'" virsh dumpxml pv
says "model='qusb2'" virsh dumpxml pv
"#,
    },
    Test {
        name: "usb-hvm",
        what: "a USB device in and out of a running HVM guest with an emulated controller, with events",
        script: r#"
spare_usb
echo "<controller type='usb' index='0' model='ehci' ports='6'/>" >$work/controller.xml
guest_with hvm $work/controller.xml >$work/usb.xml
there="Bus 0*$usb_bus Device 0*$usb_device"
place="<address bus='$usb_bus' device='$usb_device'/>"
virsh create $work/usb.xml
within 240 serial hvm 'lab: ready'
says "^0 +devicemodel" xl usb-list hvm
says "model='ehci'.*ports='6'|ports='6'.*model='ehci'" virsh dumpxml hvm
hides hostdev virsh dumpxml hvm
listen
virsh attach-device hvm $work/product.xml --live
within 60 event 'device-added.*hvm'
says "$there" xl usb-list hvm
says "$place" virsh dumpxml hvm
virsh detach-device hvm $work/product.xml --live
within 60 event 'device-removed.*hvm'
hides "$there" xl usb-list hvm
hides hostdev virsh dumpxml hvm
within 30 says usbhid usb_driver
virsh attach-device hvm $work/place.xml --live
says "$there" xl usb-list hvm
says "$place" virsh dumpxml hvm
virsh destroy hvm
within 30 says usbhid usb_driver
"#,
    },
];
