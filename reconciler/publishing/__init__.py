"""The status branch: what belongs on it, when it goes, and the ledger's copy there."""
