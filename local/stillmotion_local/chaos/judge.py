"""Compares what the vendors billed with what the records say and what the bucket holds. It knows nothing of the product
but its records' public fields; a status that it does not know is one that has not ended.

Words, as `docs/chaos.md` defines them:

    paid twice              two generations of one job that live at a time, or two that succeeded
    paid and lost           a generation that succeeded, or may, with no verified object and nothing that shows it
    unpaid and completed    completed, and no vendor has made that video
    stuck                   neither ended, nor overdue, nor in need of attention; or no record at all
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from stillmotion_local.chaos.evidence import Evidence, Record, number_of
from stillmotion_local.chaos.killer.sitecustomize import AFTER_POST, AFTER_UPLOAD
from stillmotion_local.chaos.plan import Play, number_in
from stillmotion_local.chaos.variants import Sign, Variant
from stillmotion_local.vendors.faults import Fault

FINAL = frozenset({"completed", "failed", "cancelled"})
REFUSALS_FROM, REFUSALS_BELOW = 400, 500
_MAY_BE_PAID = frozenset({"sending", "unknown", "accepted"})
_LARGER_THAN_MADE = frozenset({Fault.VIDEO_LARGE})


@dataclass(frozen=True)
class Finding:
    """What became of one play. The texts say what is wrong; there are none where all is well."""

    play: Play
    jobs: tuple[Record, ...]
    generations: tuple[Record, ...]
    seen: frozenset[str]
    paid_twice: str | None = None
    paid_and_lost: str | None = None
    unpaid_and_completed: str | None = None
    stuck: str | None = None
    attention: str | None = None
    failed_unasked: str | None = None

    @property
    def paid(self) -> int:
        """Generations that were billed, refunds taken off."""
        return sum(is_paid(generation) for generation in self.generations)

    @property
    def status(self) -> str:
        return " + ".join(sorted(str(job.get("status")) for job in self.jobs)) or "none"

    @property
    def wrongs(self) -> list[str]:
        found = (self.paid_twice, self.paid_and_lost, self.unpaid_and_completed, self.stuck)
        return [text for text in found if text is not None]


def judge(plays: Sequence[Play], evidence: Evidence) -> list[Finding]:
    """One finding for each play."""
    jobs = _by_number([(number_of(job), job) for job in evidence.jobs])
    made = _by_number([(number_in(generation["prompt"]), generation) for generation in evidence.generations])
    posts = _by_number([(number_in(post["prompt"]), post) for post in evidence.posts])
    return [
        _finding(play, jobs.get(play.number, []), made.get(play.number, []), posts.get(play.number, []), evidence)
        for play in plays
    ]


def is_paid(generation: Record) -> bool:
    return bool(generation["billed"] > 0 and not generation["refunded"])


def is_shown(job: Record) -> bool:
    """Whether a person sees that something is owed."""
    return job.get("status") == "needs_attention" or (bool(job.get("overdue")) and job.get("status") not in FINAL)


def _by_number(found: Sequence[tuple[int | None, Record]]) -> dict[int, list[Record]]:
    sorted_out: dict[int, list[Record]] = {}
    for number, record in found:
        if number is not None:
            sorted_out.setdefault(number, []).append(record)
    return sorted_out


def _finding(play: Play, jobs: list[Record], made: list[Record], posts: list[Record], evidence: Evidence) -> Finding:
    return Finding(
        play=play,
        jobs=tuple(jobs),
        generations=tuple(made),
        seen=frozenset(variant.name for variant in play.variants if _took_place(variant, jobs, made, posts, evidence)),
        paid_twice=_paid_twice(made),
        paid_and_lost=_paid_and_lost(jobs, made, evidence),
        unpaid_and_completed=_unpaid(jobs, made, evidence),
        stuck=_stuck(jobs),
        attention=_attention(jobs, made),
        failed_unasked=_failed_unasked(jobs, made, posts),
    )


def _took_place(
    variant: Variant, jobs: list[Record], made: list[Record], posts: list[Record], evidence: Evidence
) -> bool:
    ids = {generation["id"] for generation in made}
    match variant.sign:
        case Sign.ANSWER:
            return any(variant.fault in post["faults"] for post in posts)
        case Sign.STRIKE:
            return any(strike["fault"] == variant.fault and strike["id"] in ids for strike in evidence.strikes)
        case Sign.KILL:
            point = AFTER_POST if AFTER_POST in variant.texts[0] else AFTER_UPLOAD
            return any(f"{point}-{job['id']}" in evidence.kills for job in jobs)


# --- the four wrongs


def _paid_twice(made: list[Record]) -> str | None:
    ordered = sorted(made, key=lambda generation: generation["accepted_at"])
    succeeded = [generation for generation in ordered if generation["state"] == "completed"]
    if len(succeeded) > 1:
        return f"{len(succeeded)} generations succeeded: {', '.join(map(_named, succeeded))}"
    for earlier, later in pairwise(ordered):
        if earlier["completed_at"] is None or later["accepted_at"] < earlier["completed_at"]:
            return f"{_named(later)} was accepted while {_named(earlier)} was at work"
    return None


def _paid_and_lost(jobs: list[Record], made: list[Record], evidence: Evidence) -> str | None:
    for generation in made:
        if generation["completed_at"] is not None and generation["state"] != "completed":
            continue
        if not any(_has_it(job, generation, evidence) or _shows(job, generation) or _is_at_work(job) for job in jobs):
            told = ", ".join(f"job {job['id']} is {job.get('status')}" for job in jobs) or "there is no job"
            return f"{_named(generation)} is {generation['state']} and paid, and {told}"
    return None


def _unpaid(jobs: list[Record], made: list[Record], evidence: Evidence) -> str | None:
    for job in jobs:
        if job.get("status") != "completed":
            continue
        if not any(generation["state"] == "completed" and _has_it(job, generation, evidence) for generation in made):
            return f"job {job['id']} is completed, and no generation of it is in the bucket as recorded"
    return None


def _stuck(jobs: list[Record]) -> str | None:
    if not jobs:
        return "it never became a job"
    told = [
        f"job {job['id']} is {_in_words(job)}" for job in jobs if job.get("status") not in FINAL and not is_shown(job)
    ]
    return "; ".join(told) or None


def _has_it(job: Record, generation: Record, evidence: Evidence) -> bool:
    """Whether the job's object is there as recorded, and is what the vendor made."""
    video = job.get("video")
    ours = [given.get("id") for given in _generations(job)]
    if not video or generation["id"] not in ours:
        return False
    stored = evidence.stored.get(video["key"])
    if stored is None or not stored.is_mp4 or (stored.bytes, stored.sha256) != (video["bytes"], video["sha256"]):
        return False
    is_padded = any(fault["name"] in _LARGER_THAN_MADE for fault in generation["faults"])
    return is_padded or stored.sha256 == generation["video_sha256"]


