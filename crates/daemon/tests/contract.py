"""The calls that qubesd makes, through libvirt's own library, on a daemon that this
program starts. Arguments: the part to play, virtxend, XenD's socket, a socket for
the daemon. Says `kept` when all of it holds."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time

import libvirt
import libvirtaio

GUEST = "b1c7f0aa-5d3e-4c58-9f0e-2b8a6d3c7702"
NIL = "00000000-0000-0000-0000-000000000000"
NOBODY = "00000000-1111-4222-8333-444444444444"
DOCUMENT = f"""<domain type='xen'>
  <name>orchard</name>
  <uuid>{GUEST}</uuid>
  <memory unit='MiB'>384</memory>
  <vcpu>2</vcpu>
  <os>
    <type>linux</type>
    <kernel>/srv/xen/boot/vmlinuz</kernel>
  </os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/srv/xen/orchard.img'/>
      <target dev='xvda' bus='xen'/>
    </disk>
  </devices>
</domain>"""


def disk(target):
    return f"""<disk type='file' device='disk'>
  <source file='/srv/xen/{target}.img'/><target dev='{target}' bus='xen'/>
</disk>"""


# Far longer than any answer takes, far shorter than a wait for a stuck guest.
AT_ONCE = 2.0
PATIENCE = 60.0


class Daemon:
    """virtxend on the host of the test."""

    def __init__(self, program, xend, socket):
        self.uri = f"xen+unix:///system?socket={socket}"
        self.words = [program, "--connect", f"xend+unix://{xend}", "--socket", socket]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def open(self):
        """As qubesd: again and again until the daemon answers."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return libvirt.open(self.uri)
            except libvirt.libvirtError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} instead of {wanted!r}")


def holds(what, condition, got):
    if not condition:
        raise SystemExit(f"{what}: {got!r}")


def refused(what, code, domain, call, *words):
    """The call fails with libvirt's code and origin, and says these words."""
    try:
        got = call()
    except libvirt.libvirtError as error:
        same(what, (error.get_error_code(), error.get_error_domain()), (code, domain))
        for word in words:
            holds(what, word in str(error), str(error))
        return
    raise SystemExit(f"{what}: {got!r} instead of an error")


def refused_by_xen(what, code, call, *words):
    refused(what, code, libvirt.VIR_FROM_LIBXL, call, *words)


def connection(conn, uri):
    same("getType", conn.getType(), "Xen")
    # libvirt's library answers that itself.
    same("getURI", conn.getURI(), uri)
    same("isAlive", conn.isAlive(), 1)
    model, memory, cpus, mhz, nodes, sockets, cores, threads = conn.getInfo()
    holds("model", model == "x86_64", model)
    holds("memory in MiB", memory > 0, memory)
    holds("cpus", 0 < cpus <= nodes * sockets * cores * threads, conn.getInfo())
    holds("mhz", mhz > 0, mhz)
    second = libvirt.open(uri)
    same("close", second.close(), 0)
    read_only = libvirt.openReadOnly(uri)
    refused(
        "destroy, read-only",
        libvirt.VIR_ERR_OPERATION_DENIED,
        libvirt.VIR_FROM_DOMAIN,
        read_only.lookupByName("pv1").destroy,
        "virDomainDestroy",
    )
    read_only.close()


def lookup(conn):
    active = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    same("active", [domain.name() for domain in active], ["Domain-0", "pv1", "pv2"])
    same("Domain-0", conn.lookupByID(0).name(), "Domain-0")
    same("Domain-0's number", conn.lookupByName("Domain-0").ID(), 0)
    same("Domain-0's uuid", conn.lookupByID(0).UUIDString(), NIL)
    domain = conn.lookupByName("pv1")
    same("ID", domain.ID(), 1)
    same("UUID", conn.lookupByUUID(domain.UUID()).name(), "pv1")
    missing = libvirt.VIR_ERR_NO_DOMAIN
    refused_by_xen("by name", missing, lambda: conn.lookupByName("x"), "'x'")
    refused_by_xen("by id", missing, lambda: conn.lookupByID(99), "99")
    uuid = bytes.fromhex(NOBODY.replace("-", ""))
    refused_by_xen("by uuid", missing, lambda: conn.lookupByUUID(uuid), NOBODY)


