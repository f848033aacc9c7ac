"""How an application is asked whether it is used: one module per type of probe.

What applications answer is theirs to choose, so it is bounded in time and size, and understood
strictly: whatever doesn't fit is no answer, and never an idle one.
"""
