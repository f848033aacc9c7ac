#!/bin/bash
# The image's entry point: the given command, or a shell.
set -eu
[ $# -gt 0 ] || set -- bash
exec "$@"
