"""Sample views of every type, as a lab's busy Sunday would give them: for looking and for tests."""
