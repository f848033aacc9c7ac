"""The schema's history, one revision per file. Run by ``reconciler.store.migrate`` only."""
