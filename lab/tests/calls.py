"""calls.py DEAF WAITS OTHER: how long calls take meanwhile a guest ignores an order to shut down
and another one gets an interface whose back end, in a third that is paused, never answers."""

import os
import sys
import threading
import time

import libvirt

CALLS = 100
INTERFACE = """<interface type='bridge'><mac address='00:16:3e:00:00:0c'/>
<source bridge='xenbr0'/><backenddomain name='%s'/></interface>"""

libvirt.registerErrorHandler(lambda *_: None, None)
uri = os.environ["LIBVIRT_DEFAULT_URI"]
deaf, waits, other = sys.argv[1:]
said = []


def attach():
    connection = libvirt.open(uri)
    guest = connection.lookupByName(waits)
    try:
        guest.attachDeviceFlags(INTERFACE % other, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        said.append("")
    except libvirt.libvirtError as error:
        said.append(str(error))


connection = libvirt.open(uri)
connection.lookupByName(deaf).shutdown()
attaching = threading.Thread(target=attach)
attaching.start()
# Its back end is made when libxl waits for the other side of it.
backend = "xenstore-list /local/domain/%d/backend/vif >/dev/null 2>&1"
number = connection.lookupByName(other).ID()
while os.system(backend % number) != 0:
    assert attaching.is_alive(), said
    time.sleep(0.1)

guest = connection.lookupByName(other)
ignoring = connection.lookupByName(deaf)
kinds = [
    ("list", connection.listAllDomains),
    ("state", guest.state),
    ("info", guest.info),
    ("XML", guest.XMLDesc),
    ("state of the deaf", ignoring.state),
    ("lookup", lambda: connection.lookupByName(other)),
    ("node", connection.getInfo),
    ("pinning", guest.vcpuPinInfo),
    ("scheduler", guest.schedulerParameters),
    ("balloon", guest.memoryStats),
]
times = []
for turn in range(CALLS):
    name, call = kinds[turn % len(kinds)]
    begin = time.monotonic()
    call()
    times.append(((time.monotonic() - begin) * 1000, name))
waited = attaching.is_alive()
attaching.join()
times.sort()
places = {"p50": CALLS // 2 - 1, "p99": CALLS * 99 // 100 - 1, "max": CALLS - 1}
figures = ", ".join("%s %.1f ms" % (word, times[place][0]) for word, place in places.items())
late = sum(1 for taken, _ in times if taken > 20)
print("note: %d calls: %s (%s); %d above 20 ms" % (CALLS, figures, times[-1][1], late))
print("note: the attach then failed: %s" % said[0])
assert waited, "the attach had ended before the calls"
assert said[0], "the attach went well"
