#!/bin/sh
# Dumps the database into /backups and keeps the newest ones.
#
#   backup.sh            for ever: a dump whenever the newest is EVERY_S old
#   backup.sh now        one now; prints its name
#   backup.sh restore F  puts a dump in the place of what is there: stop `zoe run` and `zoe web`
#                        first; it waits for their end for WAIT_S
set -eu
umask 077
EVERY_S=${EVERY_S:-86400} KEEP=${KEEP:-14} WAIT_S=${WAIT_S:-90}
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

# Who is connected while tables are replaced would write to either.
await_alone() {
    waited=0
    while :; do
        zoes=$(psql -qAtXc "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'zoe'")
        [ "$zoes" != 0 ] || return 0
        if [ "$waited" -ge "$WAIT_S" ]; then
            echo "zoe run or zoe web is still connected: nothing was restored" >&2
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

is_due() { [ -z "$(find /backups -name 'zoe-*.dump' -newermt "-$EVERY_S seconds")" ]; }

case ${1:-} in
now) dump ;;
restore)
    pg_restore --list "${2:?which dump}" >/dev/null # before anything is dropped
    await_alone
    psql -qX1 -v ON_ERROR_STOP=1 -c 'DROP SCHEMA public CASCADE' -c 'CREATE SCHEMA public'
    pg_restore --exit-on-error --single-transaction --no-owner --dbname="$PGDATABASE" "$2"
    ;;
*)
    trap 'exit 0' TERM
    while :; do
        pause=60
        if is_due; then
            if ! psql -qAtXc 'SELECT 1 FROM alembic_version' >/dev/null; then
                pause=10 # without tables there is nothing to keep yet
            elif ! dump; then
                echo "no dump could be made; again in a minute" >&2
            fi
        fi
        sleep "$pause" &
        wait $!
    done
    ;;
esac
