"""An image dropped in the inbox, or a sidecar beside one, becomes a job. Pays nothing.

The prompt and the parameters come, field by field, from the first of these that has them: the sidecar `photo.json`
beside `photo.jpg`, the object's own metadata, the nearest `_defaults.json` up the folders, the stack's default prompt.

Every step finds its own repetition: a job is named after its upload and its request, and the upload's pointer leads
to the job that was made of it last.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from stillmotion.domain import identity
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.lifecycle import moved, noted, run_again, started
from stillmotion.domain.job.records import Job, Reason, Status, Still
from stillmotion.domain.request import FieldError, InvalidRequest, Request, VendorName, fits_key
from stillmotion.domain.routing import PriceTable, routes, shape
from stillmotion.edge.request import RequestFields, parse_request
from stillmotion.keyspace import job_key, source_key
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.objects import ObjectHead, ObjectMissing, ObjectStore
from stillmotion.ports.records import AlreadyExists, Claim, JobStore, Pointer
from stillmotion.ports.workflow import Workflow
from stillmotion.services.intake import inspection
from stillmotion.services.jobs import until_saved
from stillmotion.services.webhooks import announcements

INBOX = "inbox/"
UPLOADS = "uploads/"
DEFAULTS_NAME = "_defaults.json"
MAX_SETTINGS_BYTES = 64 * 1024
IMAGES_PER_SIDECAR = 50

# One shape in two words: whoever names one of them first has named the shape.
_SHAPE_FIELDS = frozenset({"size", "aspect_ratio"})
_METADATA_FIELDS = RequestFields.model_fields.keys() - {"image", "metadata", "callback_url"}
_METADATA_FLAGS = frozenset(name for name, field in RequestFields.model_fields.items() if field.annotation is bool)

Result = Literal["started", "repeated", "waiting", "noted", "failed", "ignored"]


class Submitted(msgspec.Struct, frozen=True):
    """What became of one object: the result, and the job where there is one."""

    result: Result
    job_id: str | None = None


class _Wish(msgspec.Struct, frozen=True):
    """What is asked of one image: a request, or None while no prompt is known. `line` is the vendor it is for."""

    request: Request | None
    regenerate: bool = False
    end_still: Still | None = None
    line: VendorName | None = None


class SubmitInboxUpload:
    """Answers to objects that appear in the input bucket; `find_still` finds the end image that a sidecar names."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        objects: ObjectStore,
        workflow: Workflow,
        clock: Clock,
        prices: PriceTable,
        tenant: str,
        default_prompt: str,
        find_still: inspection.FindStill,
    ) -> None:
        self._jobs = jobs
        self._objects = objects
        self._workflow = workflow
        self._clock = clock
        self._prices = prices
        self._tenant = tenant
        self._default_prompt = default_prompt
        self._find_still = find_still

    def __call__(self, bucket: str, key: str, version_id: str | None) -> list[Submitted]:
        """Takes in one created object; a sidecar stands for each image beside it."""
        name = PurePosixPath(key).name
        if not key.startswith(INBOX) or key.endswith("/") or name == DEFAULTS_NAME:
            return [Submitted("ignored")]
        if not name.lower().endswith(".json"):
            return [self._image(bucket, key, version_id)]
        return [self._image(bucket, image, None, by_sidecar=True) for image in self._beside(bucket, key)]

    def _beside(self, bucket: str, sidecar: str) -> Sequence[str]:
        stem = sidecar[: -len(".json")]
        keys = self._objects.keys(bucket, f"{stem}.", IMAGES_PER_SIDECAR)
        return [key for key in keys if _sidecar_of(key) == f"{stem}.json" and not key.lower().endswith(".json")]

    def _image(self, bucket: str, key: str, version_id: str | None, *, by_sidecar: bool = False) -> Submitted:
        try:
            head = self._objects.head(bucket, key, version_id)
        except ObjectMissing:
            return Submitted("ignored")
        checksum = inspection.checksum(self._objects, head)
        source = identity.source_id(bucket, key, checksum)
        return until_saved(
            lambda: self._settle(head, checksum, source, by_sidecar=by_sidecar),
            f"{key} is being submitted by too many at once",
            (Conflict, AlreadyExists),
        )

    def _settle(self, head: ObjectHead, checksum: str, source: str, *, by_sidecar: bool) -> Submitted:
        pointer = self._jobs.pointer(source_key(source))
        current = self._jobs.get(pointer.job_id) if pointer else None
        if current is not None and not by_sidecar and _is_same_event(current, head):
            return self._repeated(current)
        still = Still(
            address=f"s3://{head.bucket}/{head.key}",
            bucket=head.bucket,
            key=head.key,
            version_id=head.version_id,
            etag=head.etag,
            checksum=checksum,
            bytes=head.bytes,
        )
        try:
            still = replace(inspection.inspect(self._objects, head, "image"), checksum=checksum)
            wish = self._wish(head)
            if wish.request is not None:
                route = routes(wish.request, self._prices, still.width, still.height)[0]
                wish = replace(wish, line=route.vendor)
        except InvalidRequest as invalid:
            return self._refuse(source, still, current, invalid)
        if wish.request is None:
            return self._wait(source, still, current)
        return self._take(source, still, current, wish, by_sidecar=by_sidecar)

    # --- the four ways it can go

    def _take(self, source: str, still: Still, current: Job | None, wish: _Wish, *, by_sidecar: bool) -> Submitted:
        request = wish.request
        assert request is not None  # noqa: S101 - told by the caller
        job_id = identity.upload_job_id(source, request)
        ratio = shape(request, still.width, still.height)
        now = self._clock.now()
        if current is not None and current.waits_for_prompt:
            ready = started(replace(current, still=still, end_still=wish.end_still), request, ratio, now, wish.line)
            ready = replace(ready, fingerprint=identity.fingerprint(request))
            alias = Pointer(key=job_key(job_id), job_id=current.id, created_at=now)
            self._workflow.start(self._jobs.save(ready, [Claim(alias, unique=True)]))
            return Submitted("started", current.id)
        existing = self._jobs.get(job_id)
        if existing is not None:
            return self._repeated(existing) if by_sidecar else self._dropped_again(existing, still, now)
        if by_sidecar and current is not None and not wish.regenerate and not _ended_unpaid(current):
            text = 'A sidecar came after this image had started. Put "regenerate": true into it to make another video.'
            self._jobs.save(noted(current, text, now))
            return Submitted("noted", current.id)
        job = replace(self._new(job_id, source, still, now), end_still=wish.end_still)
        job = replace(started(job, request, ratio, now, wish.line), fingerprint=identity.fingerprint(request))
        self._create(job, source, current)
        self._workflow.start(job)
        return Submitted("started", job.id)

    def _wait(self, source: str, still: Still, current: Job | None) -> Submitted:
        if current is not None:
            return Submitted("waiting" if current.waits_for_prompt else "repeated", current.id)
        now = self._clock.now()
        job = self._new(identity.upload_job_id(source, None), source, still, now)
        self._create(moved(job, Status.WAITING, now, reason=Reason.PROMPT), source, current)
        if self._fields(still.bucket or "", still.key or "", {}).get("prompt"):
            # The sidecar came between the look and the record: its own event may have found no record to start.
            raise Conflict("a prompt came in the meantime")
        return Submitted("waiting", job.id)

    def _refuse(self, source: str, still: Still, current: Job | None, invalid: InvalidRequest) -> Submitted:
        now = self._clock.now()
        failure = Failure(FailureKind.INVALID_INPUT, str(invalid))
        if current is not None and current.waits_for_prompt:
            ended = moved(replace(current, failure=failure), Status.FAILED, now)
            self._jobs.save(ended, event=announcements.video_failed(ended, now))
            return Submitted("failed", current.id)
        job_id = identity.content_id("refused", source, failure.message)
        if self._jobs.get(job_id) is not None:
            return Submitted("failed", job_id)
        job = moved(replace(self._new(job_id, source, still, now), failure=failure), Status.FAILED, now)
        claims = [] if current is not None else [self._source_claim(job, source, unique=True)]
        self._jobs.create(job, claims, announcements.video_failed(job, now))
        return Submitted("failed", job.id)

    def _repeated(self, job: Job) -> Submitted:
        if job.waits_for_prompt:
            return Submitted("waiting", job.id)
        if job.status is Status.DISPATCHING:
            # The record may have been written by a submission that died before it started the execution.
            self._workflow.start(job)
        return Submitted("repeated", job.id)

    def _dropped_again(self, job: Job, still: Still, now: datetime) -> Submitted:
        if _knows_version(job, still.version_id):
            return self._repeated(job)
        if not _ended_unpaid(job):
            if job.still is not None and still.version_id is not None:
                repeated_as = (*job.still.repeated_as, still.version_id)
                job = self._jobs.save(replace(job, still=replace(job.still, repeated_as=repeated_as)))
            return self._repeated(job)
        again = self._jobs.save(run_again(replace(job, still=still), now))
        self._workflow.start(again)
        return Submitted("started", again.id)

    # --- records

    def _new(self, job_id: str, source: str, still: Still, now: datetime) -> Job:
        return Job(
            id=job_id,
            tenant=self._tenant,
            status=Status.WAITING,
            created_at=now,
            updated_at=now,
            source=source,
            still=still,
        )

    def _create(self, job: Job, source: str, current: Job | None) -> None:
        self._jobs.create(job, [self._source_claim(job, source, unique=current is None)])

    def _source_claim(self, job: Job, source: str, *, unique: bool) -> Claim:
        return Claim(Pointer(key=source_key(source), job_id=job.id, created_at=job.created_at), unique=unique)

    # --- what is asked

    def _wish(self, head: ObjectHead) -> _Wish:
        fields = self._fields(head.bucket, head.key, head.metadata)
        regenerate = fields.pop("regenerate", False)
        if not isinstance(regenerate, bool):
            raise InvalidRequest(FieldError("regenerate", "must be true or false"))
        if not fields.get("prompt"):
            return _Wish(None, regenerate)
        request = parse_request({**fields, "image": f"s3://{head.bucket}/{head.key}"})
        if request.end_image is None:
            return _Wish(request, regenerate)
        if not request.end_image.startswith(("https://", "s3://")):
            raise InvalidRequest(FieldError("end_image", "must be an https:// URL or s3://bucket/key here"))
        end_still = self._find_still(self._tenant, "end_image", request.end_image)
        return _Wish(replace(request, end_image=end_still.address), regenerate, end_still)

    def _fields(self, bucket: str, key: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        sidecar = self._settings(bucket, _sidecar_of(key))
        found: dict[str, Any] = {}
        for given in (sidecar, _from_metadata(metadata), self._defaults(bucket, key)):
            shaped = not _SHAPE_FIELDS.isdisjoint(found)
            for name, value in (given or {}).items():
                if name not in found and not (shaped and name in _SHAPE_FIELDS):
                    found[name] = value
        if self._default_prompt:
            found.setdefault("prompt", self._default_prompt)
        return found

    def _defaults(self, bucket: str, key: str) -> Mapping[str, object] | None:
        for folder in PurePosixPath(key).parents:
            if f"{folder}/".startswith(INBOX):
                found = self._settings(bucket, f"{folder}/{DEFAULTS_NAME}")
                if found is not None:
                    return found
        return None

    def _settings(self, bucket: str, key: str) -> Mapping[str, object] | None:
        if not fits_key(key):
            return None
        try:
            text = self._objects.read(bucket, key, length=MAX_SETTINGS_BYTES + 1)
        except ObjectMissing:
            return None
        name = PurePosixPath(key).name
        if len(text) > MAX_SETTINGS_BYTES:
            raise InvalidRequest(FieldError(name, f"must be at most {MAX_SETTINGS_BYTES} bytes"))
        try:
            settings = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequest(FieldError(name, f"must be JSON: {error}")) from error
        if not isinstance(settings, dict):
            raise InvalidRequest(FieldError(name, "must be a JSON object"))
        if "image" in settings:
            raise InvalidRequest(FieldError("image", f"is the object beside {name}: leave it out"))
        return settings


def _sidecar_of(key: str) -> str:
    folder, slash, name = key.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return f"{folder}{slash}{stem if dot and stem else name}.json"


def _from_metadata(metadata: Mapping[str, str]) -> dict[str, object]:
    """The request's fields among an object's metadata; the rest is somebody else's. Lists are comma-separated."""
    found: dict[str, object] = {}
    for header, text in metadata.items():
        name = header.lower().replace("-", "_")
        if name == "concepts":
            found[name] = [word.strip() for word in text.split(",") if word.strip()]
        elif name == "duration" and re.fullmatch(r"\s*[0-9]{1,3}\s*", text):
            found[name] = int(text)
        elif name in _METADATA_FLAGS and text.strip().lower() in ("true", "false"):
            found[name] = text.strip().lower() == "true"
        elif name in _METADATA_FIELDS:
            found[name] = text
    return found


def _is_same_event(job: Job, head: ObjectHead) -> bool:
    """Whether this very version was taken in before: a late repetition must not see a sidecar that came after."""
    return not job.waits_for_prompt and _knows_version(job, head.version_id)


def _knows_version(job: Job, version_id: str | None) -> bool:
    if job.still is None or version_id is None:
        return False
    return version_id in (job.still.version_id, *job.still.repeated_as)


def _ended_unpaid(job: Job) -> bool:
    return job.status in (Status.FAILED, Status.CANCELLED) and not job.was_ever_accepted
