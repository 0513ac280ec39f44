"""One play, and what the three witnesses may say of it."""

from typing import Any

from stillmotion_local.chaos.evidence import Evidence, Stored
from stillmotion_local.chaos.judge import Finding, judge
from stillmotion_local.chaos.plan import SHAPES, Play
from stillmotion_local.chaos.variants import BY_NAME

KEY = "videos/default/job-1/one.mp4"
STORED = Stored(bytes=1000, sha256="abc", is_mp4=True)


def play(*names: str, number: int = 7) -> Play:
    variants = tuple(BY_NAME[name] for name in names)
    return Play(number, SHAPES[0], variants, tuple(variant.texts[0] for variant in variants))


def generation(name: str = "one", **changes: Any) -> dict[str, Any]:
    """A generation in the vendors' ledger: accepted at 10, completed at 20, billed."""
    return {
        "id": name,
        "vendor": "wavespeed",
        "prompt": play().prompt,
        "billed": 0.2,
        "refunded": False,
        "accepted_at": 10.0,
        "completed_at": 20.0,
        "state": "completed",
        "faults": [],
        "webhooks": [],
        "video_sha256": "abc",
        **changes,
    }


def failed_generation(name: str = "one", **changes: Any) -> dict[str, Any]:
    return generation(name, state="failed", refunded=True, video_sha256=None, **changes)


def attempt(name: str | None = "one", **changes: Any) -> dict[str, Any]:
    told = {"vendor": "wavespeed", "outcome": "accepted" if name else "unknown", **changes}
    return told | ({"generation": {"id": name}} if name else {})


def job(status: str = "completed", *attempts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A record: completed ones have the video that `STORED` is."""
    video = {"key": KEY, "bytes": STORED.bytes, "sha256": STORED.sha256} if status == "completed" else None
    return {
        "id": "job-1",
        "status": status,
        "request": {"prompt": play().prompt},
        "attempts": attempts or (attempt(),),
        "video": video,
        **changes,
    }


def found(
    jobs: list[dict[str, Any]],
    made: list[dict[str, Any]],
    *names: str,
    stored: Stored | None = STORED,
    **more: Any,
) -> Finding:
    """The finding on one play, with `stored` in the bucket."""
    objects = {KEY: stored} if stored else {}
    evidence = Evidence(jobs=tuple(jobs), generations=tuple(made), stored=objects, **more)
    (finding,) = judge([play(*names)], evidence)
    return finding
