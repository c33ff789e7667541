"""What the scripts of all clients share: where the daemon is, how programs are run.

A script ends with a line that says what was seen; an exception is a failure.
"""

import os
import subprocess
import time
from pathlib import Path

URI = os.environ["VIRTXEN_URI"]
SOCKET = Path(os.environ["VIRTXEN_SOCKET"])
WORK = Path(os.environ["VIRTXEN_WORK"])
KEEP = Path(os.environ["VIRTXEN_KEEP"])


def run(*words, fails=False, limit=60, **options):
    """What a program printed, both ways; it has to succeed, or to fail."""
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit,
        **options,
    )
    if (done.returncode != 0) != fails:
        raise SystemExit(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def virsh(*words, fails=False):
    return run("virsh", "--quiet", "--connect", URI, *words, fails=fails)


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise SystemExit(f"no '{part}' in:\n{text}")


def wait(what, is_so, limit=30):
    end = time.monotonic() + limit
    while True:
        found = is_so()
        if found:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"waited too long for {what}")
        time.sleep(0.05)


def image(name, size=1 << 20):
    """A file that a guest takes for a disk."""
    path = WORK / name
    path.write_bytes(bytes(size))
    return path
