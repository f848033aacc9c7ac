# The first process of a node, in namespaces of its own: its end is the end of the engine, of
# containerd, shims and containers, of the network and of all mounts, at once.
# Arguments: the lab's tag, the node's directory, its host name, its engine's configuration.
set -eu
directory=$2 hostname=$3 configuration=$4

# In a chroot, whatever enters a container (a health check) would come out in the machine's own
# tree, since the root of the mount namespace is still there. So make our root that of the namespace.
real=$(nsenter --mount=/proc/self/ns/mnt stat -Lc %d:%i / 2>/dev/null || true)
if [ -n "$real" ] && [ "$real" != "$(stat -Lc %d:%i /)" ]; then
  exec 9</
  exec nsenter --mount=/proc/self/ns/mnt sh -euc '
    mount --make-rprivate /
    cd /proc/self/fd/9
    here=$(pwd -P)
    mount --rbind "$here" "$here"
    cd "$here"
    pivot_root . .
    umount -l .
    cd /
    exec sh "$@" 9<&-' sh "$0" "$@"
fi

# Its number as the machine counts: this /proc is still the machine's.
read -r process _ </proc/self/stat
echo "$process"
exec >>"$directory/log" 2>&1
read -r plugged # a line comes when the network is there, nothing if the lab gave up
[ -n "$plugged" ] || exit 1
exec </dev/null

mount -t proc proc /proc
echo "$hostname" >/proc/sys/kernel/hostname
# Other engines' sockets, and a containerd that this engine would adopt, are out of sight.
mount -t tmpfs tmpfs /run
mkdir -p /etc/docker
mount -t tmpfs tmpfs /etc/docker # the engine keeps its identity there: each node needs its own

export TMPDIR="$directory/tmp" DOCKER_TMPDIR="$directory/tmp"
# "Never pull for a service". Otherwise each start of a tag asks a registry first.
export DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1
unset DOCKER_HOST
ulimit -n 65536 2>/dev/null || true
dockerd --config-file "$configuration" # not exec: this shell reaps what containers leave
