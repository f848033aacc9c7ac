#!/bin/sh
# Stands in for a training: writes what it has learnt into the workspace.
set -eu
echo "run ${RUN} learnt something" >>/work/model.txt
