# Builds one layer in namespaces of its own: every mount and every process ends with this shell.
# Arguments: the work folder (base, settings, upper, scratch, root), the user's name, uid, gid and
# home (or four empty ones), then folders to mount in place. APT and PIP hold what to install.
set -eu
work=$1 name=$2 uid=$3 gid=$4 home=$5
shift 5

mount -t overlay overlay "$work/root" \
    -o "lowerdir=$work/settings:$work/base,upperdir=$work/upper,workdir=$work/scratch"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
for folder; do
    mount --rbind "$folder" "$work/root$folder"
done

# Whatever was mounted: what follows must change the build and never this machine.
[ -e "$work/root/etc/dpkg/dpkg.cfg.d/zoe-lab" ] || exit 1

inside() { chroot "$work/root" "$@"; }
if [ -n "$APT" ]; then
    inside apt-get -qq update
    inside mkdir -p /usr/share/man/man1 # Java's packages lay links there, manuals or not
    # The words are packages: they have no blanks of their own.
    inside apt-get -qq install -y --no-install-recommends $APT
fi
if [ -n "$PIP" ]; then
    inside python3 -m venv /opt/venv
    inside /opt/venv/bin/pip install --no-cache-dir --no-compile $PIP
    # Bytecode costs room once and saves seconds of CPU at each start: the user can't write it.
    inside python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/(tests?|lexers|locale-data)/' /opt/venv/lib || true
fi
if [ -n "$name" ]; then
    inside useradd --no-log-init --create-home --home-dir "$home" \
        --uid "$uid" --gid "$gid" --shell /bin/bash "$name"
    [ -z "$PIP" ] || inside chown -R "$uid:$gid" /opt/venv # so that users can add packages
fi
