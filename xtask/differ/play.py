"""Plays the same calls and commands on a daemon and says what came of each.

Arguments: the daemon's URI, and files and folders of domain documents. calls.txt has
expressions of Python on `conn`, with the examples of the repository defined, commands.txt
words of virsh. Each line of the output is a JSON object: `step`, and `value` or `error`
(code, domain, message)."""

import json
import os
import pathlib
import subprocess
import sys

import libvirt

HERE = pathlib.Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
SECURE = libvirt.VIR_DOMAIN_XML_SECURE


def plain(value):
    """A value as JSON has it; lists of domains have no order."""
    if isinstance(value, libvirt.virDomain):
        return f"domain {value.name()} {value.UUIDString()} {value.ID()}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        items = [plain(item) for item in value]
        domains = all(isinstance(item, libvirt.virDomain) for item in value)
        return sorted(items) if domains else items
    if isinstance(value, (str, int, float, type(None))):
        return value
    return type(value).__name__


def step(name, call):
    """Does one thing and says what came of it; its value, or none."""
    try:
        value = call()
        print(json.dumps({"step": name, "value": plain(value)}), flush=True)
        return value
    except libvirt.libvirtError as error:
        reason = [error.get_error_code(), error.get_error_domain(), error.get_error_message()]
        print(json.dumps({"step": name, "error": reason}), flush=True)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        # What an earlier step did not give, or the library does not take.
        print(json.dumps({"step": name, "error": [0, 0, repr(error)]}), flush=True)
    return None


def lines(name):
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line


def files(paths, pattern):
    for path in map(pathlib.Path, paths):
        yield from sorted(path.rglob(pattern)) if path.is_dir() else [path]


def document(conn, path):
    text = path.read_text(errors="surrogateescape")
    if "<domain" not in text:
        return
    begin = f"document {os.path.relpath(path)}"
    domain = step(f"{begin}: define", lambda: conn.defineXML(text))
    if domain is None:
        return
    for name, call in [
        ("dumpxml", lambda: domain.XMLDesc(0)),
        ("dumpxml --inactive --security-info", lambda: domain.XMLDesc(INACTIVE | SECURE)),
        ("info", domain.info),
        ("maxVcpus", domain.maxVcpus),
        ("OSType", domain.OSType),
        ("again", lambda: conn.defineXML(domain.XMLDesc(INACTIVE | SECURE))),
        ("undefine", domain.undefine),
    ]:
        step(f"{begin}: {name}", call)


def native(conn, path):
    text = path.read_text(errors="surrogateescape")
    if "<domain" not in text:
        return
    for format in ["xen-xl", "xen-xm"]:
        name = f"native {os.path.relpath(path)}: {format}"
        step(name, lambda: conn.domainXMLToNative(format, text, 0))


def configuration(conn, path):
    """Both read the same text; xm's are in folders that begin with its name."""
    text = path.read_text(errors="surrogateescape")
    is_xm = any(part.startswith("xm") for part in path.parts)
    format = "xen-xm" if is_xm else "xen-xl"
    name = f"read {os.path.relpath(path)}: {format}"
    step(name, lambda: conn.domainXMLFromNative(format, text, 0))


def virsh(uri, words):
    run = subprocess.run(
        ["virsh", "-c", uri, *words.split()],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )
    return [f"exit code {run.returncode}", *run.stdout.splitlines(), *run.stderr.splitlines()]


def main():
    uri, *paths = sys.argv[1:]
    libvirt.registerErrorHandler(lambda context, error: None, None)
    conn = libvirt.open(uri)
    # Of what stays, so that another step can name it.
    names = {"conn": conn, "libvirt": libvirt, "examples": {}}
    for path in sorted(EXAMPLES.glob("*.xml")):
        domain = step(f"define {path.name}", lambda: conn.defineXML(path.read_text()))
        names[path.stem.replace("-", "_")] = domain
    for line in lines("calls.txt"):
        step(line, lambda: eval(line, names))
    os.chdir(EXAMPLES.parent)
    for line in lines("commands.txt"):
        step(f"virsh {line}", lambda: virsh(uri, line))
    for domain in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE):
        step(f"undefine {domain.name()}", domain.undefine)
    for path in files(paths, "*.xml"):
        document(conn, path)
        native(conn, path)
    for path in files(paths, "*.cfg"):
        configuration(conn, path)


main()
