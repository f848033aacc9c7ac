"""``zoe`` with days made minutes: what is kept for 90 days is kept for six minutes.

python -m tests.safety.soak.hurried run
"""

from __future__ import annotations

import sys
from datetime import timedelta

from reconciler import tidying
from reconciler.converge import forgetting

# Before anybody takes them over.
forgetting.PUBLISHED, forgetting.KNOWN = timedelta(minutes=2), timedelta(minutes=6)
tidying.EVERY = timedelta(seconds=30)

from reconciler import cli, lead  # noqa: E402 - see above

lead.TIDY_S = 30.0

if __name__ == "__main__":
    sys.exit(cli.main())
