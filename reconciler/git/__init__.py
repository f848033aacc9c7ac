"""Git adapters: sources of manifests and the status branch. Bare repositories, never a checkout."""
