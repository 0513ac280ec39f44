"""A call that repeats an earlier one, and cannot be given the job of that.

NotRepeated
├─ KeyReused       its Idempotency-Key was used with another body
└─ OrderDeleted    the video of that order was deleted
"""


class NotRepeated(Exception):
    """Nothing was ordered. `code` is a stable word for programs; the message is a sentence for people."""

    code: str


class KeyReused(NotRepeated):
    """Its Idempotency-Key was used with another body."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another body. Send a new key, or the same body.")


class OrderDeleted(NotRepeated):
    """The video of that order was deleted: to order it again, a caller has to say so."""

    code = "video_deleted"

    def __init__(self) -> None:
        super().__init__("The video of this order was deleted. Send another Idempotency-Key to order it again.")
