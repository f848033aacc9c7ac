#!/bin/sh
# Starts the stack's PostgreSQL, in any image that has it. The first time it makes the database `zoe`
# and the accounts zoe (its owner) and zoe_web (docs/security.md), with the passwords of their secrets.
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
volume=/var/lib/postgresql/data
data=$volume/zoe

if [ "$(id -u)" = 0 ]; then
    chown postgres: "$volume"
    exec setpriv --reuid postgres --regid postgres --init-groups sh "$0"
fi

# The last field of a pgpass file's line.
password() { sed -n '1s/.*://p' "/run/secrets/$1"; }

make() {
    rm -rf "$data.part"
    initdb --pgdata="$data.part" --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
        --auth-local=peer --auth-host=scram-sha-256 >/dev/null
    echo 'host zoe zoe,zoe_web all scram-sha-256' >>"$data.part/pg_hba.conf"
    pg_ctl --pgdata="$data.part" --silent --wait \
        --options="-c listen_addresses='' -c unix_socket_directories=/tmp" start
    # As variables: what the server is told isn't what other processes can read.
    ZOE=$(password zoe-pgpass) WEB=$(password zoe-web-pgpass) \
        psql --host=/tmp --dbname=postgres --quiet --no-psqlrc --set=ON_ERROR_STOP=1 <<'SQL'
\getenv zoe ZOE
\getenv web WEB
CREATE ROLE zoe LOGIN PASSWORD :'zoe';
CREATE ROLE zoe_web LOGIN NOINHERIT PASSWORD :'web';
CREATE DATABASE zoe OWNER zoe;
REVOKE ALL ON DATABASE zoe FROM PUBLIC;
GRANT CONNECT ON DATABASE zoe TO zoe_web;
SQL
    pg_ctl --pgdata="$data.part" --silent --wait stop
    mv "$data.part" "$data" # whole, or made again
}

[ -s "$data/PG_VERSION" ] || make
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
