"""Bytes to domain objects, or diagnostics. Pure: reads no file, no clock, no network."""
