"""virt-manager on an X server without a screen: it connects, lists, draws its window.

The picture is kept in target/clients/virt-manager.png.
"""

import collections
import os
import struct
import subprocess
import zlib

from client import KEEP, URI, WORK, run, wait

SIZE = (1000, 700)
display = WORK / "display"
display.mkdir()
read, write = os.pipe()
server = subprocess.Popen(
    ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp",
     "-fbdir", display],
    pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
os.close(write)
number = os.read(read, 16).decode().strip()
environment = {**os.environ, "DISPLAY": f":{number}", "GSETTINGS_BACKEND": "memory", "NO_AT_BRIDGE": "1"}
log = WORK / "virt-manager.log"
manager = subprocess.Popen(
    ["dbus-run-session", "--", "virt-manager", "--connect", URI, "--no-fork", "--debug"],
    stdout=log.open("w"), stderr=subprocess.STDOUT, env=environment, start_new_session=True)


def picture():
    """Rows of pixels of the server's screen, from the dump that it keeps (XWD)."""
    dump = (display / "Xvfb_screen0").read_bytes()
    header = struct.unpack(">25I", dump[:100])
    size, width, height, order = header[0], header[4], header[5], header[7]
    stride, colors = header[12], header[19]
    start = size + 12 * colors
    blue_first = order == 0
    for line in range(height):
        row = dump[start + line * stride:start + line * stride + 4 * width]
        red, green, blue = (row[2::4], row[1::4], row[0::4]) if blue_first else (row[1::4], row[2::4], row[3::4])
        yield bytes(value for pixel in zip(red, green, blue) for value in pixel)


def png(rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    data = b"".join(b"\0" + row for row in rows)
    head = struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def colors(rows):
    return collections.Counter(row[at:at + 3] for row in rows for at in range(0, len(row), 3))


try:
    GUESTS = ["pv1", "pv2", "hvm3", "pv4"]
    wait("the guests in virt-manager's log", lambda: all(
        f"domain={name} " in log.read_text() for name in GUESTS), limit=90)
    windows = wait("the main window", lambda: subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", "^Virtual Machine Manager$"],
        env=environment, capture_output=True, text=True).stdout.split())
    # It paints when it has time: until the window has text, icons and lists in it.
    rows = wait("a picture with something in it", lambda: next(
        (rows for rows in [list(picture())] if len(colors(rows)) > 100), None))
    wait("the second row of figures", lambda: log.read_text().count("status=") >= len(GUESTS))
    (KEEP / "virt-manager.png").write_bytes(png(rows))
except SystemExit:
    print(log.read_text())
    raise
finally:
    os.killpg(manager.pid, 15)
    manager.wait(timeout=20)
    server.terminate()
    server.wait(timeout=20)
text = log.read_text()
for bad in ["getAllDomainStats() not supported", "Error polling", "conn.open failed", "Unable to connect"]:
    assert bad not in text, text
version = run("virt-manager", "--version", env=environment).strip().splitlines()[-1]
shades = len(colors(rows))
print(f"{version}: lists {len(GUESTS)} guests in a window of {shades} colours (virt-manager.png)")
