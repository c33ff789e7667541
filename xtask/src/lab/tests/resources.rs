//! Memory, vcpus, schedulers and cpupools of a running guest.

use super::Test;

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "memory",
        what: "setmem balloons a running guest, setmaxmem shows; dommemstat, dominfo and xl agree",
        script: r#"
virsh create pv.xml
within 180 console pv 'lab: ready'
virsh setmem pv 100M --live
within 30 says ' 100 +1 ' xl list pv
within 60 says 'Used memory: +102[0-9]{3} KiB' virsh dominfo pv
says '^actual 102400' virsh dommemstat pv
virsh setmem pv 128M --live
within 30 says ' 128 +1 ' xl list pv
says 'Max memory: +131072 KiB' virsh dominfo pv
virsh setmaxmem pv 192M --live
says 'Max memory: +196608 KiB' virsh dominfo pv
says "<memory unit='KiB'>196608</memory>" virsh dumpxml pv
refuses 'memory_static_max' virsh setmaxmem pv 64M --live
virsh setmaxmem pv 128M --live
says 'Max memory: +131072 KiB' virsh dominfo pv
virsh destroy pv
"#,
    },
    Test {
        name: "vcpus",
        what: "vcpus plugged in and out, pinned hard and soft",
        script: r#"
sed "s|<vcpu>1|<vcpu current='1'>2|" pv.xml >$work/two.xml
virsh create $work/two.xml
within 180 console pv 'lab: ready'
says 'current +live +1' virsh vcpucount pv
virsh setvcpus pv 2 --live
within 30 says 'current +live +2' virsh vcpucount pv
virsh setvcpus pv 1 --live
virsh vcpupin pv 0 1 --live
says 'pv .* 1 / all' xl vcpu-list pv
virsh vcpupin pv 0 0-1 --live
virtxen vcpupin pv 0 0 --soft --live
says 'pv .* all / 0$' xl vcpu-list pv
virtxen -c virtxen+unix:///run/libvirt/virtxend-sock vcpupin pv 0 1 --soft --live
says 'pv .* all / 1$' xl vcpu-list pv
says 'Soft Affinity: +-y$' virtxen -c virtxen+unix:///run/libvirt/virtxend-sock vcpuinfo pv
says "<vcpusoftpin vcpu='0' cpuset='1'/>" virsh dumpxml pv
virsh destroy pv
"#,
    },
    Test {
        name: "scheduler",
        what: "weight and cap through the daemon",
        script: r#"
xl create -q pv.cfg >/dev/null
virsh schedinfo pv --live --set weight=300
says ' 300 ' xl sched-credit2 -d pv
virsh schedinfo pv --live --set cap=50
says ' 50$' xl sched-credit2 -d pv
"#,
    },
    Test {
        name: "cpupools",
        what: "cpupools made, filled and emptied, beside xl",
        script: r#"
virtxen cpupool-cpu-remove Pool-0 1
virtxen cpupool-create lab
virtxen cpupool-cpu-add lab 1
says '^lab +1 ' xl cpupool-list
xl create -q pv.cfg >/dev/null
virtxen cpupool-migrate pv lab
says 'lab +1 .* 1$' xl cpupool-list
virtxen cpupool-migrate pv Pool-0
virtxen cpupool-cpu-remove lab 1
virtxen cpupool-destroy lab
virtxen cpupool-cpu-add Pool-0 1
hides '^lab' xl cpupool-list
"#,
    },
];
