"""Ansible's module community.libvirt.virt, of the collections that Debian packs."""

import json
from pathlib import Path

from client import KEEP, URI, WORK, run

collections = KEEP / "collections"
INSIDE = "usr/lib/python3/dist-packages/ansible_collections/community/libvirt"
if not (collections / INSIDE).is_dir():
    collections.mkdir(exist_ok=True)
    run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "ansible", cwd=collections,
        limit=120)
    package = next(collections.glob("ansible_*.deb"))
    run("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar x ./"$1"', package, INSIDE, cwd=collections)
    package.unlink()

document = Path("examples/paravirt-kernel.xml").read_text()


def task(**arguments):
    return {"community.libvirt.virt": {"uri": URI, **arguments}, "register": "answer"}


def expect(*conditions):
    return {"ansible.builtin.assert": {"that": list(conditions)}}


tasks = [
    task(command="list_vms"),
    expect("answer.list_vms | sort == ['Domain-0', 'pv1', 'pv2']"),
    task(command="define", xml=document),
    expect("answer.changed", "answer.created == 'orchard'"),
    task(command="define", xml=document),
    expect("not answer.changed"),
    task(name="orchard", state="running"),
    expect("answer.changed"),
    task(name="orchard", state="running"),
    expect("not answer.changed"),
    task(command="info"),
    expect("answer.orchard.state == 'running'", "answer.orchard.memory == '393216'"),
    task(name="orchard", command="pause"),
    task(name="orchard", command="status"),
    expect("answer.status == 'paused'"),
    task(name="orchard", state="destroyed"),
    task(name="orchard", command="status"),
    expect("answer.status == 'shutdown'"),
    task(name="orchard", command="undefine"),
]
playbook = WORK / "playbook.json"
playbook.write_text(json.dumps([
    {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]))
run("ansible-playbook", "-i", "localhost,", "-e", "ansible_python_interpreter=/usr/bin/python3",
    playbook, limit=200, env={
        "PATH": "/usr/bin:/bin", "HOME": str(WORK), "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(collections / "usr/lib/python3/dist-packages"),
    })
print(f"{sum('register' in task for task in tasks)} tasks on a guest, from its definition to its end")
