"""The production loop in a world of faults: one thread, one seed, virtual time.

Only the ports are swapped, through the wiring that ``zoe run`` uses. Two processes lead in turn
or get in each other's way; whatever a port can do to them it does, between any two calls.
"""
