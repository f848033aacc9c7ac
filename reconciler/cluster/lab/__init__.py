"""A throw-away Docker Swarm of real engines on one Linux machine, and images for it.

Each node has its own network, mount, process and host-name namespaces and its own engine; nothing
outlives :meth:`reconciler.cluster.lab.lab.Lab.down`. For trying out, for the tests, for the demo.
"""
