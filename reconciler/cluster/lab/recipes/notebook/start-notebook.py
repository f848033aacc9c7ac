#!/opt/venv/bin/python
"""Start the server: its token is in JUPYTER_TOKEN or the file that JUPYTER_TOKEN_FILE names."""

import os
import sys

arguments = ["jupyter", "server", "--ip=0.0.0.0", "--port=8888", *sys.argv[1:]]
os.execvp("jupyter", arguments)  # noqa: S606, S607 - that is its task
