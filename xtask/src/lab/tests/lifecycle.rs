//! The life of guests of each kind, by virsh through virtxend and by virtxen: from their start
//! to their end, with what is typed at them. Their devices are in `devices`.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "pv",
        what: "PV: define, start, console, pause, reboot, shutdown, undefine",
        script: r#"
virsh define pv.xml
says 'pv +shut off' virsh list --all
virsh start pv
within 180 console pv 'lab: ready'
says 'pv +running' virsh list
says 'lab: kind PV' cat $consoles/guest-pv.log
virsh suspend pv
says paused virsh domstate pv
says ' --p--- ' xl list pv
virsh resume pv
says running virsh domstate pv
virsh reboot pv
within 240 console pv 'lab: ready' 2
within 30 says running virsh domstate pv
virsh shutdown pv
within 120 says 'shut off' virsh domstate pv
within 30 gone pv
virsh undefine pv
hides ' pv ' virsh list --all
"#,
    },
    Test {
        name: "console",
        what: "a console carries what is typed and what the guest answers",
        script: r#"
virsh create pv.xml
within 180 console pv 'lab: ready'
(sleep 3; echo; sleep 2; echo 'echo $((6 * 7))-answered'; sleep 10) |
	timeout 30 script -qec 'virsh console pv' /dev/null >$work/console || true
grep -q '42-answered' $work/console
virsh destroy pv
"#,
    },
    Test {
        name: "transient",
        what: "a guest that is only created leaves nothing when it is destroyed",
        script: r#"
virsh create pv.xml
says 'Persistent: +no' virsh dominfo pv
virsh destroy pv
hides ' pv ' virsh list --all
gone pv
hides '/pv"' xenstore-ls -f /vm
"#,
    },
    Test {
        name: "cli",
        what: "virtxen without the daemon starts a process for libxl of its own",
        script: r#"
systemctl stop virtxend.service virtxend.socket virtxend-ro.socket
virtxen define pv.xml
virtxen start pv
within 180 console pv 'lab: ready'
virtxen destroy pv
gone pv
virtxen undefine pv
hides '[l]ibxl-worker' ps ax
"#,
    },
    Test {
        name: "pygrub",
        what: "PV whose kernel pygrub takes from the guest's disk",
        script: r#"
virsh create pygrub.xml
within 180 console pygrub 'lab: ready'
virsh destroy pygrub
"#,
    },
    Test {
        name: "pvh",
        what: "PVH: define, start, pause, shutdown",
        script: r#"
virsh define pvh.xml
virsh start pvh
within 240 console pvh 'lab: ready'
says 'lab: kind PVH' cat $consoles/guest-pvh.log
says 'pvh +running' virsh list
virsh suspend pvh
says paused virsh domstate pvh
virsh resume pvh
virsh shutdown pvh
within 180 says 'shut off' virsh domstate pvh
"#,
    },
    Test {
        name: "hvm",
        what: "HVM from a disk by its BIOS: VNC, ACPI's power button, destroy",
        script: r#"
virsh define hvm.xml
virsh start hvm
within 240 serial hvm 'lab: ready'
says 'hvm +running' virsh list
display=$(virsh vncdisplay hvm)
says RFB bash -c "timeout 5 nc 127.0.0.1 $((5900 + ${display##*:})) </dev/null || true"
virsh shutdown hvm
within 180 says 'shut off' virsh domstate hvm
virsh start hvm
virsh destroy hvm
says 'shut off' virsh domstate hvm
hides hvm pgrep -a qemu
"#,
    },
    Test {
        name: "hvm-kernel",
        what: "HVM with a kernel of the host",
        script: r#"
virsh create hvm-kernel.xml
within 300 serial hvm-kernel 'lab: ready'
virsh destroy hvm-kernel
"#,
    },
    Test {
        name: "crash",
        what: "on_crash: restart starts a crashed guest again, preserve keeps it",
        script: r#"
sed 's|mitigations=off|& lab.end=crash panic=1|; s|<devices>|<on_crash>preserve</on_crash>&|' \
	pv.xml >$work/preserve.xml
virsh create $work/preserve.xml
within 240 says crashed virsh domstate pv
virsh destroy pv
gone pv
sed 's|preserve|restart|' $work/preserve.xml >$work/restart.xml
virsh create $work/restart.xml
within 240 console pv 'lab: ready' 3
virsh destroy pv
within 30 gone pv
"#,
    },
    Test {
        name: "autostart",
        what: "a guest with autostart starts with the host's first virtxend",
        script: r#"
virsh define pv.xml
virsh autostart pv
says 'Autostart: +enable' virsh dominfo pv
test -L /etc/libvirt/libxl/autostart/pv.xml
systemctl stop virtxend.service
rm -f /run/libvirt/libxl/autostarted # gone when the host has started
systemctl start virtxend.service
within 120 says 'pv +running' virsh list
virsh destroy pv
systemctl restart virtxend.service
says 'pv +shut off' virsh list --all
virsh autostart --disable pv
test ! -e /etc/libvirt/libxl/autostart/pv.xml
virsh undefine pv
"#,
    },
    Test {
        name: "deaf",
        what: "a guest that ignores orders delays no call about others",
        script: r#"
sed 's|mitigations=off|& lab.deaf|' pv.xml >$work/deaf.xml
virsh create $work/deaf.xml
within 180 console pv 'lab: ready'
virsh shutdown pv
begin=$(date +%s%N)
for call in 'list' 'dominfo Domain-0' 'domstats' 'nodeinfo'; do
	timeout 20 virsh $call >/dev/null
done
echo "note: four calls of virsh meanwhile: $((($(date +%s%N) - begin) / 1000000)) ms"
virsh destroy pv
"#,
    },
    Test {
        name: "sysrq",
        what: "a magic key that virsh sends reaches the guest's kernel",
        script: r#"
virsh create pv.xml
within 180 console pv 'lab: ready'
virsh send-key pv KEY_LEFTALT KEY_SYSRQ KEY_H
within 60 console pv 'sysrq: HELP'
refuses 'magic keys' virsh send-key pv KEY_A
"#,
    },
    Test {
        name: "sleep",
        what: "a PV guest and an HVM one without drivers sleep and are woken up; none is saved",
        script: r#"
sed 's|mitigations=off|& lab.count|' pv.xml >$work/count.xml
virsh create $work/count.xml
within 180 console pv 'lab: ready'
listen
virsh dompmsuspend pv mem
says pmsuspended virsh domstate pv
within 30 grep -q 'PMSuspended Memory' $work/events.virsh
refuses 'pmsuspended' virsh save pv $work/pv.save
refuses "'mem'" virsh dompmsuspend pv disk
virsh dompmwakeup pv
within 30 grep -q 'Started Event wakeup' $work/events.virsh
goes_on() {
	local seconds
	seconds=$(grep -aFc 'lab: second' $consoles/guest-pv.log)
	within 60 console pv 'lab: second' $((seconds + 1))
}
if goes_on; then
	says running virsh domstate pv
	refuses 'pmsuspended' virsh dompmwakeup pv
	virsh destroy pv
else
	# Debian's Xen 4.14: is it the same for its own tool?
	console pv 'Kernel panic'
	virsh destroy pv || gone pv
	rm $consoles/guest-pv.log
	sed 's|mitigations=off|& lab.count|' pv.cfg >$work/count.cfg
	xl create $work/count.cfg
	within 180 console pv 'lab: ready'
	xl save -c pv $work/xl.save
	if goes_on; then
		echo 'xl save -c lets the guest go on, dompmwakeup does not' >&2
		false
	fi
	console pv 'Kernel panic'
	echo 'note: on this Xen a PV guest panics when its suspend is taken back, after xl save -c too'
	xl destroy pv || gone pv
fi
virsh create hvm.xml
within 240 serial hvm 'lab: ready'
virtxen dompmsuspend hvm mem
says pmsuspended virsh domstate hvm
virtxen dompmwakeup hvm
says running virsh domstate hvm
virsh shutdown hvm
within 180 gone hvm
"#,
    },
    Test {
        name: "screenshot",
        what: "what an HVM guest shows, as a picture by virsh and by virtxen; PV guests have none",
        script: r#"
virsh create hvm.xml
within 240 serial hvm 'lab: ready'
sleep 5
cat >$work/picture.py <<'END'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
at, packed = 8, b""
while at < len(data):
    length, name = struct.unpack(">I4s", data[at:at + 8])
    packed += data[at + 8:at + 8 + length] if name == b"IDAT" else b""
    at += length + 12
raw = zlib.decompress(packed)
assert (depth, kind, len(raw)) == (8, 2, height * (1 + 3 * width))
# A picture of one colour says so in its first line and is nothing but zeros below.
rows = [raw[at + 1:at + 1 + 3 * width] for at in range(0, len(raw), 1 + 3 * width)]
drawn = sum(1 for row in rows if row.strip(b"\0"))
print(width, "x", height, "drawn" if drawn > 8 else "plain")
END
says 'image/png' virsh screenshot hvm $work/virsh.png
says '^(640|720) x (400|480) drawn' python3 $work/picture.py $work/virsh.png
says 'image/png' virtxen screenshot hvm $work/ours.png
says ' drawn' python3 $work/picture.py $work/ours.png
virsh destroy hvm
virsh create pv.xml
refuses 'no screen' virsh screenshot pv $work/none.png
"#,
    },
    Test {
        name: "keys",
        what: "keys that virsh sends are typed at an HVM guest's VNC server",
        script: r#"
virsh create hvm.xml
within 240 serial hvm 'lab: ready'
for key in KEY_X KEY_E KEY_N; do
	virsh send-key hvm $key --holdtime 100
done
within 60 serial hvm xen
virsh send-key hvm KEY_LEFTSHIFT KEY_V --holdtime 100
within 60 serial hvm V
"#,
    },
    Test {
        name: "calls",
        what: "100 calls meanwhile a guest ignores shutdown and an attach waits for a dead back end",
        script: r#"
sed 's|mitigations=off|& lab.deaf|; s|<name>pv|<name>deaf|' pv.xml >$work/deaf.xml
virsh create $work/deaf.xml
within 180 console deaf 'lab: ready'
virsh create --paused pv.xml
sed '/<interface/,/<.interface>/d' devices.xml >$work/waits.xml
virsh create --paused $work/waits.xml
python3 calls.py deaf devices pv
says 'deaf +running' virsh list
hides vif virsh domiflist devices
"#,
    },
    Test {
        name: "errors",
        what: "why a guest does not start is in the error, and nothing of it stays",
        script: r#"
sed 's|/srv/lab/vmlinux|/srv/lab/no-kernel|' pv.xml >$work/kernel.xml
refuses 'no-kernel' virsh create $work/kernel.xml
gone pv
sed "s|'MiB'>128|'GiB'>20|" pv.xml >$work/memory.xml
refuses 'memory' virsh create $work/memory.xml
gone pv
sed 's|xenbr0|nobridge|' devices.xml >$work/bridge.xml
refuses 'nobridge|hotplug|vif-bridge' virsh create $work/bridge.xml
gone devices
hides 'pv|devices' virsh list --all
"#,
    },
];
