"""From Git to what is wanted: which commit is followed, who judges it, and how it is read.

A source is a repository behind ``ports.Source``; ``git`` is how one is reached. What files mean is
``manifest``'s business.
"""