def _shows(job: Record, generation: Record) -> bool:
    attempts = job.get("attempts") or ()
    named = any(
        attempt.get("vendor") == generation["vendor"] and attempt.get("outcome") in _MAY_BE_PAID for attempt in attempts
    )
    return is_shown(job) and named


def _is_at_work(job: Record) -> bool:
    """Not lost yet; if it stays so it counts as stuck."""
    return job.get("status") not in FINAL and not is_shown(job)


# --- those that need a person


def _attention(jobs: list[Record], made: list[Record]) -> str | None:
    shown = [job for job in jobs if is_shown(job)]
    if not shown:
        return None
    truth = "; ".join(
        f"{_named(generation)} is {generation['state']} there, {_webhook(generation)}" for generation in made
    )
    told = "; ".join(f"{_in_words(job)}: {_message(job)}" for job in shown)
    return f"{told} [{truth or 'no vendor has accepted it'}]"


def _webhook(generation: Record) -> str:
    """Whether the vendor's word that it had ended ever came."""
    genuine = [sent for sent in generation["webhooks"] if sent["kind"] == "genuine"]
    taken = any(str(sent["status"]).startswith("2") for sent in genuine)
    return "its webhook was taken" if taken else f"its webhook was not taken ({len(genuine)} tries)"


def _failed_unasked(jobs: list[Record], made: list[Record], posts: list[Record]) -> str | None:
    """A failure that is no vendor's: nothing was refused, and nothing that was accepted failed."""
    refused = any(post["status"] is not None and REFUSALS_FROM <= post["status"] < REFUSALS_BELOW for post in posts)
    if refused or any(generation["state"] != "completed" for generation in made):
        return None
    failed = [job for job in jobs if job.get("status") == "failed"]
    return "; ".join(f"job {job['id']}: {_message(job)}" for job in failed) or None


def _in_words(job: Record) -> str:
    reason = f" ({job['reason']})" if job.get("reason") else ""
    return f"{'overdue, ' if job.get('overdue') else ''}{job.get('status')}{reason}"


def _message(job: Record) -> str:
    failure = job.get("failure") or {}
    notes = job.get("notes") or ()
    return str(failure.get("message") or (notes[-1]["text"] if notes else "no more is said"))


def _generations(job: Record) -> list[dict[str, Any]]:
    return [attempt["generation"] for attempt in job.get("attempts") or () if attempt.get("generation")]


def _named(generation: Record) -> str:
    return f"{generation['vendor']} {generation['id']}"
