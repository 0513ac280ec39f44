"""The whole record of a job, laid out for a person."""

from collections.abc import Iterable

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stillmotion_cli import text
from stillmotion_cli.display import ending, instead, price_text, status_of, video_text
from stillmotion_cli.records import Attempt, Candidate, Generation, Job, Still
from stillmotion_cli.timeline import attempt_text, status_text

Row = tuple[str, str | Text | None]


def print_record(console: Console, job: Job) -> None:
    """Every part of the record that holds something."""
    console.print(_rows(_head(job)))
    _section(console, "Request", _rows(_request(job)))
    _section(console, "Source", _rows([*_still("image", job.still), *_still("end image", job.end_still)]))
    _section(console, "History", _history(job))
    for attempt in job.attempts:
        _section(console, f"Attempt {attempt.number}", _rows(_attempt(attempt, job)))
    _section(console, "Video", _rows(_video(job)))
    if job.failure is not None or job.needs_person:
        _section(console, "What to do", Group(*(Text(text.clean(line), style) for line, style in ending(job))))
    _section(console, "Notes", _rows([(text.moment(note.at), note.text) for note in job.notes]))


def _section(console: Console, title: str, body: Table | Group) -> None:
    if isinstance(body, Table) and not body.row_count:
        return
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Padding(body, (0, 0, 0, 2), expand=False))


def _rows(rows: Iterable[Row]) -> Table:
    """Names and values, without those that are empty."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(name, Text(text.clean(value)) if isinstance(value, str) else value)
    return table


def _head(job: Job) -> list[Row]:
    took = (job.ended_at - job.created_at).total_seconds() if job.ended_at else None
    return [
        ("job", job.id),
        ("status", status_of(job)),
        ("vendor", job.vendor),
        ("generation", job.generation_id),
        ("price", price_text(job) if job.attempts else None),
        ("tenant", job.tenant),
        ("run", str(job.run) if job.run > 1 else None),
        ("cancelled", _cancelled(job)),
        ("made", text.moment(job.created_at)),
        ("ended", f"{text.moment(job.ended_at)}, after {text.seconds(took)}" if job.ended_at and took else None),
    ]


def _cancelled(job: Job) -> str | None:
    """A cancellation that came when it was too late to save anything."""
    if job.cancel_requested_at is None:
        return None
    return f"{text.moment(job.cancel_requested_at)}, after it was sent: what is paid for is taken in"


def _request(job: Job) -> list[Row]:
    wish = job.request
    if wish is None:
        return []
    return [
        ("prompt", wish.prompt),
        ("image", wish.image),
        ("end image", wish.end_image),
        ("duration", f"{wish.duration} s"),
        ("aspect ratio", wish.aspect_ratio or _decided_ratio(job)),
        ("loop", "yes" if wish.loop else None),
        ("concepts", ", ".join(wish.concepts)),
        ("vendor", wish.vendor),
        ("substitution", "allowed" if wish.allow_substitution else None),
        ("failover", wish.failover if wish.failover != "normal" else None),
        ("priority", wish.priority if wish.priority != "normal" else None),
        ("price at most", text.dollars(wish.max_dollars) if wish.max_dollars is not None else None),
        ("over budget", wish.when_over_budget if wish.when_over_budget != "wait" else None),
        *((f"metadata {name}", value) for name, value in wish.metadata.items()),
    ]


def _decided_ratio(job: Job) -> str | None:
    """The shape of a request that names none; an image that was not looked at decides nothing."""
    if job.aspect_ratio is None:
        return None
    seen = job.still is not None and job.still.width is not None
    return f"{job.aspect_ratio}, {'by the image' if seen else 'the default'}"


def _still(name: str, still: Still | None) -> list[Row]:
    if still is None:
        return []
    kind = still.media_type or ""
    shape = f"{still.width}x{still.height}" if still.width and still.height else ""
    length = text.size(still.bytes) if still.bytes else ""
    return [
        (name, still.address),
        ("", ", ".join(part for part in (kind, shape, length) if part)),
        ("version", still.version_id),
        ("ETag", still.etag),
        ("checksum", still.checksum),
    ]


def _history(job: Job) -> Table:
    table = Table.grid(padding=(0, 2))
    for index, change in enumerate(job.history):
        later = job.history[index + 1].at if index + 1 < len(job.history) else None
        word = Text(text.clean(status_text(change.status, change.reason)))
        # No cell where there is no time: a column of nothing takes its width from the others.
        spent = [text.seconds((later - change.at).total_seconds())] if later else []
        table.add_row(Text(text.moment(change.at), style="dim"), word, *spent)
    return table


def _attempt(attempt: Attempt, job: Job) -> list[Row]:
    is_last = attempt is job.attempts[-1]
    outcome = attempt_text(attempt, goes_on=not is_last or job.status == "dispatching")
    rows: list[Row] = [
        ("outcome", outcome),
        ("sent", _times(attempt.sends)),
        ("begun", text.moment(attempt.started_at)),
        ("answered", text.moment(attempt.answered_at) if attempt.answered_at else None),
        ("quote", text.dollars(attempt.quote)),
        *(("instead", instead(made)) for made in attempt.substitutions),
    ]
    if attempt.failure is not None:
        rows += [("failure", f"{attempt.failure.kind}: {attempt.failure.message}"), ("", attempt.failure.advice)]
    rows += [("candidate", _candidate(candidate)) for candidate in attempt.candidates]
    return rows if attempt.generation is None else rows + _generation(attempt.generation)


def _candidate(candidate: Candidate) -> str:
    """A generation that the attempt may have made."""
    status = candidate.vendor_status or "status unknown"
    return f"{candidate.generation_id}, {status}, {text.moment(candidate.created_at)}"


def _generation(generation: Generation) -> list[Row]:
    failed = f", {generation.failed_reads} more failed" if generation.failed_reads else ""
    inference = generation.inference_milliseconds
    rows: list[Row] = [
        ("generation", generation.id),
        ("verdict", f"{generation.verdict} (the vendor says {generation.vendor_status or 'nothing'})"),
        ("progress", f"{generation.progress} %" if generation.verdict == "running" and generation.progress else None),
        ("unknown words", ", ".join(generation.undocumented)),
        ("read", _times(generation.reads) + failed),
        ("ended", text.moment(generation.ended_at) if generation.ended_at else None),
        ("charged", text.dollars(generation.charged) if generation.charged is not None else None),
        ("credits", str(generation.credits) if generation.credits is not None else None),
        ("nsfw", None if generation.nsfw is None else "flagged" if generation.nsfw else "not flagged"),
        ("inference", text.seconds(inference / 1000) if inference is not None else None),
    ]
    failure = generation.failure
    return rows if failure is None else [*rows, ("failure", f"{failure.kind}: {failure.message}"), ("", failure.advice)]


def _video(job: Job) -> list[Row]:
    video = job.video
    if video is None:
        return []
    return [
        ("place", video.address),
        ("version", video.version_id),
        ("size", f"{video_text(job)} ({video.bytes} bytes)"),
        ("SHA-256", video.sha256),
        ("stored", text.moment(video.stored_at)),
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
