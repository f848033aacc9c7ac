#!/bin/sh
# Keeps containers away from what is the nodes' own: engines, the Swarm's management and its overlay
# traffic, a database. Swarm itself doesn't: a container reaches whatever its node reaches.
#
#   firewall.sh [ADDRESS...]   on every node, at each boot: the other nodes' addresses, the database's
#   firewall.sh --remove
#
# May be run again. The rules stand before Docker's and don't depend on them.
set -eu

tcp=2375,2376,2377,5432,7946 udp=4789,7946
bridges="docker_gwbridge docker0"
rules="iptables -w -t mangle"

for bridge in $bridges; do
  $rules -D PREROUTING -i "$bridge" -j ZOE-NODES 2>/dev/null || true
done
$rules -F ZOE-NODES 2>/dev/null || true
if [ "${1:-}" = --remove ]; then
  $rules -X ZOE-NODES 2>/dev/null || true
  exit
fi

$rules -N ZOE-NODES 2>/dev/null || true
refuse() {
  $rules -A ZOE-NODES "$@" -p tcp -m multiport --dports $tcp -j DROP
  $rules -A ZOE-NODES "$@" -p udp -m multiport --dports $udp -j DROP
}
refuse -m addrtype --dst-type LOCAL
for address in "$@"; do
  refuse -d "$address"
done
for bridge in $bridges; do
  $rules -I PREROUTING -i "$bridge" -j ZOE-NODES
done
