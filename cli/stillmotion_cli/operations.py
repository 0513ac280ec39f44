"""`stillmotion cancel`, `retry`, `redrive` and `resolve`: what a person does to a job."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from stillmotion_cli import text
from stillmotion_cli.failures import Misuse, interrupted_as, told_to
from stillmotion_cli.jobs import whole_id
from stillmotion_cli.operations_records import RetryEstimate
from stillmotion_cli.records import Answer, Job, Video
from stillmotion_cli.surroundings import surroundings_of
from stillmotion_cli.timeline import status_text

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A job's id, or the start of a recent one's.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else.")]
INTERRUPTED = "Interrupted. `stillmotion show` tells whether it was done; repeating the command does no harm."


def cancel(context: typer.Context, video_id: IdArgument, *, as_json: JsonOption = False) -> None:
    """Cancel a job: at no cost before it is sent. After that it is paid for, and its video is taken in all the same."""
    with told_to(Console(stderr=True)), surroundings_of(context).client() as client:
        found = whole_id(client, video_id)
        with interrupted_as(INTERRUPTED):
            _print(client.operate(found, "cancel", {}), as_json=as_json)


def retry(
    context: typer.Context,
    video_id: IdArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Agree to the price beforehand.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send a job again that failed or was cancelled. It costs again what a video costs: the price is shown first."""
    console = Console(stderr=True)
    with told_to(console), surroundings_of(context).client() as client, interrupted_as(INTERRUPTED):
        found = whole_id(client, video_id)
        price = client.retry_estimate(found).value
        console.print(text.clean(_price(price)), markup=False, highlight=False, soft_wrap=True)
        if not yes and not _agreed():
            raise Misuse("Nothing was ordered.", next_step="--yes agrees to the price beforehand.")
        body = {"run": price.run, "expect_dollars": str(price.price_dollars)}
        _print(client.operate(found, "retry", body), as_json=as_json)


def redrive(context: typer.Context, video_id: IdArgument, *, as_json: JsonOption = False) -> None:
    """Take a video in again that is paid for and not here. Generates nothing, and costs nothing."""
    with told_to(Console(stderr=True)), surroundings_of(context).client() as client, interrupted_as(INTERRUPTED):
        run = client.retrieve(whole_id(client, video_id)).value.job
        _print(client.operate(run.id, "redrive", {"run": run.run}), as_json=as_json)


def resolve(
    context: typer.Context,
    video_id: IdArgument,
    *,
    adopt: Annotated[
        str | None, typer.Option(metavar="GENERATION", help="The vendor made this generation of it: take it in.")
    ] = None,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="The vendor never got it: send it again.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Nobody will find out: end it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Settle what became of a job whose vendor never answered: one of --adopt, --not-sent and --abandon."""
    with told_to(Console(stderr=True)):
        if (adopt is not None) + not_sent + abandon != 1:
            raise Misuse("Say one of --adopt GENERATION, --not-sent and --abandon.")
        action: dict[str, Any] = {"action": "not_sent" if not_sent else "abandon"}
        if adopt is not None:
            action = {"action": "adopt", "generation": adopt}
        with surroundings_of(context).client() as client, interrupted_as(INTERRUPTED):
            job = client.retrieve(whole_id(client, video_id)).value.job
            _print(client.operate(job.id, "resolve", {**action, "run": job.run}), as_json=as_json)


def _price(estimate: RetryEstimate) -> str:
    """The price where it goes first, and where it goes while that vendor is rested, or when it fails there."""
    words = [f"{text.dollars(estimate.price_dollars)} at {estimate.vendor}"]
    words += [
        f"{text.dollars(other.price_dollars)} if {other.vendor} makes it instead" for other in estimate.alternatives
    ]
    return f"It will cost {', or '.join(words)}."


def _agreed() -> bool:
    try:
        return typer.confirm("Go on?", err=True)
    except typer.Abort:
        # The answer ended in the middle of the line of the question.
        typer.echo(err=True)
        return False


def _print(answer: Answer[Video], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer.raw, indent=2, ensure_ascii=False))
        return
    typer.echo(text.clean(_summary(answer.value.job)))


def _summary(job: Job) -> str:
    """How the job is now, in one line."""
    status = status_text(job.status, job.reason)
    if job.status == "cancelled":
        return f"Job {job.id} is cancelled: nothing more is sent."
    if job.cancel_requested_at is not None:
        paid = "it is paid for, or may be, so its video is taken in"
        return f"Job {job.id} is {status}: {paid}. It is marked as cancelled."
    follow = "" if job.is_over else f" `stillmotion show {job.id}` tells how it goes on."
    return f"Job {job.id} is {status}, in run {job.run}.{follow}"
