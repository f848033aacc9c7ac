"""Zoe: GitOps for analytic applications on Docker Swarm."""

__version__ = "0.1.0"
