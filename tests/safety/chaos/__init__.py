"""Misfortunes of real parts, round after round: ``make chaos``.

``stage`` sets up a Swarm, a PostgreSQL and a repository of its own; ``work`` says what is pushed
and what must become of it; ``misfortunes`` are what happens meanwhile; ``witness`` writes down
what the Swarm says was done, ``results`` when results were there and stored, ``pushes`` what was
told; ``figures`` adds up. ``interruption`` lets a run be broken off.
"""
