#!/bin/sh
# Dumps the database into /backups and keeps the newest ones.
#
#   backup.sh            for ever: a dump whenever the newest is EVERY_S old
#   backup.sh now        one now; prints its name
#   backup.sh restore F  puts a dump in the place of what is there: stop `zoe run` and `zoe web` first
set -eu
umask 077
EVERY_S=${EVERY_S:-86400} KEEP=${KEEP:-14}
cat /run/secrets/zoe-pgpass >"$PGPASSFILE" # as a file of ours that nobody else may read

dump() {
    file=/backups/zoe-$(date -u +%Y%m%dT%H%M%SZ).dump
    # What can't be listed is no dump: it would be missed when it is needed.
    if pg_dump --format=custom --file="$file.part" && pg_restore --list "$file.part" >/dev/null; then
        mv "$file.part" "$file"
        echo "$file"
        ls -1 /backups/zoe-*.dump | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm --
    else
        rm -f "$file.part"
        return 1
    fi
}

is_due() { [ -z "$(find /backups -name 'zoe-*.dump' -newermt "-$EVERY_S seconds")" ]; }

case ${1:-} in
now) dump ;;
restore)
    pg_restore --list "${2:?which dump}" >/dev/null # before anything is dropped
    psql -qX1 -v ON_ERROR_STOP=1 -c 'DROP SCHEMA public CASCADE' -c 'CREATE SCHEMA public'
    pg_restore --exit-on-error --single-transaction --no-owner --dbname="$PGDATABASE" "$2"
    ;;
*)
    trap 'exit 0' TERM
    while :; do
        # Without tables there is nothing to keep yet.
        if is_due && psql -qAtXc 'SELECT 1 FROM alembic_version' >/dev/null; then
            dump || echo "no dump could be made; again in a minute" >&2
        fi
        sleep 60 &
        wait $!
    done
    ;;
esac
