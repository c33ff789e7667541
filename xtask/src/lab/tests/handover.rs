//! A host that libvirt's own daemon has managed, and gets back.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "kept",
        what: "guests that libvirtd has defined are virtxend's, with XML and autostart, and back",
        script: r#"
theirs='xen+unix:///system?socket=/run/libvirt/libvirt-sock'
systemctl start libvirtd.service
within 60 virsh -c "$theirs" define pv.xml
virsh -c "$theirs" autostart pv
virsh -c "$theirs" dumpxml pv >$work/theirs
systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
systemctl start virtxend.socket
says 'pv +shut off' virsh list --all
says 'Autostart: +enable' virsh dominfo pv
virsh dumpxml pv >$work/ours
diff $work/theirs $work/ours
virsh autostart --disable pv
systemctl stop virtxend.service virtxend.socket
systemctl start libvirtd.service
within 60 says 'Autostart: +disable' virsh -c "$theirs" dominfo pv
virsh -c "$theirs" undefine pv
systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
"#,
    },
    Test {
        name: "running",
        what: "a guest that libvirtd has started goes on under virtxend, and back",
        script: r#"
theirs='xen+unix:///system?socket=/run/libvirt/libvirt-sock'
systemctl start libvirtd.service
within 60 virsh -c "$theirs" define pv.xml
virsh -c "$theirs" start pv
within 180 console pv 'lab: ready'
id=$(xl domid pv)
systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
systemctl start virtxend.socket
says 'pv +running' virsh list
says 'Persistent: +yes' virsh dominfo pv
test "$(xl domid pv)" = "$id"
virsh shutdown pv
within 120 says 'shut off' virsh domstate pv
virsh start pv
within 180 console pv 'lab: ready' 2
systemctl stop virtxend.service virtxend.socket
systemctl start libvirtd.service
within 60 says 'pv +running' virsh -c "$theirs" list
virsh -c "$theirs" destroy pv
virsh -c "$theirs" undefine pv
systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
"#,
    },
];
