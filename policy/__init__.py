"""Who runs, how large, where, and why not.

Pure: no clock, no chance, no I/O, integers only. Imports nothing but the standard library.
"""
