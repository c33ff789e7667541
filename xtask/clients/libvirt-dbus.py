"""libvirt-dbus on a bus of its own: our calls, then its own tests where its source can be
had. Those are written for libvirt's test driver: here they get `/org/libvirt/Xen`, and a
new simulated host with one guest each. Nothing of them is kept in this repository.

It opens xen:/// where libvirt's daemon listens. That is a folder of ours here, in a
namespace of our own, which needs root.
"""

import os
import re
import subprocess
import sys
import tarfile

if os.environ.get("VIRTXEN_INSIDE") is None:
    place = os.path.join(os.environ["VIRTXEN_WORK"], "libvirt")
    os.mkdir(place)
    mount = f'mkdir -p /run/libvirt && mount --bind "{place}" /run/libvirt && exec "$@"'
    os.environ["VIRTXEN_INSIDE"] = place
    os.execvp("unshare", ["unshare", "--mount", "sh", "-ec", mount, "sh", sys.executable, *sys.argv])

import dbus
import dbus.mainloop.glib
from client import KEEP, SOCKET, WORK, run, virsh, wait
from gi.repository import GLib

# Tests that want what this host has not got, by words in their names: objects of libvirt's
# other daemons, snapshots, the numbers of libvirt's test driver, and guests that are gone as
# soon as they are asked to shut down, or back as soon as they are asked to reboot.
LEFT_OUT = [
    "interface", "network", "nodedev", "node_device", "storage", "sysinfo", "cpu_model_names",
    "snapshot", "managed_save", "list_domains", "vcpu", "test_api", "shutdown", "undefine",
]

place = os.environ["VIRTXEN_INSIDE"]
bus_process = subprocess.Popen(
    ["dbus-daemon", "--session", "--print-address", "--nofork"], stdout=subprocess.PIPE, text=True)
address = bus_process.stdout.readline().strip()
os.environ["DBUS_SESSION_BUS_ADDRESS"] = os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address


def ours():
    """Calls on every interface that a host with guests has; how many they were."""
    os.symlink(SOCKET, os.path.join(place, "libvirt-sock"))
    service = subprocess.Popen(["libvirt-dbus", "--system"])
    calls = 0
    try:
        dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
        bus = dbus.SessionBus()
        wait("libvirt-dbus", lambda: bus.name_has_owner("org.libvirt"))

        def interface(path, name):
            proxy = bus.get_object("org.libvirt", path)
            return dbus.Interface(proxy, f"org.libvirt.{name}"), dict(
                proxy.GetAll(f"org.libvirt.{name}", dbus_interface=dbus.PROPERTIES_IFACE))

        connect, properties = interface("/org/libvirt/Xen", "Connect")
        assert properties["Hostname"] and properties["Version"] == 4001000, properties
        assert list(connect.NodeGetCPUMap(0)) == [True] * 4
        assert "<os_type>hvm</os_type>" in connect.GetCapabilities()
        assert "xenfv" in connect.GetDomainCapabilities("", "x86_64", "xenfv", "xen", 0)
        assert len(connect.NodeGetCPUStats(-1, 0)) and len(connect.NodeGetMemoryStats(-1, 0))
        for what in ["Networks", "StoragePools", "NodeDevices", "Interfaces", "Secrets", "NWFilters"]:
            assert list(getattr(connect, f"List{what}")(0)) == [], what
        paths = connect.ListDomains(0)
        assert len(paths) == 4, paths
        calls += 14
        seen = []
        connect.connect_to_signal("DomainEvent", lambda path, event, detail: seen.append((event, detail)))
        with open("examples/paravirt-kernel.xml", encoding="utf-8") as document:
            path = connect.DomainDefineXML(document.read())
        domain, properties = interface(path, "Domain")
        assert properties["Name"] == "orchard" and not properties["Active"], properties
        assert connect.DomainLookupByName("orchard") == path
        assert connect.DomainLookupByUUID(properties["UUID"]) == path
        domain.Create(0)
        domain.Suspend()
        assert list(domain.GetState(0))[0] == 3
        domain.Resume()
        domain.SetMemory(dbus.UInt64(256 << 10), 0)
        assert "<name>orchard</name>" in domain.GetXMLDesc(0)
        assert domain.GetStats(0, 0)["state.state"] == 1
        assert domain.GetVcpus(0) == 1
        domain.PinVcpu(0, [True, False, False, False], 0)
        assert domain.GetSchedulerParameters(0)
        domain.Destroy(0)
        domain.Undefine(0)
        calls += 16
        context = GLib.MainContext.default()
        wanted = [(0, 0), (2, 0), (3, 0), (4, 0), (5, 1), (1, 0)]

        def arrived():
            context.iteration(False)
            return all(event in seen for event in wanted)

        wait(f"the events {wanted}, not only {seen}", arrived)
    finally:
        service.terminate()
        service.wait(timeout=10)
        os.unlink(os.path.join(place, "libvirt-sock"))
    return calls


