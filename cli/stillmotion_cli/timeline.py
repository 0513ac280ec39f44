"""What a record tells of the way so far, as short sentences in the order of their times."""

from dataclasses import dataclass
from datetime import datetime

from stillmotion_cli.records import Attempt, Generation, Job
from stillmotion_cli.text import clean

DECILE = 10


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened at a time. Facts with the same `key` are the same fact."""

    at: datetime
    key: tuple[object, ...]
    text: str


def facts(job: Job) -> list[Fact]:
    """Everything so far, oldest first."""
    found = [
        Fact(change.at, ("status", index, change.status), status_text(change.status, change.reason))
        for index, change in enumerate(job.history)
    ]
    for attempt in job.attempts:
        found += _facts_of_attempt(attempt, job)
    found += [Fact(note.at, ("note", note.text), clean(note.text)) for note in job.notes]
    return sorted(found, key=lambda fact: fact.at)


def status_text(status: str, reason: str | None) -> str:
    """A status with its reason: `waiting for slot`, `needs attention (outcome unknown)`."""
    word, why = status.replace("_", " "), (reason or "").replace("_", " ")
    if not why:
        return word
    return f"{word} for {why}" if status == "waiting" else f"{word} ({why})"


def attempt_text(attempt: Attempt, *, goes_on: bool) -> str:
    """How an attempt stands, in words; `goes_on` when the job is still to be dispatched."""
    again = ", trying again" if goes_on else ""
    why = attempt.failure.kind.replace("_", " ") if attempt.failure else ""
    match attempt.outcome:
        case "sending":
            return f"sending to {attempt.vendor}"
        case "accepted":
            return f"accepted by {attempt.vendor}"
        case "not_sent":
            return f"{attempt.vendor} could not be reached{again}"
        case "refused":
            return f"{attempt.vendor}: {why or 'refused'}{again}"
        case "unknown":
            return f"{attempt.vendor} has not answered: it may have been received"
        case word:
            return f"{attempt.vendor}: {clean(word)}"


def generation_text(vendor: str, generation: Generation) -> str:
    """How the vendor's job stands, in words."""
    is_known = generation.verdict == "running" and generation.progress is not None
    progress = f", {generation.progress} %" if is_known else ""
    return f"{vendor}: {clean(generation.vendor_status or generation.verdict)}{progress}"


def _facts_of_attempt(attempt: Attempt, job: Job) -> list[Fact]:
    is_last = attempt is job.attempts[-1]
    goes_on = not is_last or job.status == "dispatching"
    text = f"attempt {attempt.number}: {attempt_text(attempt, goes_on=goes_on)}"
    at = attempt.started_at if attempt.outcome == "sending" else attempt.answered_at or attempt.started_at
    found = [Fact(at, ("attempt", attempt.number, attempt.outcome, attempt.sends), text)]
    generation = attempt.generation
    if generation is not None and generation.last_read_at is not None:
        step = None if generation.progress is None else generation.progress // DECILE
        key = ("generation", generation.id, generation.vendor_status, step)
        found.append(Fact(generation.last_read_at, key, generation_text(attempt.vendor, generation)))
    return found
