# Words for the tests of xtask/src/lab/tests, which are shell scripts in dom0: each begins with
# this file, on a host without guests, with virtxend's sockets up.
set -eEuo pipefail
cd /srv/lab
trap 'echo "failed: $BASH_COMMAND" >&2' ERR
export LIBVIRT_DEFAULT_URI='xen+unix:///system?socket=/run/libvirt/virtxend-sock'
export VIRTXEN_DEFAULT_URI=xen:
theirs='xen+unix:///system?socket=/run/libvirt/libvirt-sock'
work=/tmp/lab
consoles=/var/log/xen/console

# within SECONDS COMMAND...: again and again, until it succeeds
within() {
	local limit=$((SECONDS + $1))
	shift
	until "$@" >$work/within 2>&1; do
		if [ $SECONDS -ge $limit ]; then
			echo "did not come true: $*" >&2
			tail -5 $work/within >&2
			return 1
		fi
		sleep 0.2
	done
}

# says PATTERN COMMAND...: it succeeds, and prints this
says() {
	local pattern=$1 text
	shift
	if ! text=$("$@" 2>&1) || ! grep -Eq -- "$pattern" <<<"$text"; then
		printf "no '%s' in what %s said:\n%s\n" "$pattern" "$*" "$text" >&2
		return 1
	fi
}

# hides PATTERN COMMAND...: it succeeds, and does not print this
hides() {
	local pattern=$1 text
	shift
	if ! text=$("$@" 2>&1) || grep -Eq -- "$pattern" <<<"$text"; then
		printf "'%s' in what %s said:\n%s\n" "$pattern" "$*" "$text" >&2
		return 1
	fi
}

# refuses PATTERN COMMAND...: it fails, and says why
refuses() {
	local pattern=$1 text
	shift
	if text=$("$@" 2>&1) || ! grep -Eq -- "$pattern" <<<"$text"; then
		printf "not refused with '%s', but %s said:\n%s\n" "$pattern" "$*" "$text" >&2
		return 1
	fi
}

# same COMMAND COMMAND: both shell lines print the same
same() {
	bash -c "$1" >$work/left 2>&1
	bash -c "$2" >$work/right 2>&1
	diff $work/left $work/right >&2
}

# console GUEST TEXT [TIMES]: it has said this, so often
console() {
	[ "$(grep -aFc -- "$2" "$consoles/guest-$1.log")" -ge "${3:-1}" ]
}

# serial GUEST TEXT: an HVM guest has said this on its serial line
serial() {
	grep -aFq -- "$2" "$work/$1.serial"
}

# qemu_ends: QEMU is 10.0 or newer here, and ends itself when a keyboard or a PV USB controller of
# Xen's comes while it runs
qemu_ends() {
	local place version
	for place in /usr/libexec/xen-qemu-system-i386 /usr/lib/xen*/bin/qemu-system-i386 qemu-system-i386; do
		if version=$("$place" --version 2>/dev/null); then
			version=${version##*version }
			[ "${version%%.*}" -ge 10 ]
			return
		fi
	done
	echo 'no QEMU found' >&2
	exit 1
}

# gone GUEST: no domain has this name
gone() {
	! xl domid "$1" >/dev/null 2>&1
}

# listen: virtxen and virsh keep what events they see, line by line: virsh of Debian 11 writes a
# file when its buffer is full
listen() {
	virtxen event --all --loop --timestamp >$work/events.virtxen 2>&1 &
	stdbuf -oL virsh event --all --loop --timestamp >$work/events.virsh 2>&1 &
	within 30 both_listen
	sleep 3
}

both_listen() {
	[ "$(pgrep -cf 'event --all')" -ge 2 ]
}

# event PATTERN: both have seen it
event() {
	grep -Eq -- "$1" $work/events.virtxen && grep -Eq -- "$1" $work/events.virsh
}

# lag PATTERN NANOSECONDS: milliseconds from a time to the event that virtxend sent
lag() {
	local line
	line=$(grep -Em1 -- "$1" $work/events.virsh)
	echo $((($(date -d "${line%%: event*}" +%s%N) - $2) / 1000000))
}

# libvirtd_begins: libvirt's own daemon has the host instead of virtxend; it is at $theirs
libvirtd_begins() {
	systemctl stop virtxend.service virtxend.socket
	systemctl start libvirtd.service
}

# libvirtd_ends: virtxend has the host again
libvirtd_ends() {
	systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	systemctl start virtxend.socket
}

# calm: no guests, nothing kept of any
calm() {
	local id
	for id in $(xl list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
		xl destroy "$id" >/dev/null 2>&1 || true
	done
	pkill -f 'event --all' || true
	rm -rf $work $consoles/guest-*.log /etc/libvirt/libxl/*.xml /etc/libvirt/libxl/autostart/* \
		/var/lib/libvirt/libxl/save/*
	mkdir -p $work
	systemctl start virtxend.socket
}

# spare_pci: the PCI device of the machine that nothing needs is $pci; what keeps it for guests is there
spare_pci() {
	modprobe xen-pciback
	pci=$(grep -lx 0x1033 /sys/bus/pci/devices/*/vendor)
	pci=${pci#/sys/bus/pci/devices/0000:} pci=${pci%/vendor}
	trap pci_back EXIT
	pci_keeper=pciback pci_own=$(pci_driver)
}

pci_driver() {
	basename "$(readlink "/sys/bus/pci/devices/0000:$pci/driver")"
}

# pci_back: dom0's driver has it, whatever came of the test
pci_back() {
	calm >/dev/null 2>&1
	if [ "$(pci_driver)" = "$pci_keeper" ]; then
		xl pci-assignable-remove -r "$pci"
		echo "0000:$pci" >/sys/bus/pci/drivers_probe
	fi
}

# pass_pci ATTRIBUTE: hostdev.xml passes it through
pass_pci() {
	echo "<hostdev mode='subsystem' type='pci' ${1/=/=\'}'>
		<source><address domain='0' bus='0x${pci%%:*}' slot='0x${pci:3:2}' function='0x${pci#*.}'/>
		</source></hostdev>" >$work/hostdev.xml
}

# spare_usb: the USB device of the machine is on $usb_bus, $usb_device; product.xml and place.xml pass it
# through
spare_usb() {
	usb=$(grep -lx 0627 /sys/bus/usb/devices/*/idVendor)
	usb=${usb%/idVendor}
	usb_bus=$(cat $usb/busnum) usb_device=$(cat $usb/devnum)
	echo "<hostdev mode='subsystem' type='usb'><source><vendor id='0x0627'/><product id='0x0001'/>
		</source></hostdev>" >$work/product.xml
	echo "<hostdev mode='subsystem' type='usb'><source>
		<address bus='$usb_bus' device='$usb_device'/></source></hostdev>" >$work/place.xml
}

usb_driver() {
	basename "$(readlink "$usb"/"${usb##*/}":1.0/driver)"
}

# guest_with GUEST FILE: its document with the devices of a file
guest_with() {
	sed "/<devices>/r $2" "$1.xml"
}
