"""virt-install makes a PVH guest where the release of Xen has them."""

from client import URI, image, run, virsh, has

kernel = image("vmlinuz")
xml = run("virt-install", "--connect", URI, "--name", "orchard", "--memory", "64", "--import",
          "--paravirt", "--xml", "./os/type=xenpvh", "--xml", "./os/type/@machine=xenpvh",
          "--disk", "none",
          "--network", "bridge=xenbr0", "--boot", f"kernel={kernel}", "--osinfo", "generic",
          "--graphics", "none", "--print-xml")
has(xml, 'machine="xenpvh">xenpvh</type>')
has(virsh("domcapabilities", "--machine", "xenpvh"), "<machine>xenpvh</machine>")
has(virsh("capabilities"), "<os_type>xenpvh</os_type>")
version = run("virt-install", "--version").strip()
print(f"{version}: document of a PVH guest on Xen 4.17")
