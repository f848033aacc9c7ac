#!/opt/venv/bin/python
"""Start Jupyter: DOCKER_STACKS_JUPYTER_CMD (lab), then NOTEBOOK_ARGS, then our own arguments.

The server itself reads JUPYTER_PORT, and its token from JUPYTER_TOKEN or the file that
JUPYTER_TOKEN_FILE names.
"""

import os
import shlex
import sys

front_end = os.environ.get("DOCKER_STACKS_JUPYTER_CMD", "lab")
arguments = [*shlex.split(os.environ.get("NOTEBOOK_ARGS", "")), *sys.argv[1:]]
os.execvp("jupyter", ["jupyter", front_end, *arguments])  # noqa: S606, S607 - that is its task
