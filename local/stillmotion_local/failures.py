"""What can go wrong on the way up or down, said so that a person can act on it."""


class StackError(Exception):
    """A sentence about what is wrong, and one about what to do."""

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
