# The shell of a room: sets it up for either daemon, then does what comes on its
# standard input until nobody holds the other end: `peer`, `ours URI`, `end SIGNAL`.
# Each line that was done is a line in ROOM/done.
room=$1
drivers=/tmp/connection-driver
mkdir -p "$drivers" /etc/libvirt/libxl /etc/xen \
    /var/lib/libvirt/libxl /var/log/libvirt/libxl /var/lib/xen
getent group libvirt >/dev/null || groupadd libvirt
# Only this driver: the others look for what is not here.
cp /usr/lib/*/libvirt/connection-driver/libvirt_driver_libxl.so "$drivers" 2>/dev/null
printf '%s\n' 'auth_unix_rw = "none"' 'auth_unix_ro = "none"' \
    'unix_sock_group = "root"' >/etc/libvirt/libvirtd.conf
daemon=

peer() {
    LIBVIRT_DRIVER_DIR=$drivers LD_PRELOAD=$VIRTXEN_FRONT \
        libvirtd >>"$room/log" 2>&1 </dev/null &
    daemon=$!
}

ours() {
    "$VIRTXEND" --connect "$1" --root / >>"$room/log" 2>&1 </dev/null &
    daemon=$!
}

end() {
    [ -z "$daemon" ] || { kill "-$1" "$daemon" && wait "$daemon"; }
    daemon=
}

: >"$room/ready"
while read -r line; do
    eval "$line"
    echo "$line" >>"$room/done"
done
