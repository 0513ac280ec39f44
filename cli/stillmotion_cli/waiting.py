"""Looks at a job until there is nothing left to wait for. Losing the API for a while loses nothing."""

from typing import Protocol

from stillmotion_cli.client import Client
from stillmotion_cli.failures import NoAnswer
from stillmotion_cli.records import Answer, Job, Video
from stillmotion_cli.surroundings import Surroundings

# Seconds waited so far, and the seconds between two looks from there on.
PACES = ((120.0, 5.0), (30.0, 2.0), (0.0, 1.0))
MAX_WAIT_SECONDS = 15.0
PATIENCE_SECONDS = 300.0


class Display(Protocol):
    """Takes the news of a job."""

    def show(self, job: Job) -> None: ...

    def trouble(self, sentence: str) -> None:
        """Something that will pass; the next `show` says that it did."""


def wait_for(client: Client, first: Answer[Video], display: Display, surroundings: Surroundings) -> Answer[Video]:
    """The video once its job is over. Raises NoAnswer when the API is gone for minutes, Refused at once."""
    answer = first
    begun = last_answered = surroundings.monotonic()
    failures = 0
    while True:
        if not failures:
            display.show(answer.value.job)
            if answer.value.job.is_over:
                return answer
        surroundings.sleep(pause(surroundings.monotonic() - begun, failures))
        try:
            answer = client.retrieve(first.value.id, tries=1)
        except NoAnswer as failed:
            if surroundings.monotonic() - last_answered > PATIENCE_SECONDS:
                message = f"{failed.message} It has been so for minutes; the job goes on by itself."
                raise NoAnswer(message, next_step=f"Look at it later: stillmotion show {first.value.id}") from failed
            failures += 1
            display.trouble(f"{failed.message} The job goes on by itself; looking again.")
        else:
            failures, last_answered = 0, surroundings.monotonic()


def pause(waited: float, failures: int) -> float:
    """Seconds before the next look, after `waited` seconds and so many failed looks in a row."""
    usual = next(seconds for start, seconds in PACES if waited >= start)
    return min(MAX_WAIT_SECONDS, usual * 2.0 ** min(failures, 8))
