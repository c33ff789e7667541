//! A host that libvirt's own daemon has managed, and gets back.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "kept",
        what: "guests that libvirtd has defined are virtxend's, with XML and autostart, and back",
        script: r#"
libvirtd_begins
within 60 virsh -c "$theirs" define pv.xml
virsh -c "$theirs" autostart pv
virsh -c "$theirs" dumpxml pv >$work/theirs
libvirtd_ends
says 'pv +shut off' virsh list --all
says 'Autostart: +enable' virsh dominfo pv
virsh dumpxml pv >$work/ours
diff $work/theirs $work/ours
virsh autostart --disable pv
libvirtd_begins
within 60 says 'Autostart: +disable' virsh -c "$theirs" dominfo pv
virsh -c "$theirs" undefine pv
libvirtd_ends
"#,
    },
    Test {
        name: "running",
        what: "a guest that libvirtd has started goes on under virtxend, and back",
        script: r#"
libvirtd_begins
within 60 virsh -c "$theirs" define pv.xml
virsh -c "$theirs" start pv
within 180 console pv 'lab: ready'
id=$(xl domid pv)
libvirtd_ends
says 'pv +running' virsh list
says 'Persistent: +yes' virsh dominfo pv
test "$(xl domid pv)" = "$id"
virsh shutdown pv
within 120 says 'shut off' virsh domstate pv
virsh start pv
within 180 console pv 'lab: ready' 2
virsh attach-disk pv /srv/lab/data.img xvdb --live
virsh setmem pv 96M --live
sed 's/>pv</>other</' pv.xml >$work/other.xml
virsh create $work/other.xml
virsh dumpxml pv >$work/ours
id=$(xl domid pv)
libvirtd_begins
within 60 says 'pv +running' virsh -c "$theirs" list
says 'Persistent: +yes' virsh -c "$theirs" dominfo pv
says 'Persistent: +no' virsh -c "$theirs" dominfo other
says '98304' virsh -c "$theirs" dominfo pv
says 'xvdb +/srv/lab/data.img' virsh -c "$theirs" domblklist pv
test "$(xl domid pv)" = "$id"
virsh -c "$theirs" dumpxml pv >$work/theirs
diff $work/ours $work/theirs
virsh -c "$theirs" suspend pv
virsh -c "$theirs" resume pv
virsh -c "$theirs" destroy other
virsh -c "$theirs" shutdown pv
within 120 says 'shut off' virsh -c "$theirs" domstate pv
virsh -c "$theirs" undefine pv
libvirtd_ends
"#,
    },
    Test {
        name: "left",
        what: "libvirtd takes over from a virtxend that was killed with -9",
        script: r#"
virsh define pv.xml
virsh start pv
within 180 console pv 'lab: ready'
within 10 test -f /run/libvirt/libxl/pv.xml
trap 'rm -rf /run/systemd/system/virtxend.service.d; systemctl daemon-reload' EXIT
mkdir -p /run/systemd/system/virtxend.service.d
printf '[Service]\nRestart=no\n' >/run/systemd/system/virtxend.service.d/once.conf
systemctl daemon-reload
systemctl kill -s KILL virtxend.service
libvirtd_begins
within 60 says 'pv +running' virsh -c "$theirs" list
virsh -c "$theirs" destroy pv
gone pv
hides 'pv' ls /run/libvirt/libxl
virsh -c "$theirs" undefine pv
libvirtd_ends
"#,
    },
];
