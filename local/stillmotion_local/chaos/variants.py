"""What can go wrong with a job: each way has a name, a marker for the prompt, and how one sees that it took place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stillmotion_local.vendors.faults import Fault


class Group(StrEnum):
    """When in a job's life it strikes."""

    REFUSED = "refused"
    POST = "post"
    READ = "read"
    ENDING = "ending"
    LATE = "late"
    WEBHOOK = "webhook"
    VIDEO = "video"


class Sign(StrEnum):
    """Where one sees that it took place."""

    ANSWER = "answer"
    STRIKE = "strike"
    KILL = "kill"


@dataclass(frozen=True)
class Variant:
    """One way to go wrong. `texts` are the ways to write it, of which a job gets one.

    `vendor` is the only one that knows it. `is_silent`: the caller cannot tell whether the POST was taken.
    """

    name: str
    group: Group
    texts: tuple[str, ...]
    fault: Fault | None = None
    sign: Sign = Sign.STRIKE
    vendor: str | None = None
    is_silent: bool = False
    is_long: bool = False
    ends_here: frozenset[str] = field(default_factory=frozenset)

    @property
    def passes(self) -> bool:
        """Whether it strikes once, and the next try has to do with something else."""
        return self.sign is Sign.KILL or all("times=1" in text for text in self.texts)


def _fault(
    group: Group,
    fault: Fault,
    *parameters: str,
    name: str = "",
    sign: Sign = Sign.STRIKE,
    vendor: str | None = None,
    is_silent: bool = False,
    is_long: bool = False,
    ends_here: frozenset[str] = frozenset(),
) -> Variant:
    texts = tuple(f"[[fault:{' '.join((fault, given)).strip()}]]" for given in parameters or ("",))
    return Variant(name or fault, group, texts, fault, sign, vendor, is_silent, is_long, ends_here)


# Refused for good, or by the first vendor only: where the other is tried, it may take the job.
_FIRST_ONLY = ("", "times=1")
_BOTH = frozenset({"apiframe", "wavespeed"})
_WAVESPEED = frozenset({"wavespeed"})

