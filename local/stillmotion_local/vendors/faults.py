"""Faults on demand: their names, their parameters, and the markers in a prompt that call for them.

A marker is `[[fault:NAME key=value …]]`; a prompt may hold several. A rule of the fault plan (`fault_plan`) takes the
same names and parameters. Every fault takes `vendor=apiframe|wavespeed` (only there) and `submissions=n` (only the
first n submissions of the same prompt; a replay by Idempotency-Key counts as one). Numbers may be written `forever`.
`[[note:…]]` is for whoever reads the ledger: it calls for nothing and is not painted.

======================  ===============================================================================================
name                    what happens, and its own parameters
======================  ===============================================================================================
throttle                refused: 429 with Retry-After; retry_after=1 (seconds), times (submissions)
throttle_bare           refused: 429 without Retry-After; times
unauthorized            refused: 401; times
out_of_credits          refused: Apiframe 402, WaveSpeed 403; status, times
forbidden               refused: 403; times
unavailable_503         refused: 503; times
invalid                 refused: 400; times
drop_after_accept       accepted and billed, then the connection is closed without an answer; times
accept_then_500         accepted and billed, then 500; times
accept_then_502         accepted and billed, then 502 with an HTML body; times
accept_then_504         accepted and billed, then 504 with an HTML body; times
never_answer            accepted and billed, then silence; seconds=forever (then the connection is closed), times
malformed_json          accepted; the JSON of an answer is cut in half; at=submit|read (submit), times (submissions, or
                        reads: 1)
unknown_state           a status word that nobody has documented; word, at=submit|read (read), times (reads: 1)
failed_task             ends as failed, told with HTTP 200; code=1405, message, billed=no, at=submit|read (read), times
                        (submissions). With code=5004 (WaveSpeed) only the waiting has ended: times=1 reads say
                        failed with that code, while the task goes on and succeeds
moderated               ends as failed by moderation (WaveSpeed code 1200); billed=no, times
generation_failed       ends as failed (WaveSpeed code 1403); billed=no, times
stuck                   stays in processing for ever; times
slow                    succeeds, but later; seconds=30 more, times
cancelled               ends as cancelled; billed=no, times
timeout                 ends as timed out (Apiframe: FAILED); billed=no, times
read_500                reading the status fails; times=1 (reads), status=500
webhook_lost            no webhook is sent; times (submissions)
webhook_doubled         each webhook is sent twice at once; times
webhook_replayed        the webhook is sent again, byte for byte; seconds=2 later, age=0 (signed as if so old),
                        times
webhook_early           a signed webhook says "completed" before the POST is answered, and the true one follows; times
webhook_forged          a webhook with a wrong signature and a video from elsewhere comes first; times
video_truncated         the MP4 ends early, and Content-Length agrees with it; bytes (half), times (fetches)
video_empty             200 and no bytes; times (fetches)
video_html              200 and an HTML page; times
video_expired           gone before its time; status=404, times
video_redirect          302; to=URL (default: the same video by another path), times
video_slow_drip         sent in drops; seconds=10 in all, times
video_wrong_length      Content-Length says more than is sent, then the connection closes; bytes (half), times
video_large             followed by padding that players skip; megabytes=100, times
video_trailing_index    not a fault: the MP4 has its index at its end
result_shape            not a fault: how Apiframe words its result; as=videoUrl|string|videos
======================  ===============================================================================================
"""

import re
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class Fault(StrEnum):
    """Every fault there is. The table above says what each does."""

    THROTTLE = "throttle"
    THROTTLE_BARE = "throttle_bare"
    UNAUTHORIZED = "unauthorized"
    OUT_OF_CREDITS = "out_of_credits"
    FORBIDDEN = "forbidden"
    UNAVAILABLE_503 = "unavailable_503"
    INVALID = "invalid"
    DROP_AFTER_ACCEPT = "drop_after_accept"
    ACCEPT_THEN_500 = "accept_then_500"
    ACCEPT_THEN_502 = "accept_then_502"
    ACCEPT_THEN_504 = "accept_then_504"
    NEVER_ANSWER = "never_answer"
    MALFORMED_JSON = "malformed_json"
    UNKNOWN_STATE = "unknown_state"
    FAILED_TASK = "failed_task"
    MODERATED = "moderated"
    GENERATION_FAILED = "generation_failed"
    STUCK = "stuck"
    SLOW = "slow"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    READ_500 = "read_500"
    WEBHOOK_LOST = "webhook_lost"
    WEBHOOK_DOUBLED = "webhook_doubled"
    WEBHOOK_REPLAYED = "webhook_replayed"
    WEBHOOK_EARLY = "webhook_early"
    WEBHOOK_FORGED = "webhook_forged"
    VIDEO_TRUNCATED = "video_truncated"
    VIDEO_EMPTY = "video_empty"
    VIDEO_HTML = "video_html"
    VIDEO_EXPIRED = "video_expired"
    VIDEO_REDIRECT = "video_redirect"
    VIDEO_SLOW_DRIP = "video_slow_drip"
    VIDEO_WRONG_LENGTH = "video_wrong_length"
    VIDEO_LARGE = "video_large"
    VIDEO_TRAILING_INDEX = "video_trailing_index"
    RESULT_SHAPE = "result_shape"


REFUSALS = frozenset(
    {
        Fault.THROTTLE,
        Fault.THROTTLE_BARE,
        Fault.UNAUTHORIZED,
        Fault.OUT_OF_CREDITS,
        Fault.FORBIDDEN,
        Fault.UNAVAILABLE_503,
        Fault.INVALID,
    }
)
VIDEO_FAULTS = frozenset(
    {
        Fault.VIDEO_TRUNCATED,
        Fault.VIDEO_EMPTY,
        Fault.VIDEO_HTML,
        Fault.VIDEO_EXPIRED,
        Fault.VIDEO_REDIRECT,
        Fault.VIDEO_SLOW_DRIP,
        Fault.VIDEO_WRONG_LENGTH,
        Fault.VIDEO_LARGE,
    }
)

