"""What the three witnesses say: the vendors' ledger, the records in the table, the objects in the bucket."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from stillmotion.aws.attributes import Attribute, from_item
from stillmotion_local.chaos.ground import Ground
from stillmotion_local.chaos.plan import number_in

Record = Mapping[str, Any]
READERS = 4
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Stored:
    """An object as it was read back, whole."""

    bytes: int
    sha256: str
    is_mp4: bool


@dataclass(frozen=True)
class Evidence:
    """All of it. `kills` are the names of the files that the killer left: `point-job`."""

    jobs: tuple[Record, ...]
    generations: tuple[Record, ...] = ()
    posts: tuple[Record, ...] = ()
    strikes: tuple[Record, ...] = ()
    stored: Mapping[str, Stored] = field(default_factory=dict)
    kills: frozenset[str] = frozenset()


def read_jobs(ground: Ground) -> tuple[Record, ...]:
    """Every job in the table, as it is stored."""
    pages = ground.aws.dynamodb.get_paginator("scan").paginate(
        TableName=ground.description.jobs_table,
        ConsistentRead=True,
        FilterExpression="#kind = :job",
        ExpressionAttributeNames={"#kind": "kind"},
        ExpressionAttributeValues={":job": {"S": "job"}},
    )
    return tuple(from_item(cast("Mapping[str, Attribute]", item)) for page in pages for item in page["Items"])


def read_all(ground: Ground, jobs: Sequence[Record]) -> Evidence:
    """Everything, once the run is over. `jobs` are as they were when all was settled: the sweeper goes on trying."""
    ledger = ground.ask_vendors("/_offline/ledger").json()
    return Evidence(
        jobs=tuple(jobs),
        generations=tuple(ledger["generations"]),
        posts=tuple(ground.ask_vendors("/_offline/requests").json()["requests"]),
        strikes=tuple(ledger["strikes"]),
        stored=_read_videos(ground),
        kills=frozenset(file.name for file in ground.workspace.kills.iterdir()),
    )


def keep(evidence: Evidence, path: Path) -> None:
    """Writes it down for whoever wants to know how it came to a verdict."""
    told = {
        "jobs": evidence.jobs,
        "generations": evidence.generations,
        "posts": evidence.posts,
        "kills": sorted(evidence.kills),
    }
    # Numbers with a fraction are read from the table as decimals.
    path.write_text(json.dumps(told, indent=1, default=str) + "\n", encoding="utf-8")


def number_of(job: Record) -> int | None:
    """The play that a job belongs to; None for a record that has no prompt yet."""
    request = job.get("request")
    return number_in(request.get("prompt")) if isinstance(request, Mapping) else None


def _read_videos(ground: Ground) -> Mapping[str, Stored]:
    bucket = ground.description.output_bucket
    pages = ground.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [found["Key"] for page in pages for found in page.get("Contents", ()) if found["Key"].endswith(".mp4")]

    def read(key: str) -> Stored:
        digest, length, start = hashlib.sha256(), 0, b""
        for chunk in ground.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK_BYTES):
            start = start or chunk[:12]
            digest.update(chunk)
            length += len(chunk)
        return Stored(length, digest.hexdigest(), start[4:8] == b"ftyp")

    with ThreadPoolExecutor(READERS) as pool:
        return dict(zip(keys, pool.map(read, keys), strict=True))
