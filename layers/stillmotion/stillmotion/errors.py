"""Faults of the stack itself, as against answers that a service expects (those are in `ports` and `domain`).

Misconfigured   a setting is missing or not of its form; names it
"""


class Misconfigured(Exception):
    """A setting of the function is missing or wrong; the message names it."""