def source():
    """The tests of Debian's release of libvirt-dbus, changed to run here; None without."""
    apt = KEEP / "libvirt-dbus"
    apt.mkdir(exist_ok=True)
    found = list(apt.glob("libvirt-dbus_*.orig.tar.*"))
    if not found:
        (apt / "lists/partial").mkdir(parents=True, exist_ok=True)
        (apt / "sources").write_text("deb-src http://deb.debian.org/debian bookworm main\n")
        options = []
        for option in ["Dir::Etc::sourceparts=-", f"Dir::Etc::sourcelist={apt}/sources",
                       f"Dir::State::lists={apt}/lists", f"Dir::Cache::srcpkgcache={apt}/src.bin",
                       f"Dir::Cache::pkgcache={apt}/pkg.bin", "APT::Sandbox::User=root"]:
            options += ["-o", option]
        try:
            run("apt-get", "-q", *options, "update", limit=120)
            run("apt-get", "-q", *options, "source", "--tar-only", "--download-only", "libvirt-dbus",
                cwd=apt, limit=120)
        except SystemExit as error:
            print(f"the source of libvirt-dbus cannot be had here: {error}")
            return None
        found = list(apt.glob("libvirt-dbus_*.orig.tar.*"))
    with tarfile.open(found[0]) as archive:
        members = [member for member in archive if "/tests/" in member.name and member.name.endswith(".py")]
        archive.extractall(WORK, members)
    tests = next(WORK.glob("libvirt-dbus-*/tests"))
    for path in tests.glob("*.py"):
        text = path.read_text().replace("/org/libvirt/Test", "/org/libvirt/Xen")
        # The first domain is Domain-0 here.
        text = text.replace("ListDomains(0)[0]", "ListDomains(0)[-1]")
        path.write_text(text.replace('type="test"', 'type="xen"'))
    return tests


# Stands for libvirt-dbus in its tests: each gets a host of its own.
WRAPPER = """#!/usr/bin/python3
import os, signal, socket, subprocess, sys, time
place = os.environ["VIRTXEN_INSIDE"]
os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = os.environ["DBUS_SESSION_BUS_ADDRESS"]
path = os.path.join(place, "libvirt-sock")
for name in os.listdir(place):
    os.unlink(os.path.join(place, name))
host = subprocess.Popen([os.environ["VIRTXEN_DAEMON"], "--connect", "sim:?guests=1&shutdown=0s",
                         "--socket", path, "--others", place])
while not os.path.exists(path + "-ro"):
    time.sleep(0.005)
service = subprocess.Popen(["/usr/sbin/libvirt-dbus", "--system"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    service.wait()
finally:
    for process in [service, host]:
        process.kill()
        process.wait()
"""


def theirs(tests):
    """Runs its tests; how they went."""
    programs = WORK / "programs"
    programs.mkdir()
    wrapper = programs / "libvirt-dbus"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    environment = {**os.environ, "TEST_INSTALLED": "1", "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider",
         "-k", f"not ({' or '.join(LEFT_OUT)})"],
        cwd=tests, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\n{done.stderr}")
    passed, left = re.search(r"(\d+) passed, (\d+) deselected", done.stdout).groups()
    return f"{passed} of its own tests pass, {left} are not for Xen"


try:
    note = f"{ours()} calls on /org/libvirt/Xen and their events"
    tests = source()
    if tests is not None:
        note += f"; {theirs(tests)}"
    print(note)
finally:
    bus_process.terminate()
