"""collectd's virt plugin: what it writes of each domain."""

import subprocess

from client import URI, WORK, virsh, wait

folder = WORK / "collectd"
folder.mkdir()
(folder / "conf").write_text(f"""
FQDNLookup false
Hostname "host"
Interval 1
BaseDir "{folder}"
PIDFile "{folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "{folder}/log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
LoadPlugin virt
<Plugin virt>
  Connection "{URI}"
  HostnameFormat name
  ExtraStats "cpu_util disk disk_err domain_state job_stats_background memory pcpu vcpu vcpupin"
</Plugin>
""")
collectd = subprocess.Popen(
    ["collectd", "-f", "-C", folder / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def written():
    """The measured values of each domain, without the date."""
    found = {}
    for path in folder.glob("csv/*/virt/*"):
        found.setdefault(path.parent.parent.name, set()).add(path.name.rsplit("-", 3)[0])
    return found


WANTED = {
    "Domain-0": {"domain_state", "memory-total", "percent-virt_cpu_total", "virt_cpu_total", "virt_vcpu-0"},
    "pv1": {"domain_state", "memory-total", "percent-virt_cpu_total", "virt_cpu_total", "virt_vcpu-0",
            "disk_octets-xvda", "disk_ops-xvda", "if_octets-vif1.0", "if_packets-vif1.0"},
}
try:
    wait("values of collectd", lambda: all(
        words <= written().get(domain, set()) for domain, words in WANTED.items()))
    # It follows guests that come.
    virsh("define", "examples/paravirt-kernel.xml")
except SystemExit:
    print((folder / "log").read_text(), written())
    raise
finally:
    collectd.terminate()
    collectd.wait(timeout=20)
log = (folder / "log").read_text()
assert "ailed" not in log and "isabled" not in log, log
count = sum(map(len, written().values()))
print(f"{count} values of {len(written())} domains")
