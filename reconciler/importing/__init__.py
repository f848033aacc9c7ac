"""Manifests out of other formats: descriptions of the original Zoe, and Compose files.

Bytes in, :class:`~reconciler.importing.result.Imported` out: documents that the loader takes, and a
note for everything that was left out or changed. Nothing here reads files or prints.
"""
