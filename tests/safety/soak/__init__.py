"""Hours of everyday work on real parts, and what grows meanwhile: ``make soak``.

``work`` says what is pushed; ``samples`` reads what processes, database, branch and engine hold;
``growth`` fits lines through samples; ``figures`` says what is a breach.
"""
