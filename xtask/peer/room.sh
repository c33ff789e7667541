#!/bin/sh
# A room for one daemon: its own view of the machine's files, in which it may write
# as it likes. Runs in namespaces of its own (`unshare -m -p -f`).
#   room.sh ROOM TREE WORKSPACE DISK
# ROOM has the sockets and the pipe of commands, the folder above it what rooms share:
# they are the same inside and outside. TREE is laid over this machine's root, DISK
# holds what the daemon has to keep.
set -eu
room=$1 tree=$2 workspace=$3 disk=$4
new=$room/new
mkdir -p "$new" "$room/run" "$disk/etc" "$disk/lib"
mount -t tmpfs tmpfs "$new"
mkdir "$new/upper" "$new/work" "$new/root"
# As a layer of its own it may not lie below the root, which is one.
cp -R --no-dereference "$tree/." "$new/upper"
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$new/upper,workdir=$new/work" "$new/root"
cd "$new/root"
bind() {
    mkdir -p "$new/root$2"
    mount --bind "$1" "$new/root$2"
}
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
bind "$workspace" "$workspace"
bind "${room%/*}" "${room%/*}"
bind "$room/run" /run/libvirt
bind "$disk/etc" /etc/libvirt
bind "$disk/lib" /var/lib/libvirt
exec chroot . /bin/sh "$workspace/xtask/peer/inside.sh" "$room" <"$room/commands"
