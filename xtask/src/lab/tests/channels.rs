//! Hypercalls, XenStore and the kernel's files on a real host, beside what Xen's own tools
//! see; no guest is changed.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "routes",
        what: "doctor finds the channels, and the release of the Xen that runs",
        script: r"
release=$(xl info xen_version)
says 'hypercalls +yes .*'$release virtxen doctor
says 'XenStore +yes' virtxen doctor
says 'monitoring +hypercalls' virtxen doctor
says 'Xen '$release virtxen version
",
    },
    Test {
        name: "list",
        what: "list, dominfo, vcpuinfo, domstats, schedinfo and nodeinfo beside xl",
        script: r#"
xl create -q pv.cfg
same "xl list | awk 'NR > 1 { print \$2, \$1 }'" \
	"virtxen list | awk 'NR > 2 && NF { print \$1, \$2 }'"
uuid=$(xl list -v pv | awk 'NR > 1 { print $7 }')
virtxen 'dominfo pv; vcpuinfo pv; domstats pv; schedinfo pv; nodeinfo' >$work/said
says "^UUID: +$uuid" cat $work/said
says 'Used memory: +131072 KiB' cat $work/said
says 'CPU Affinity: +yy' cat $work/said
says 'State: +(running|blocked)' cat $work/said
says 'vcpu.current=1' cat $work/said
says 'weight +: 256' cat $work/said
says "^CPU\(s\): +$(xl info nr_cpus)" cat $work/said
# A guest that boots gives pages back between two looks.
as_free() {
	test "$(virtxen freecell --all | awk '/Total/ { print int($2 / 1024) }')" = "$(xl info free_memory)"
}
within 30 as_free
"#,
    },
    Test {
        name: "counters",
        what: "disks, interfaces and their counters of a guest that xl has started",
        script: r#"
xl create -q devices.cfg
within 180 console devices 'lab: ready'
virtxen 'domstats devices; domblklist devices; domiflist devices' >$work/said
says 'block.0.name=xvda' cat $work/said
says 'net.0.name=vif' cat $work/said
says 'xvda +/srv/lab/data.img' cat $work/said
says 'xenbr0 .*00:16:3e:00:00:0a' cat $work/said
"#,
    },
    Test {
        name: "store",
        what: "xenstore-ls with all values and permissions is that of Xen's own tool",
        script: r"
xl create -q devices.cfg >/dev/null
within 180 console devices 'lab: ready'
same 'xenstore-ls -f | grep .' 'virtxen xenstore-ls --full | grep .'
virtxen xenstore-write /tool/lab here
says '^here$' xenstore-read /tool/lab
xenstore-rm /tool/lab
refuses 'not in xenstore' virtxen xenstore-read /tool/lab
",
    },
    Test {
        name: "costs",
        what: "what a list costs: one hypercall, names in one round trip, nothing again",
        script: r#"
xl create -q pv.cfg >/dev/null
virtxen --trace list 2>$work/trace
grep -c . $work/trace
test "$(grep -c 'hypercall  getdomaininfolist' $work/trace)" = 1
test "$(grep -c 'READ /local/domain/[0-9]*/name' $work/trace)" = 2
virtxen --trace 'list; list' 2>$work/twice
test "$(grep -c 'hypercall  getdomaininfolist' $work/twice)" = 2
test "$(grep -c 'READ /local/domain/[0-9]*/name' $work/twice)" = 2
probes=$(grep -c 'probe:' $work/trace)
echo "note: a list: $(grep -c hypercall $work/trace) hypercalls ($probes of them to find the ABI), \
$(grep -c XenStore $work/trace) XenStore requests; each further list one hypercall"
"#,
    },
    Test {
        name: "changes",
        what: "pause, pinning, weight and the most memory by hypercalls, beside xl",
        script: r#"
xl create -q pv.cfg >/dev/null
virtxen suspend pv
says ' --p--- ' xl list pv
virtxen resume pv
hides ' --p--- ' xl list pv
virtxen vcpupin pv 0 1
says 'pv .* 1 / all' xl vcpu-list pv
xl vcpu-pin pv 0 0
says ' 0 +0$' virtxen vcpupin pv
virtxen schedinfo pv --weight 300
says ' 300 ' xl sched-credit2 -d pv
xl sched-credit2 -d pv -w 200
says 'weight +: 200' virtxen schedinfo pv
"#,
    },
    Test {
        name: "daemon",
        what: "virtxend with virsh: list, dominfo, domstats, dumpxml and nodeinfo",
        script: r#"
xl create -q pv.cfg
says 'pv +running' virsh list
says 'Used memory: +131072 KiB' virsh dominfo pv
says 'balloon.current=131072' virsh domstats pv
says '<name>pv</name>' virsh dumpxml pv
says 'CPU\(s\): +2' virsh nodeinfo
says xenpvh virsh capabilities
echo "note: virtxend has $(ps -o rss= -C virtxend | awk '{ print int($1 / 1024) }') MiB"
"#,
    },
];
