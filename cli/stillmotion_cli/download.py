"""A completed video as a file: whole and verified, or not there."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stillmotion_cli.client import Client
from stillmotion_cli.failures import Misuse, NoAnswer
from stillmotion_cli.records import Job, StoredVideo

TRIES = 3
# In bytes: a file system takes 255 for the whole name, with the job's id and two suffixes.
MAX_STEM_LENGTH = 150
MAX_PART_STEM_LENGTH = 50


def refuse_bad_place(output: Path | None) -> None:
    """Raises Misuse, before anything is paid, for a place where no file can be made."""
    try:
        folder = Path() if output is None else output if output.is_dir() else output.parent
        is_there = folder.is_dir()
    except OSError as error:
        raise Misuse(f"{output} cannot be written: {error.strerror}.") from error
    if not is_there:
        raise Misuse(f"There is no folder {folder} to put the video into.")
    if not os.access(folder, os.W_OK):
        raise Misuse(f"The folder {folder.absolute()} cannot be written to.", next_step="Name another place with -o.")


def choose_path(output: Path | None, stem: str, job_id: str) -> Path:
    """Where the video goes. Nothing is overwritten but a file that was named."""
    if output is not None and not output.is_dir():
        return output
    folder = output or Path()
    name = os.fsencode(stem)[:MAX_STEM_LENGTH].decode(errors="ignore")
    path = folder / f"{name or job_id}.mp4"
    return folder / f"{name}-{job_id}.mp4" if name and path.exists() else path


def download(client: Client, job: Job, path: Path, sleep: Callable[[float], None]) -> None:
    """Streams the video beside `path`, compares its length and SHA-256 with the record, then puts it in place.

    Raises NoAnswer, Refused, or Misuse when the file cannot be written.
    """
    if job.video is None:
        raise NoAnswer("The job is completed, and its record names no video.")
    # Of its own name in each process: two that fetch the same video must not write into one file.
    part = path.with_name(f"{path.stem[:MAX_PART_STEM_LENGTH]}-{os.getpid()}.part")
    try:
        for number in range(1, TRIES + 1):
            try:
                _fetch(client, job.id, job.video, part)
                break
            except NoAnswer:
                if number == TRIES:
                    raise
                sleep(2.0**number)
        part.replace(path)
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}.", next_step=_again(job)) from error
    except NoAnswer as failed:
        raise NoAnswer(failed.message, next_step=_again(job)) from failed
    finally:
        with suppress(OSError):
            part.unlink()


def _fetch(client: Client, job_id: str, video: StoredVideo, part: Path) -> None:
    digest, length = hashlib.sha256(), 0
    with client.content(job_id) as chunks, part.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            length += len(chunk)
            file.write(chunk)
    if length != video.bytes:
        raise NoAnswer(f"The download has {length} bytes, and the record says {video.bytes}.")
    if digest.hexdigest() != video.sha256:
        raise NoAnswer("The download's SHA-256 is not the one on the record.")


def _again(job: Job) -> str:
    place = job.video.address if job.video else "the output bucket"
    return f"The video is safe in {place}. Fetch it with: stillmotion show {job.id} -o FILE"
