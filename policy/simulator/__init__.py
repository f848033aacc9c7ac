"""What a policy does to a workload: a discrete-event simulator over the scheduler's own ``decide``.

Pure: no clock, no files, chance only as an argument. The live loop asks the same ``decide``, so
what is measured here is what runs. ``workload`` modules make applications (``swf``, ``generator``,
``history``), ``engine`` plays them, ``metrics`` sums up.
"""
