"""Makes the jobs of a plan, as users do: images into the inbox, calls of the API, and both of them twice.

Whoever drops goes on trying while the emulator is away, as an SDK does.
"""

import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import uuid4

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from stillmotion_local.chaos.ground import Ground
from stillmotion_local.chaos.plan import Play
from stillmotion_local.chaos.variants import Arrival
from stillmotion_local.parameters import TENANT

AT_ONCE = 4
PATIENCE_SECONDS = 90.0
GAP_SECONDS = 0.5
# Few pictures, so that few videos are rendered: a job is told from another by its key.
PICTURES = 2

T = TypeVar("T")


class DropFailed(Exception):
    """A job could not be made within the time."""


class Drops:
    """Drops plays on a stack, and notes which of them came twice."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self._ground = ground
        self._seed = seed
        self._pictures = [_picture(number) for number in range(PICTURES)]
        self.arrived: dict[Arrival, set[int]] = {arrival: set() for arrival in Arrival}

    def drop(self, plays: list[Play]) -> None:
        """Drops them all, a few at once. Raises DropFailed."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._drop, plays))

    def _drop(self, play: Play) -> None:
        if play.shape.by_api:
            self._call(play)
        else:
            self._upload(play)

    # --- the inbox

    def _upload(self, play: Play) -> None:
        description, s3 = self._ground.description, self._ground.aws.s3
        key = f"inbox/chaos-{self._seed}/{play.number:05}.png"
        fields = {"prompt": play.prompt, **play.shape.fields}
        body = self._pictures[play.number % PICTURES]

        def put() -> str:
            metadata = {} if play.has_sidecar else _as_metadata(fields)
            return s3.put_object(Bucket=description.input_bucket, Key=key, Body=body, Metadata=metadata)["VersionId"]

        def put_sidecar() -> None:
            text = json.dumps(fields).encode()
            s3.put_object(Bucket=description.input_bucket, Key=key.removesuffix("png") + "json", Body=text)

        # Before its image, or after it, which then waits for it.
        comes_first = play.number % 2 == 0
        if play.has_sidecar and comes_first:
            _insist(put_sidecar)
        version = _insist(put)
        if play.has_sidecar and not comes_first:
            _insist(put_sidecar)
        if Arrival.DROPPED_AGAIN in play.arrivals:
            _insist(put)
            self.arrived[Arrival.DROPPED_AGAIN].add(play.number)
        if Arrival.EVENT_TWICE in play.arrivals:
            _insist(lambda: self._repeat_event(key, version))
            self.arrived[Arrival.EVENT_TWICE].add(play.number)

    def _repeat_event(self, key: str, version: str) -> None:
        """What EventBridge, which delivers at least once, puts into the queue a second time."""
        event = {
            "version": "0",
            "id": str(uuid4()),
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {
                "bucket": {"name": self._ground.description.input_bucket},
                "object": {"key": key, "version-id": version},
            },
        }
        queue = self._ground.resources["InboxQueue"]
        self._ground.aws.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    # --- the API

    def _call(self, play: Play) -> None:
        fields = {"prompt": play.prompt, **play.shape.fields}
        if play.shape.has_image:
            fields["image"] = _insist(lambda: self._hand_over(play.number % PICTURES))

        def create() -> str:
            answer = self._ground.http.post(
                f"{self._ground.description.api_url}/v1/videos",
                json=fields,
                headers={
                    "authorization": f"Bearer {self._ground.description.api_key}",
                    "idempotency-key": f"chaos-{self._seed}-{play.number}",
                },
            )
            return str(answer.raise_for_status().json()["id"])

        first = _insist(create)
        if Arrival.KEY_TWICE in play.arrivals:
            if _insist(create) != first:
                raise DropFailed(f"play {play.number}: the same Idempotency-Key made two jobs")
            self.arrived[Arrival.KEY_TWICE].add(play.number)

    def _hand_over(self, number: int) -> str:
        """An image where the API's users put theirs, from which no event comes."""
        bucket, key = self._ground.description.input_bucket, f"uploads/{TENANT}/chaos-{number}.png"
        self._ground.aws.s3.put_object(Bucket=bucket, Key=key, Body=self._pictures[number])
        return f"s3://{bucket}/{key}"


def _insist(step: Callable[[], T]) -> T:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return step()
        except (httpx.HTTPError, BotoCoreError, ClientError) as error:
            if time.monotonic() > until:
                raise DropFailed(f"{type(error).__name__}: {error}") from error
            time.sleep(GAP_SECONDS)


def _as_metadata(fields: dict[str, object]) -> dict[str, str]:
    """An object's metadata is text: lists by commas, truths in lower case."""
    return {
        name: ",".join(map(str, value))
        if isinstance(value, list)
        else str(value).lower()
        if value is True
        else str(value)
        for name, value in fields.items()
    }


def _picture(number: int) -> bytes:
    """Small, quick to render, and like no other."""
    picture = Image.linear_gradient("L").rotate(90 * number).resize((320, 180)).convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