_PARAMETERS_OF_ALL = frozenset({"vendor", "submissions", "times"})
_PARAMETERS: dict[Fault, frozenset[str]] = {
    Fault.THROTTLE: frozenset({"retry_after"}),
    Fault.OUT_OF_CREDITS: frozenset({"status"}),
    Fault.NEVER_ANSWER: frozenset({"seconds"}),
    Fault.MALFORMED_JSON: frozenset({"at"}),
    Fault.UNKNOWN_STATE: frozenset({"word", "at"}),
    Fault.FAILED_TASK: frozenset({"code", "message", "billed", "at"}),
    Fault.MODERATED: frozenset({"billed"}),
    Fault.GENERATION_FAILED: frozenset({"billed"}),
    Fault.SLOW: frozenset({"seconds"}),
    Fault.CANCELLED: frozenset({"billed"}),
    Fault.TIMEOUT: frozenset({"billed"}),
    Fault.READ_500: frozenset({"status"}),
    Fault.WEBHOOK_REPLAYED: frozenset({"seconds", "age"}),
    Fault.VIDEO_TRUNCATED: frozenset({"bytes"}),
    Fault.VIDEO_EXPIRED: frozenset({"status"}),
    Fault.VIDEO_REDIRECT: frozenset({"to"}),
    Fault.VIDEO_SLOW_DRIP: frozenset({"seconds"}),
    Fault.VIDEO_WRONG_LENGTH: frozenset({"bytes"}),
    Fault.VIDEO_LARGE: frozenset({"megabytes"}),
    Fault.RESULT_SHAPE: frozenset({"as"}),
}
_NUMBERS = frozenset({"submissions", "times", "retry_after", "status", "seconds", "code", "age", "bytes", "megabytes"})
# WaveSpeed's error-codes page: a time-out of the synchronous wait; the task is still processing.
_SYNCHRONOUS_WAIT_TIMEOUT = 5004
_MARKER = re.compile(r"\[\[fault:(?P<name>[^\s\]]*)(?P<parameters>[^\]]*)\]\]")
_NOTE = re.compile(r"\[\[note:[^\]]*\]\]")


class BadFaultError(Exception):
    """A marker or a rule names a fault or a parameter that does not exist."""


class ActiveFault(BaseModel):
    """A fault with its parameters, as written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Fault
    parameters: dict[str, str] = {}

    @model_validator(mode="after")
    def _knows_its_parameters(self) -> "ActiveFault":
        allowed = _PARAMETERS_OF_ALL | _PARAMETERS.get(self.name, frozenset())
        for key, value in self.parameters.items():
            if key not in allowed:
                raise ValueError(f"{self.name} has no parameter {key!r}; it has {', '.join(sorted(allowed))}")
            if key in _NUMBERS:
                _number(value)
        return self

    def number(self, key: str, default: float) -> float:
        """A numeric parameter; `forever` is infinite."""
        written = self.parameters.get(key)
        return default if written is None else _number(written)

    def word(self, key: str, default: str) -> str:
        """A parameter as written."""
        return self.parameters.get(key, default)

    def says_yes(self, key: str) -> bool:
        """A yes-or-no parameter; absent is no."""
        return self.word(key, "no").lower() in {"yes", "true", "1"}

    @property
    def counts_submissions(self) -> bool:
        """True where `times` is a number of submissions, not of reads or fetches."""
        if self.name in VIDEO_FAULTS or self.name is Fault.READ_500:
            return False
        if self.is_wait_timeout:
            return self.word("at", "read") == "submit"
        if self.name is Fault.UNKNOWN_STATE:
            return self.word("at", "read") == "submit"
        return not (self.name is Fault.MALFORMED_JSON and self.word("at", "submit") == "read")

    @property
    def is_wait_timeout(self) -> bool:
        """True for a failed task whose code says that only the waiting is over: the work goes on."""
        return self.name is Fault.FAILED_TASK and self.number("code", 0) == _SYNCHRONOUS_WAIT_TIMEOUT

    def applies_to(self, vendor: str, submission: int) -> bool:
        """True when it concerns this submission of a prompt at this vendor; the first submission is number 1."""
        if self.word("vendor", vendor) != vendor:
            return False
        most = self.number("submissions", float("inf"))
        if self.counts_submissions:
            most = min(most, self.number("times", float("inf")))
        return submission <= most


def faults_in(prompt: str) -> list[ActiveFault]:
    """Reads the markers of a prompt, in order. Raises `BadFaultError`."""
    faults = []
    for marker in _MARKER.finditer(prompt):
        parameters = {}
        for pair in marker["parameters"].split():
            (key, equals, value) = pair.partition("=")
            if not equals:
                raise BadFaultError(f"{marker[0]}: {pair!r} is not key=value")
            parameters[key] = value
        try:
            faults.append(ActiveFault(name=Fault(marker["name"]), parameters=parameters))
        except ValidationError as error:
            raise BadFaultError(f"{marker[0]}: {error.errors()[0]['msg']}") from error
        except ValueError as error:
            raise BadFaultError(f"{marker[0]}: there is no such fault") from error
    return faults


def without_markers(prompt: str) -> str:
    """The prompt as a person meant it: without notes, too."""
    return " ".join(_NOTE.sub(" ", _MARKER.sub(" ", prompt)).split())


def _number(written: str) -> float:
    if written == "forever":
        return float("inf")
    try:
        return float(written)
    except ValueError as error:
        raise ValueError(f"{written!r} is not a number") from error
