"""Desired and observed state to a plan; outcomes to status. Pure."""
