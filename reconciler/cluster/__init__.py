"""Cluster adapters: Docker Swarm, its fake with virtual time, and the lab of real engines."""
