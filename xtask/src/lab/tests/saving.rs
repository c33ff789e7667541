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
];
