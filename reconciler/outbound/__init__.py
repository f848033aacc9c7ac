"""What forges and people are told: said once, kept in the outbox, sent beside the loop.

``forges`` and ``notifiers`` are the ways there, behind the protocols of ``delivery``.
"""
