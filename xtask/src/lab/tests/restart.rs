//! virtxend ended and started while guests run: it finds all of them, and touches none.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "restart",
        what: "a new virtxend finds the guests of the old one",
        script: r#"
xl create -q pv.cfg >/dev/null
within 180 console pv 'lab: ready'
says 'pv +running' virsh list
systemctl restart virtxend.service
says 'pv +running' virsh list
test "$(grep -aFc 'lab: ready' $consoles/guest-pv.log)" = 1
"#,
    },
    Test {
        name: "killed",
        what: "virtxend killed with -9: systemd starts it anew, guests of xl run on",
        script: r#"
xl create -q pv.cfg >/dev/null
within 180 console pv 'lab: ready'
id=$(xl domid pv)
says 'pv +running' virsh list
pkill -9 -x virtxend
within 60 says 'pv +running' virsh list
test "$(xl domid pv)" = "$id"
console pv 'lab: ready' 1
"#,
    },
    Test {
        name: "adopted",
        what: "guests that virtxend started are its own after kill -9",
        script: r#"
virsh define pv.xml
virsh start pv
within 180 console pv 'lab: ready'
id=$(xl domid pv)
virsh dumpxml pv >$work/before
pkill -9 -x virtxend
within 60 says 'pv +running' virsh list
test "$(xl domid pv)" = "$id"
virsh dumpxml pv >$work/after
diff $work/before $work/after
says 'Persistent: +yes' virsh dominfo pv
virsh shutdown pv
within 120 says 'shut off' virsh domstate pv
"#,
    },
];
