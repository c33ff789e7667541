"""prometheus-libvirt-exporter: a scrape has everything of every guest."""

import re
import socket
import subprocess
import urllib.request

import libvirt
from client import URI, wait

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
exporter = subprocess.Popen(
    ["prometheus-libvirt-exporter", "--libvirt.uri", URI, "--web.listen-address", f"127.0.0.1:{port}"],
    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def scrape():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return answer.read().decode()
    except OSError:
        return None


try:
    wait("the exporter", scrape)
    text = scrape()
finally:
    exporter.terminate()
    complaints = exporter.communicate(timeout=10)[1]
assert "libvirt_up 1" in text or "libvirt_domains_number" in text, text
found = re.findall(r'^(libvirt_domain_\w+)\{domain="([^"]+)".*\} (\S+)$', text, re.MULTILINE)
of = {}
for metric, domain, value in found:
    assert float(value) >= 0, (metric, domain, value)
    of.setdefault(domain, set()).add(metric)
connection = libvirt.open(URI)
guests = [connection.lookupByID(domid) for domid in connection.listDomainsID()]
assert sorted(of) == sorted(guest.name() for guest in guests), sorted(of)
plain = {f"libvirt_domain_{name}" for name in [
    "info_cpu_time_seconds_total", "info_maximum_memory_bytes", "info_memory_usage_bytes",
    "info_virtual_cpus", "state_code"]}
devices = {f"libvirt_domain_block_stats_{way}_{what}_total"
           for way in ["read", "write"] for what in ["bytes", "requests"]}
devices |= {f"libvirt_domain_interface_stats_{way}_{what}_total"
            for way in ["receive", "transmit"] for what in ["bytes", "packets", "errors", "drops"]}
for domain, metrics in of.items():
    wanted = plain if domain == "Domain-0" else plain | devices
    assert wanted <= metrics, (domain, wanted - metrics)
assert not re.search("rror|failed", complaints), complaints
print(f"{len(found)} values of {len(guests)} domains in a scrape")
