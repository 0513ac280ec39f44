"""Brings a generated video home: vendor → bucket as a stream, verified as it passes, then recorded and announced.

It may run twice, twice at once, or die at any line. The object appears whole and checked or not at all, and never
twice; an object that is there already is taken for what it is, and the vendor is not asked again. The record is
completed in one write, which only one run can win.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import generation_read
from stillmotion.domain.job.lifecycle import WrongStep, completed, needs_attention, noted
from stillmotion.domain.job.records import Generation, Job, Reason, Status, Verdict, Video
from stillmotion.domain.mp4 import CorruptVideo, Mp4Check, Mp4Facts
from stillmotion.domain.substitution import as_sent
from stillmotion.domain.waiting import backoff
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.egress import Downloader, FetchFailed
from stillmotion.ports.objects import ObjectHead, ObjectMissing, ObjectStore
from stillmotion.ports.records import Event, JobStore
from stillmotion.services.delivery.provenance import provenance
from stillmotion.services.jobs import MAX_WRITE_TRIES, find
from stillmotion.services.webhooks import announcements

MEDIA_TYPE = "video/mp4"
RATIO_TOLERANCE = 0.02
DURATION_TOLERANCE_MILLISECONDS = 500
MESSAGE_LENGTH = 500


class FetchPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often a video is fetched before a person has to look: by default over two hours.

    The vendors keep a video for 24 hours (Apiframe's OpenAPI) and 7 days (WaveSpeed's page on predictions).
    """

    fetch_tries: int = 8
    first_fetch_wait_seconds: int = 60
    longest_fetch_wait_seconds: int = 7200

    def wait_seconds(self, fetches: int) -> int:
        """How long to wait after try number `fetches`."""
        return backoff(fetches, first=self.first_fetch_wait_seconds, longest=self.longest_fetch_wait_seconds)


class FinalizeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow does next; `wait_seconds` before it does. `ended`: nothing was left to do here."""

    outcome: Literal["completed", "again", "attention", "ended"]
    wait_seconds: int = 0


class SpoiledObject(Exception):
    """What lies at the video's own key is not the video. It is not overwritten: a person put it there."""


Step = tuple[Job, Event | None, FinalizeResult]


class Finalize:
    """Copies a job's video into the output bucket and completes its record."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        downloads: Downloader,
        objects: ObjectStore,
        clock: Clock,
        output_bucket: str,
        policy: FetchPolicy = FetchPolicy(),  # noqa: B008 - frozen
    ) -> None:
        self._jobs = jobs
        self._downloads = downloads
        self._objects = objects
        self._clock = clock
        self._bucket = output_bucket
        self._policy = policy

    def __call__(self, job_id: str) -> FinalizeResult:
        """Also for a job that needs attention: its video is paid for, so it is fetched when somebody asks.

        Raises UnknownJob, and WrongStep for a job whose generation has not succeeded.
        """
        job = find(self._jobs, job_id)
        known = _known(job)
        if known is not None:
            return known
        generation = _succeeded(job)
        key = video_key(job, generation.id)
        try:
            facts, head = self._stored(key) or self._fetched(key, generation.video_url or "")
        except FetchFailed as error:
            failure = Failure(error.kind, str(error)[:MESSAGE_LENGTH])
            return self._write(job, lambda latest, now: self._put_off(latest, failure, now))
        except SpoiledObject as error:
            failure = Failure(FailureKind.CORRUPT_VIDEO, str(error)[:MESSAGE_LENGTH])
            return self._write(job, lambda latest, now: _handed_over(latest, failure, now))
        video = _video(facts, head, self._clock.now())
        self._objects.put_if_absent(
            self._bucket,
            f"{key.removesuffix('.mp4')}.json",
            provenance(job, video, video.stored_at),
            "application/json",
        )
        return self._write(job, lambda latest, now: _finished(latest, video, now))

    # --- the bytes

    def _fetched(self, key: str, url: str) -> tuple[Mp4Facts, ObjectHead]:
        """Streams the video into the bucket. Raises FetchFailed."""
        check = Mp4Check()
        with self._downloads.open(url) as download, self._objects.upload(self._bucket, key, MEDIA_TYPE) as upload:
            try:
                for chunk in download.chunks():
                    check.feed(chunk)
                    upload.write(chunk)
                facts = check.finish(download.content_length)
            except CorruptVideo as error:
                raise FetchFailed(FailureKind.CORRUPT_VIDEO, f"What the vendor served is no video: {error}.") from error
            written = upload.finish()
        if written:
            return facts, self._objects.head(self._bucket, key)
        stored = self._stored(key)
        if stored is None:
            raise FetchFailed(FailureKind.UNAVAILABLE, f"s3://{self._bucket}/{key} was taken, and then deleted")
        return stored

    def _stored(self, key: str) -> tuple[Mp4Facts, ObjectHead] | None:
        """What an earlier run left, or one at the same time, read back and verified. Raises SpoiledObject."""
        try:
            head = self._objects.head(self._bucket, key)
            chunks = self._objects.chunks(self._bucket, key, head.version_id)
            return _checked(chunks, head.bytes), head
        except ObjectMissing:
            return None
        except CorruptVideo as error:
            raise SpoiledObject(f"s3://{self._bucket}/{key} is not the video: {error}") from error

    # --- the record

    def _write(self, job: Job, step: Callable[[Job, datetime], Step]) -> FinalizeResult:
        """Takes a step on the record, from whatever state the last writer left it in."""
        for _ in range(MAX_WRITE_TRIES):
            known = _known(job)
            if known is not None:
                return known
            changed, event, result = step(job, self._clock.now())
            try:
                self._jobs.save(changed, event=event)
            except Conflict:
                job = find(self._jobs, job.id)
                continue
            return result
        raise Conflict(f"job {job.id} is written by too many at once")

    def _put_off(self, job: Job, failure: Failure, now: datetime) -> Step:
        generation = _succeeded(job)
        fetches = generation.fetches + 1
        remark = f"Fetching the video failed ({failure.kind}): {failure.message}"
        counted = noted(job, remark, now)
        # A job that a person has to look at stays that until it is completed.
        if job.status is Status.FINALIZING:
            counted = generation_read(counted, replace(generation, fetches=fetches), now)
        if fetches >= self._policy.fetch_tries or job.status is not Status.FINALIZING:
            return _handed_over(counted, failure, now)
        wait = self._policy.wait_seconds(fetches)
        return counted, None, FinalizeResult(outcome="again", wait_seconds=wait)


def video_key(job: Job, generation_id: str) -> str:
    """Where a job's video lies in the output bucket. Vendors choose their ids: an odd one is replaced by its hash."""
    safe = re.fullmatch(r"[A-Za-z0-9_-]{1,128}", generation_id) is not None
    name = generation_id if safe else hashlib.sha256(generation_id.encode()).hexdigest()
    return f"videos/{job.tenant}/{job.id}/{name}.mp4"


