"""How an application is asked whether it is used: one module per type of probe.

``prober`` asks, beside the loop, and ``port_checker`` tries where somebody should listen.

What applications answer is theirs to choose, so it is bounded in time and size, and understood
strictly: whatever doesn't fit is no answer, and never an idle one.
"""
