"""One script per budget, each side by side with its peer. None of them is a test."""