def _known(job: Job) -> FinalizeResult | None:
    """What the record tells without a look at the video."""
    if job.status is Status.COMPLETED:
        return FinalizeResult(outcome="completed")
    return FinalizeResult(outcome="ended") if job.is_final else None


def _succeeded(job: Job) -> Generation:
    generation = job.generation
    if generation is None or generation.verdict is not Verdict.SUCCEEDED or generation.video_url is None:
        raise WrongStep(f"the job is {job.status} and has no video to fetch")
    return generation


def _checked(chunks: Iterable[bytes], length: int) -> Mp4Facts:
    check = Mp4Check()
    for chunk in chunks:
        check.feed(chunk)
    return check.finish(length)


def _video(facts: Mp4Facts, head: ObjectHead, now: datetime) -> Video:
    return Video(
        bucket=head.bucket,
        key=head.key,
        bytes=facts.bytes,
        sha256=facts.sha256,
        width=facts.width,
        height=facts.height,
        duration_milliseconds=facts.duration_milliseconds,
        stored_at=now,
        etag=head.etag,
        version_id=head.version_id,
    )


def _finished(job: Job, video: Video, now: datetime) -> Step:
    for remark in _differences(job, video):
        job = noted(job, remark, now)
    done = completed(job, video, now)
    return done, announcements.video_completed(done, now), FinalizeResult(outcome="completed")


def _handed_over(job: Job, failure: Failure, now: datetime) -> Step:
    corrupt = failure.kind is FailureKind.CORRUPT_VIDEO
    flagged = needs_attention(job, Reason.CORRUPT_VIDEO if corrupt else Reason.VIDEO_UNREACHABLE, failure, now)
    return flagged, announcements.video_needs_attention(flagged, now), FinalizeResult(outcome="attention")


def _differences(job: Job, video: Video) -> list[str]:
    """How the video differs from what was ordered. It is paid for, so this is told and nothing more."""
    found = []
    ordered = as_sent(job)
    ratio = (ordered.aspect_ratio if ordered else None) or job.aspect_ratio
    if video.duration_milliseconds == 0:
        found.append("The video does not say how long it is.")
    elif ordered is not None:
        got = video.duration_milliseconds
        if abs(got - ordered.duration * 1000) > DURATION_TOLERANCE_MILLISECONDS:
            found.append(f"The video is {got / 1000:g} s long; {ordered.duration} s were ordered.")
    if ratio is not None:
        across, down = map(int, ratio.split(":"))
        if abs(video.width / video.height * down / across - 1) > RATIO_TOLERANCE:
            found.append(f"The video is {video.width} by {video.height} pixels; {ratio} was ordered.")
    return found
