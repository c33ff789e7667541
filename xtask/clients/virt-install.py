"""virt-install, virt-xml and virt-clone, with disks in storage pools of libvirt's daemon."""

import libvirt
from client import URI, WORK, has, image, run, virsh

COMMON = ["--connect", URI, "--memory", "64", "--osinfo", "generic", "--noautoconsole"]
CHEAP = ["--check", "all=off"]

# Imports of both kinds, running and persistent afterwards.
first, second = image("first.img"), image("second.img")
run("virt-install", *COMMON, "--name", "orchard", "--paravirt", "--import",
    "--disk", f"path={first},format=raw", "--network", "bridge=xenbr0", "--graphics", "none")
run("virt-install", *COMMON, "--name", "frontdesk", "--hvm", "--import", "--vcpus", "2",
    "--disk", f"path={second},format=raw", "--network", "bridge=xenbr0,model=e1000",
    "--graphics", "vnc,listen=127.0.0.1")
# From a kernel, without a disk.
kernel = image("vmlinuz")
run("virt-install", *COMMON, "--name", "kernel", "--paravirt", "--disk", "none",
    "--boot", f"kernel={kernel},kernel_args=quiet", "--network", "none", "--graphics", "none",
    "--import")
# A disk that virt-install makes, and a system that is installed from a medium.
medium = image("medium.iso")
run("virt-install", *COMMON, "--name", "fresh", "--hvm", "--cdrom", medium,
    "--disk", f"path={WORK}/made.img,size=0.01,format=raw", "--network", "none",
    "--graphics", "vnc", "--noreboot", "--wait", "0")
virsh("destroy", "fresh")

connection = libvirt.open(URI)
guests = {guest.name(): guest for guest in connection.listAllDomains()}
for name in ["orchard", "frontdesk", "kernel"]:
    assert guests[name].isActive() and guests[name].isPersistent(), name
has(guests["orchard"].XMLDesc(), f"<source file='{first}'/>", "bus='xen'", "bridge='xenbr0'")
has(guests["frontdesk"].XMLDesc(), f"<source file='{second}'/>", "<model type='e1000'/>",
    "type='vnc'", ">2</vcpu>")
has(guests["kernel"].XMLDesc(), f"<kernel>{kernel}</kernel>", "<cmdline>quiet</cmdline>")
has(guests["fresh"].XMLDesc(), "made.img", "device='cdrom'")

# Definitions are changed, and a guest is copied with its disk.
virsh("destroy", "orchard")
run("virt-xml", "--connect", URI, "orchard", "--edit", "--memory", "96,maxmemory=128")
run("virt-xml", "--connect", URI, "orchard", "--add-device", "--network", "bridge=xenbr1")
run("virt-xml", "--connect", URI, "orchard", "--add-device", "--disk", f"path={image('third.img')}")
run("virt-xml", "--connect", URI, "orchard", "--remove-device", "--network", "1")
xml = virsh("dumpxml", "orchard")
has(xml, ">131072</memory>", ">98304</currentMemory>", "bridge='xenbr1'", "third.img")
assert "bridge='xenbr0'" not in xml, xml
run("virt-clone", "--connect", URI, "--original", "orchard", "--name", "copy", "--auto-clone")
has(virsh("dumpxml", "copy"), "first-clone.img", "bridge='xenbr1'")
virsh("start", "copy")
virsh("destroy", "copy")
for name in ["orchard", "copy", "fresh"]:
    virsh("undefine", name)
left = sorted(guest.name() for guest in connection.listAllDomains())
assert left == ["Domain-0", "frontdesk", "kernel", "pv1"], left
version = run("virt-install", "--version").strip()
print(f"{version}: PV and HVM imports, direct kernel, new disk; edited, extended, copied")
