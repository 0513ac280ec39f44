"""Why a job can fail: a closed set, each kind with what may be done about it."""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec


class FailureKind(StrEnum):
    """The word that a failed job, attempt or generation carries."""

    INVALID_INPUT = "invalid_input"
    INPUT_UNREACHABLE = "input_unreachable"
    MODERATED = "moderated"
    OUT_OF_CREDITS = "out_of_credits"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    GENERATION_FAILED = "generation_failed"
    TIMED_OUT = "timed_out"
    EXPIRED = "expired"
    CORRUPT_VIDEO = "corrupt_video"
    CANCELLED = "cancelled"
    OVER_BUDGET = "over_budget"


class Rules(msgspec.Struct, frozen=True):
    """What a failure of one kind allows, and what the user does about it.

    `allows_failover`: the other vendor may be tried, unless the request forbids it.
    """

    allows_failover: bool
    advice: str


RULES: Mapping[FailureKind, Rules] = {
    FailureKind.INVALID_INPUT: Rules(
        allows_failover=False,
        advice="Correct the field that the message names and send it again.",
    ),
    FailureKind.INPUT_UNREACHABLE: Rules(
        allows_failover=True,
        advice="Check that the image still exists and can be read by the vendor.",
    ),
    FailureKind.MODERATED: Rules(
        allows_failover=False,
        advice="Change the prompt or the image: the vendor declined the content.",
    ),
    FailureKind.OUT_OF_CREDITS: Rules(
        allows_failover=True, advice="Buy credits at the vendor, then submit the job again."
    ),
    FailureKind.UNAUTHORIZED: Rules(
        allows_failover=True, advice="Put a valid vendor key into the stack's vendor secret."
    ),
    FailureKind.THROTTLED: Rules(allows_failover=True, advice="Wait, or raise the account's tier at the vendor."),
    FailureKind.UNAVAILABLE: Rules(
        allows_failover=True,
        advice="Wait until the vendor, or the part of your own stack that the message names, works again.",
    ),
    FailureKind.OUTCOME_UNKNOWN: Rules(
        allows_failover=False,
        advice="Look up in the vendor's dashboard whether the generation exists, before anything is sent again.",
    ),
    FailureKind.GENERATION_FAILED: Rules(
        allows_failover=True, advice="Submit it again, or change the prompt or the image."
    ),
    FailureKind.TIMED_OUT: Rules(allows_failover=True, advice="Submit it again."),
    FailureKind.EXPIRED: Rules(
        allows_failover=False, advice="The vendor no longer has the video. Another one costs again."
    ),
    FailureKind.CORRUPT_VIDEO: Rules(
        allows_failover=False, advice="Open the vendor's own copy; ask the vendor for a refund."
    ),
    FailureKind.CANCELLED: Rules(allows_failover=False, advice="It was cancelled. Retry it if it is still wanted."),
    FailureKind.OVER_BUDGET: Rules(allows_failover=False, advice="Raise the budget, or wait until the next day."),
}


# Who ordered has no part in the operator's account at a vendor, and is not shown its balance.
_NOT_PLACED = "This service could not place the order with a vendor. Nothing is wrong with your order or your key."
_NEUTRAL: Mapping[FailureKind, str] = {
    FailureKind.UNAUTHORIZED: _NOT_PLACED,
    FailureKind.OUT_OF_CREDITS: _NOT_PLACED,
    FailureKind.THROTTLED: "The vendor had too much to do.",
    FailureKind.UNAVAILABLE: "The vendor, or a part of this service, was not available.",
}
_STATUSES_FIRST = re.compile(r"(?:HTTP [0-9]+(?:: *|\Z))+")
_STATUS = re.compile(r"HTTP (?=[0-9])")


class Failure(msgspec.Struct, frozen=True):
    """A failure as the records and the API show it."""

    kind: FailureKind
    message: str

    @property
    def advice(self) -> str:
        return RULES[self.kind].advice

    @property
    def public_message(self) -> str:
        """The message for who ordered; the record keeps the vendor's own.

        No status of the vendor's is in it: WaveSpeed's clients take "HTTP 5" or "HTTP 429" for a fault of the call, and
        order again.
        """
        neutral = _NEUTRAL.get(self.kind)
        if neutral is not None:
            return neutral
        found = _STATUSES_FIRST.match(self.message)
        said = self.message[found.end() :] if found else self.message
        return _STATUS.sub("status ", said) or "The vendor gave no reason."
