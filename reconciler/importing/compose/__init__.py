"""Compose files: what has the same word here is kept, everything else is told."""
