"""Base and head revision to a preview. Pure; runs the very code of a pass on another revision."""