def life(conn):
    domain = conn.defineXML(DOCUMENT)
    same("defined", (domain.name(), domain.UUIDString()), ("orchard", GUEST))
    same("before the start", (domain.isActive(), domain.ID()), (0, -1))
    same("state", domain.state()[0], libvirt.VIR_DOMAIN_SHUTOFF)
    invalid = libvirt.VIR_ERR_OPERATION_INVALID
    for name in ("suspend", "resume", "destroy", "shutdown", "memoryStats"):
        call = getattr(domain, name)
        refused(f"{name}, shut off", invalid, libvirt.VIR_FROM_DOMAIN, call, "orchard")
    same("start", domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED), 0)
    same("started", (domain.isActive(), domain.ID() > 0), (1, True))
    same("paused", domain.state()[0], libvirt.VIR_DOMAIN_PAUSED)
    refused_by_xen("second start", invalid, domain.create, "orchard")
    refused_by_xen("undefine, active", invalid, domain.undefine, "orchard")
    running = (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED)
    same("resume", domain.resume(), 0)
    holds("running", domain.state()[0] in running, domain.state())
    look(domain)
    sleep(domain)
    devices(domain)
    same("suspend", domain.suspend(), 0)
    same("suspended", domain.info()[0], libvirt.VIR_DOMAIN_PAUSED)
    same("destroy", domain.destroy(), 0)
    same("destroyed", (domain.isActive(), domain.info()[3]), (0, 2))
    same("undefine", domain.undefine(), 0)
    missing = libvirt.VIR_ERR_NO_DOMAIN
    for name in ("state", "info", "XMLDesc", "create", "undefine", "isActive"):
        refused_by_xen(f"{name}, gone", missing, getattr(domain, name), GUEST)


def look(domain):
    state, most, memory, cpus, cpu_time = domain.info()
    same("info", (state, most, memory, cpus), (domain.state()[0], 393216, 393216, 2))
    holds("cpu time in ns", isinstance(cpu_time, int) and cpu_time >= 0, cpu_time)
    same("actual", domain.memoryStats()["actual"], 393216)
    xml = domain.XMLDesc()
    for words in ("<domain type='xen' id='", f"<uuid>{GUEST}</uuid>", "dev='xvda'"):
        holds("XMLDesc", words in xml, xml)
    same("OSType", domain.OSType(), "xen")


def sleep(domain):
    """qubesd pauses the domain instead when it gets this code."""
    unsupported = libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    memory = libvirt.VIR_NODE_SUSPEND_TARGET_MEM
    call = lambda: domain.pMSuspendForDuration(memory, 0, 0)
    refused_by_xen("pMSuspend", unsupported, call, "orchard")
    awake = libvirt.VIR_ERR_OPERATION_INVALID
    refused_by_xen("pMWakeup", awake, domain.pMWakeup, "orchard")


def devices(domain):
    same("attach", domain.attachDevice(disk("xvdi")), 0)
    holds("attached", "dev='xvdi'" in domain.XMLDesc(), domain.XMLDesc())
    same("detach", domain.detachDevice(disk("xvdi")), 0)
    holds("detached", "dev='xvdi'" not in domain.XMLDesc(), domain.XMLDesc())
    refused(
        "detach again",
        libvirt.VIR_ERR_DEVICE_MISSING,
        libvirt.VIR_FROM_DOMAIN,
        lambda: domain.detachDevice(disk("xvdi")),
        "xvdi",
    )


def host_devices(conn):
    refused(
        "nodeDeviceLookupByName",
        libvirt.VIR_ERR_NO_NODE_DEVICE,
        libvirt.VIR_FROM_NODEDEV,
        lambda: conn.nodeDeviceLookupByName("pci_0000_00_1f_3"),
        "pci_0000_00_1f_3",
        "virtnodedevd",
    )
    same("listAllDevices", conn.listAllDevices(), [])


def statistics(conn):
    records = {domain.name(): values for domain, values in conn.getAllDomainStats()}
    same("getAllDomainStats", sorted(records), ["Domain-0", "pv1", "pv2"])
    for name, values in records.items():
        actual = conn.lookupByName(name).memoryStats()["actual"]
        same(f"balloon of {name}", values["balloon.current"], actual)
        holds(f"cpu of {name}", values["cpu.time"] >= 0, values)


def documents(conn):
    xml, domain = libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_FROM_DOMAIN
    refused("no XML", xml, domain, lambda: conn.defineXML("<domain"))
    inactive = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE)
    same("nothing defined", inactive, [])


def calls(daemon):
    conn = daemon.open()
    connection(conn, daemon.uri)
    lookup(conn)
    life(conn)
    host_devices(conn)
    statistics(conn)
    documents(conn)
    same("close", conn.close(), 0)


def events(daemon):
    asyncio.run(watch(daemon))


async def watch(daemon):
    libvirtaio.virEventRegisterAsyncIOImpl()
    conn = await asyncio.to_thread(daemon.open)
    seen, number = listen(conn)
    await asyncio.to_thread(live, conn)
    await until(seen, libvirt.VIR_DOMAIN_EVENT_UNDEFINED)
    in_order("lifecycle", [event for name, event in seen if name == "orchard"])
    conn.domainEventDeregisterAny(number)
    seen.clear()
    await asyncio.to_thread(live, conn)
    await asyncio.sleep(0.3)
    same("events after DeregisterAny", seen, [])
    lost, number = listen(conn)
    daemon.kill()
    daemon.start()
    again = await asyncio.to_thread(daemon.open)
    seen, _ = listen(again)
    with contextlib.suppress(libvirt.libvirtError):
        # The old connection is of no use; that it is gone may be said.
        conn.domainEventDeregisterAny(number)
    conn.close()
    await asyncio.to_thread(live, again)
    await until(seen, libvirt.VIR_DOMAIN_EVENT_UNDEFINED)
    in_order("after a restart", [event for name, event in seen if name == "orchard"])
    same("events of the old connection", lost, [])
    again.close()


