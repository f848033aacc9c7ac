"""The one fake cluster: ``ports.Cluster`` in memory, for the simulator and for tests.

With a :class:`VirtualClock` time passes by ``advance`` (and while waiting for an event); with any
other clock it runs along with it. It copies the Swarm's behaviour as measured; where the contract
suite finds the two different, this one is wrong.
"""

from reconciler.cluster.fake.agenda import VirtualClock
from reconciler.cluster.fake.cluster import FakeCluster, fake_node
from reconciler.cluster.fake.script import Effect, Outcome, Timings, as_meant

__all__ = ["Effect", "FakeCluster", "Outcome", "Timings", "VirtualClock", "as_meant", "fake_node"]