VARIANTS: tuple[Variant, ...] = (
    _fault(Group.REFUSED, Fault.UNAUTHORIZED, *_FIRST_ONLY, sign=Sign.ANSWER, ends_here=_BOTH),
    _fault(Group.REFUSED, Fault.OUT_OF_CREDITS, *_FIRST_ONLY, sign=Sign.ANSWER, ends_here=_BOTH),
    _fault(Group.REFUSED, Fault.FORBIDDEN, *_FIRST_ONLY, sign=Sign.ANSWER, ends_here=_BOTH),
    _fault(Group.REFUSED, Fault.INVALID, *_FIRST_ONLY, sign=Sign.ANSWER, ends_here=_BOTH),
    _fault(Group.POST, Fault.THROTTLE, "retry_after=1 times=1", "retry_after=2 times=2", sign=Sign.ANSWER),
    _fault(Group.POST, Fault.THROTTLE_BARE, "times=1", sign=Sign.ANSWER),
    # A 503 proves nothing at a vendor that knows no keys.
    _fault(Group.POST, Fault.UNAVAILABLE_503, "times=1", sign=Sign.ANSWER, ends_here=_WAVESPEED),
    _fault(Group.POST, Fault.DROP_AFTER_ACCEPT, "times=1", sign=Sign.ANSWER, is_silent=True),
    _fault(Group.POST, Fault.ACCEPT_THEN_500, "times=1", sign=Sign.ANSWER, is_silent=True),
    _fault(Group.POST, Fault.ACCEPT_THEN_502, "times=1", sign=Sign.ANSWER, is_silent=True),
    _fault(Group.POST, Fault.ACCEPT_THEN_504, "times=1", sign=Sign.ANSWER, is_silent=True),
    _fault(Group.POST, Fault.NEVER_ANSWER, "times=1", sign=Sign.ANSWER, is_silent=True, is_long=True),
    _fault(
        Group.POST,
        Fault.MALFORMED_JSON,
        "at=submit times=1",
        name="malformed_json (answer to the POST)",
        sign=Sign.ANSWER,
        is_silent=True,
    ),
    _fault(
        Group.POST,
        Fault.UNKNOWN_STATE,
        "at=submit word=dreaming times=1",
        name="unknown_state (answer to the POST)",
        sign=Sign.ANSWER,
    ),
    Variant("killed after the POST", Group.POST, ("[[note:kill=after_post]]",), sign=Sign.KILL, is_silent=True),
    _fault(Group.READ, Fault.MALFORMED_JSON, "at=read times=2", name="malformed_json (status)"),
    _fault(Group.READ, Fault.UNKNOWN_STATE, "word=marinating times=2", name="unknown_state (status)"),
    _fault(Group.READ, Fault.READ_500, "times=1", "times=3"),
    _fault(
        Group.READ, Fault.FAILED_TASK, "code=5004 times=2", name="failed_task (5004: still at work)", vendor="wavespeed"
    ),
    _fault(Group.READ, Fault.SLOW, "seconds=8", name="slow"),
    _fault(Group.ENDING, Fault.FAILED_TASK, *_FIRST_ONLY, name="failed_task (HTTP 200)", ends_here=_BOTH),
    _fault(Group.ENDING, Fault.FAILED_TASK, "at=submit", name="failed_task (HTTP 200 to the POST)", ends_here=_BOTH),
    _fault(Group.ENDING, Fault.MODERATED, *_FIRST_ONLY, ends_here=_BOTH),
    _fault(Group.ENDING, Fault.GENERATION_FAILED, *_FIRST_ONLY, ends_here=_BOTH),
    _fault(Group.ENDING, Fault.GENERATION_FAILED, "billed=yes", name="generation_failed (billed)", ends_here=_BOTH),
    _fault(Group.ENDING, Fault.CANCELLED, *_FIRST_ONLY, ends_here=_BOTH),
    _fault(Group.ENDING, Fault.TIMEOUT, *_FIRST_ONLY, ends_here=_BOTH),
    _fault(Group.LATE, Fault.STUCK, is_long=True, ends_here=_BOTH),
    _fault(Group.LATE, Fault.SLOW, "seconds=80", name="slow (past the deadline)", is_long=True),
    _fault(Group.WEBHOOK, Fault.WEBHOOK_LOST),
    _fault(Group.WEBHOOK, Fault.WEBHOOK_DOUBLED),
    _fault(Group.WEBHOOK, Fault.WEBHOOK_REPLAYED, "seconds=4"),
    _fault(
        Group.WEBHOOK,
        Fault.WEBHOOK_REPLAYED,
        "age=400 seconds=1",
        name="webhook_replayed (signed long ago)",
        vendor="wavespeed",
    ),
    _fault(Group.WEBHOOK, Fault.WEBHOOK_EARLY),
    _fault(Group.WEBHOOK, Fault.WEBHOOK_FORGED),
    _fault(Group.VIDEO, Fault.VIDEO_TRUNCATED, "times=1"),
    _fault(Group.VIDEO, Fault.VIDEO_EMPTY, "times=1"),
    _fault(Group.VIDEO, Fault.VIDEO_HTML, "times=1"),
    _fault(Group.VIDEO, Fault.VIDEO_EXPIRED, "times=1", name="video_expired (once)"),
    _fault(Group.VIDEO, Fault.VIDEO_EXPIRED, "status=410", name="video_expired (for good)", ends_here=_BOTH),
    _fault(Group.VIDEO, Fault.VIDEO_REDIRECT),
    _fault(Group.VIDEO, Fault.VIDEO_SLOW_DRIP, "seconds=4 times=1"),
    _fault(Group.VIDEO, Fault.VIDEO_WRONG_LENGTH, "times=1"),
    # Large enough to go up in parts.
    _fault(Group.VIDEO, Fault.VIDEO_LARGE, "megabytes=18"),
    Variant("killed after the upload", Group.VIDEO, ("[[note:kill=after_upload]]",), sign=Sign.KILL),
)

BY_NAME: Mapping[str, Variant] = {variant.name: variant for variant in VARIANTS}


class Arrival(StrEnum):
    """What happens to a job on its way in, or to all of them."""

    EVENT_TWICE = "event delivered twice"
    DROPPED_AGAIN = "dropped again"
    KEY_TWICE = "key sent twice"
    EMULATOR_STOPPED = "emulator stopped on the way"


def of_group(group: Group) -> list[Variant]:
    return [variant for variant in VARIANTS if variant.group is group]
