"""What the commands print of jobs: the table of many, the summary of one that is done, and what to do about one that
is not."""

from datetime import datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillmotion_cli import text
from stillmotion_cli.records import COMPLETED, Job, Substitution, Video
from stillmotion_cli.timeline import status_text

STYLES = {COMPLETED: "green", "failed": "red", "cancelled": "red", "needs_attention": "bold yellow"}
SHORTEST_ID = 8
PROMPT_LENGTH = 40
WIDE_ENOUGH_FOR_IDS = 130
PIPE_WIDTH = 200

NEVER_AGAIN = "Do not order it anew before that: what may be paid for already would be paid for twice."
ATTENTION = {
    "outcome_unknown": "Look up in the vendor's dashboard whether the generation exists.",
    "corrupt_video": "The generation is paid for, and what the vendor served is no whole video. Open the vendor's own"
    " copy, and ask the vendor for a refund if it is broken too.",
    "video_unreachable": "The generation is paid for, and its video could not be fetched. Save the vendor's own copy"
    " from its dashboard while it is kept there.",
    "workflow_failed": "The generation is paid for, and the execution that followed it failed. The stack takes it up"
    " again by itself at one of its next sweeps; look for the cause in the stack's logs if it stays like this.",
}
OVERDUE = "The vendor has not finished by the deadline; the generation is paid for and may still end. Look it up in the"
OVERDUE += " vendor's dashboard, and at this record again later."


def status_of(job: Job) -> Text:
    """The status with its reason, coloured, with a word when it is overdue."""
    shown = Text(text.clean(status_text(job.status, job.reason)), style=STYLES.get(job.status, "cyan"))
    return shown.append(", overdue", style="bold yellow") if job.overdue else shown


def table_of(videos: tuple[Video, ...], now: datetime, width: int) -> Table:
    """One row for each video. Where ids do not fit they are cut, as short as `show` still tells them apart."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("ID", "Status", "Vendor"):
        table.add_column(column, no_wrap=True)
    # The only column that gives way in a narrow terminal.
    table.add_column("Prompt")
    for column in ("Age", "Length", "Size"):
        table.add_column(column, justify="right", no_wrap=True)
    shown = len(videos[0].id) if videos and width >= WIDE_ENOUGH_FOR_IDS else _distinct([video.id for video in videos])
    for video in videos:
        age = (now - video.job.created_at).total_seconds()
        table.add_row(
            Text(text.clean(video.id[:shown])),
            status_of(video.job),
            Text(text.clean(video.job.vendor or "")),
            Text(text.shortened(subject(video), PROMPT_LENGTH), no_wrap=True, overflow="ellipsis"),
            text.age(age),
            f"{video.seconds} s" if video.seconds else "",
            Text(text.clean(video.size or "")),
        )
    return table


def subject(video: Video) -> str:
    """What a job is known by: its prompt, or the key of the upload that still has none."""
    if video.prompt or video.job.still is None:
        return video.prompt or ""
    return video.job.still.address.removeprefix("s3://").partition("/")[2]


def _distinct(ids: list[str]) -> int:
    """How many letters of each id tell all of them apart."""
    longest = max(map(len, ids), default=SHORTEST_ID)
    return next((n for n in range(SHORTEST_ID, longest) if len({each[:n] for each in ids}) == len(ids)), longest)


def quoted(job: Job) -> Decimal | None:
    """What the accepted attempts were expected to cost, in US dollars."""
    quotes = [attempt.quote for attempt in job.attempts if attempt.generation is not None]
    return sum(quotes, Decimal()) if quotes else None


def charged(job: Job) -> Decimal | None:
    """What the vendors say they charged, in US dollars; None where none said so."""
    charges = [a.generation.charged for a in job.attempts if a.generation and a.generation.charged is not None]
    return sum(charges, Decimal()) if charges else None


def price_text(job: Job) -> str:
    """Quote, charge and credits."""
    expected, actual = quoted(job), charged(job)
    if expected is None:
        return "nothing"
    words = [f"{text.dollars(expected)} quoted"]
    words.append("charge not known" if actual is None else f"{text.dollars(actual)} charged")
    credits_charged = sum(a.generation.credits or 0 for a in job.attempts if a.generation)
    return ", ".join(words) + (f" ({credits_charged} credits)" if credits_charged else "")


def instead(made: Substitution) -> str:
    """One substitution in words."""
    return f"{made.given} in place of {made.field.replace('_', ' ')} {made.asked}"


def video_text(job: Job) -> str:
    """Length, dimensions and bytes of the stored video."""
    video = job.video
    if video is None:
        return ""
    return f"{video.duration_milliseconds / 1000:g} s, {video.width}x{video.height}, {text.size(video.bytes)}"


def print_summary(console: Console, job: Job) -> None:
    """What came of a completed job. The file's path is the caller's to print, last."""
    took = (job.ended_at - job.created_at).total_seconds() if job.ended_at else None
    rows = (
        ("Job", job.id),
        ("Vendor", f"{job.vendor}, generation {job.generation_id}"),
        ("Video", video_text(job)),
        ("Took", "" if took is None else text.seconds(took)),
        ("Price", price_text(job)),
        ("Stored", job.video.address if job.video else ""),
    )
    for name, value in rows:
        if value:
            console.print(Text.assemble((f"{name:<8}", "bold"), text.clean(value)), soft_wrap=True)


def print_ending(console: Console, job: Job) -> None:
    """Why a job that is over has no video, and what to do."""
    for line, style in ending(job):
        console.print(Text(text.clean(line), style=style), soft_wrap=True)


def ending(job: Job) -> list[tuple[str, str]]:
    """Lines with their styles."""
    lines = []
    if job.failure is not None:
        lines.append((f"{job.failure.kind}: {job.failure.message}", "red"))
    if job.needs_person:
        lines += [(what_to_do(job), ""), *((command, "") for command in commands(job)), (NEVER_AGAIN, "bold yellow")]
    elif job.failure is not None and job.failure.advice:
        lines.append((job.failure.advice, ""))
    return lines or [(f"The job is {status_text(job.status, job.reason)}.", "")]


def commands(job: Job) -> list[str]:
    """What settles a job that needs a person, or takes its video in."""
    if job.reason != "outcome_unknown":
        return [f"To take the video in at once, which costs nothing: stillmotion redrive {job.id}"]
    return [
        f"It is there: stillmotion resolve {job.id} --adopt GENERATION",
        f"It is not there: stillmotion resolve {job.id} --not-sent",
        f"Nobody can tell: stillmotion resolve {job.id} --abandon",
    ]


def what_to_do(job: Job) -> str:
    """What a person does about a job that needs one. Never: pay again."""
    if job.overdue:
        return OVERDUE
    advice = job.failure.advice if job.failure else "Look at its record and at the stack's logs."
    next_step = ATTENTION.get(job.reason or "", advice)
    where = f" It is generation {job.generation_id} at {job.vendor}." if job.generation_id else ""
    return next_step + where
