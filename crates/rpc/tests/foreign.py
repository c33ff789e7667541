"""Asks the small server of foreign.rs through libvirt's own library: the URI is the
argument. Prints one line for each answer."""

import sys
import threading
import libvirt

libvirt.registerErrorHandler(lambda _context, _error: None, None)
libvirt.virEventRegisterDefaultImpl()


def run_events():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=run_events, daemon=True).start()
connection = libvirt.open(sys.argv[1])
connection.setKeepAlive(1, 3)
print("type", connection.getType())
print("secure", connection.isSecure(), connection.isEncrypted())
print("node", connection.getInfo())
print("domains", [domain.name() for domain in connection.listAllDomains()])

domain = connection.lookupByName("web")
print("web", domain.UUIDString(), domain.ID(), domain.info())
print("schedule", sorted(domain.schedulerParameters().items()))
record = connection.getAllDomainStats()[0]
print("stats", record[0].name(), sorted(record[1].items()))
for call in (lambda: connection.lookupByName("nobody"), lambda: domain.reset()):
    try:
        call()
    except libvirt.libvirtError as error:
        print("error", error.get_error_code(), error.get_error_domain(), error)

happened = threading.Event()
seen = []


def on_event(_connection, domain, event, detail, _opaque):
    seen.append((domain.name(), event, detail))
    happened.set()


number = connection.domainEventRegisterAny(
    domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_event, None
)
happened.wait(10)
connection.domainEventDeregisterAny(number)
print("event", seen[0])

stream = connection.newStream()
domain.openConsole(None, stream)
text = b""
while True:
    part = stream.recv(1000)
    if not part:
        break
    text += part
stream.finish()
print("console", text)
connection.close()
