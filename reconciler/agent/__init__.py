"""What a node tells of containers: the CPU time and the traffic that each has had.

It runs on every node, where an operator wants idle probes of type usage (docs/idle.md). Standard
library only, so that its image is Python and these files. It reads two folders of the node, knows
nothing of Docker, and decides nothing.
"""