def listen(conn):
    """The lifecycle events of all domains from now on, and the registration."""
    seen = []
    note = lambda _conn, domain, event, _detail, _opaque: seen.append((domain.name(), event))
    kind = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
    return seen, conn.domainEventRegisterAny(None, kind, note, None)


def live(conn):
    domain = conn.defineXML(DOCUMENT)
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    domain.resume()
    domain.suspend()
    domain.destroy()
    domain.undefine()


async def until(seen, event):
    end = time.monotonic() + PATIENCE
    while ("orchard", event) not in seen:
        holds(f"events until {event}", time.monotonic() < end, seen)
        await asyncio.sleep(0.01)


def in_order(what, got):
    """Each event once, in the order of the calls; a start that pauses says so."""
    wanted = [
        libvirt.VIR_DOMAIN_EVENT_DEFINED,
        libvirt.VIR_DOMAIN_EVENT_STARTED,
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED,
        libvirt.VIR_DOMAIN_EVENT_RESUMED,
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED,
        libvirt.VIR_DOMAIN_EVENT_STOPPED,
        libvirt.VIR_DOMAIN_EVENT_UNDEFINED,
    ]
    same(what, got, wanted)


def restart(daemon):
    conn = daemon.open()
    domain = conn.defineXML(DOCUMENT)
    domain.create()
    before = domain.ID(), domain.UUIDString()
    daemon.kill()
    try:
        domain.state()
        raise SystemExit("a call on a killed daemon succeeds")
    except libvirt.libvirtError as error:
        # Those after which qubesd opens a new connection.
        lost = libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_RPC
        holds("code", error.get_error_code() in lost, (error.get_error_code(), str(error)))
    same("isAlive", conn.isAlive(), 0)
    refused_at_open = time.monotonic()
    try:
        libvirt.open(daemon.uri)
        raise SystemExit("a killed daemon answers")
    except libvirt.libvirtError:
        holds("refusal", time.monotonic() - refused_at_open < AT_ONCE, None)
    daemon.start()
    conn = daemon.open()
    domain = conn.lookupByName("orchard")
    same("adopted", (domain.ID(), domain.UUIDString()), before)
    same("adopted, active", (domain.isActive(), domain.isPersistent()), (1, 1))
    active = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    names = [domain.name() for domain in active]
    same("all adopted", names, ["Domain-0", "pv1", "pv2", "orchard"])
    same("destroy", domain.destroy(), 0)
    same("undefine", domain.undefine(), 0)


def stuck(daemon):
    conn = daemon.open()
    waiting = [
        lambda conn: conn.lookupByName("pv1").attachDevice(disk("xvdz")),
        lambda conn: conn.lookupByName("pv1").suspend(),
        lambda conn: conn.lookupByName("pv2").shutdown(),
        lambda conn: conn.lookupByName("pv2").suspend(),
    ]
    ended = []

    def wait(call):
        own = libvirt.open(daemon.uri)
        try:
            call(own)
        except libvirt.libvirtError:
            pass
        ended.append(call)

    for call in waiting:
        threading.Thread(target=wait, args=(call,), daemon=True).start()
    time.sleep(0.5)
    well = conn.lookupByName("hvm3")
    ill = conn.lookupByName("pv2")
    looks = {
        "listAllDomains": conn.listAllDomains,
        "state": well.state,
        "info": well.info,
        "XMLDesc": well.XMLDesc,
        "getAllDomainStats": conn.getAllDomainStats,
        "state of the stuck one": ill.state,
        "info of the stuck one": ill.info,
    }
    for name, call in looks.items():
        times = []
        for _ in range(100):
            began = time.monotonic()
            call()
            times.append(time.monotonic() - began)
        times.sort()
        print(f"{name}: p99 {times[98] * 1000:.2f} ms, longest {times[99] * 1000:.2f} ms")
        holds(f"{name} waits for a stuck guest", times[-1] < AT_ONCE, times[-1])
    holds("somebody is stuck", len(ended) < len(waiting), len(ended))
    print(f"{len(waiting) - len(ended)} of {len(waiting)} calls to stuck guests still wait")


def main():
    part, program, xend, socket = sys.argv[1:]
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    parts = {"calls": calls, "events": events, "restart": restart, "stuck": stuck}
    daemon = Daemon(program, xend, socket)
    daemon.start()
    try:
        parts[part](daemon)
        print("kept", flush=True)
    finally:
        daemon.kill()


main()
