"""Descriptions of the original Zoe, formats 0 to 3, and the manifests of its shop."""
