#!/bin/sh
# Gives zoe_web its rights again after each migration, whenever `zoe run` gets to make it, and
# whenever a dump has put other tables in the place of those that it had rights on.
set -eu
umask 077
cat /run/secrets/zoe-pgpass >"$PGPASSFILE" # as a file of ours that nobody else may read
trap 'exit 0' TERM
applied=none
while :; do
    if now=$(psql -qAtXc "SELECT version_num || ' of ' || tableoid FROM alembic_version") &&
        [ "$now" != "$applied" ]; then
        if psql -qX1 -v ON_ERROR_STOP=1 -f /zoe_web.sql; then
            applied=$now
            echo "granted at revision $now"
        fi
    fi
    touch /tmp/alive
    sleep 10 &
    wait $!
done
