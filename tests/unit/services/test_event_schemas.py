"""What docs/events says of each event is what the code makes."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from cfnlint.api import lint_file
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from msgspec.structs import replace
from tests.fakes import DAWN
from tests.unit.template.document import ROOT, read_yaml
from tests.world import World

from stillmotion.aws.events import SOURCE
from stillmotion.domain.deliveries import event_word
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.identity import content_id
from stillmotion.domain.job.records import Generation, Job, Reason, Status, Video
from stillmotion.domain.request import AspectRatio, VendorName
from stillmotion.ports.records import Event
from stillmotion.services.webhooks import announcements

EVENTS = Path(ROOT / "docs" / "events")
RULE = EVENTS / "rule.yaml"
VIDEO = Video(
    bucket="output", key="videos/1.mp4", bytes=5, sha256="ab" * 32, width=1280, height=720, duration_milliseconds=5041,
    stored_at=DAWN,
)  # fmt: skip
FAILURE = Failure(FailureKind.MODERATED, "The vendor declined it.")


def schema(detail_type: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        (EVENTS / f"{detail_type.lower().replace(' ', '-')}.schema.json").read_text(encoding="utf-8")
    )
    return found


def made(**fields: object) -> Job:
    """A job as it is stored, with or without an attempt."""
    world = World()
    job = world.dispatching(metadata={"order": "81"})
    return world.jobs.put(replace(job, **{"id": content_id("job"), **fields}))


def ordered(status: Status, **fields: object) -> Job:
    """One that a vendor took."""
    world = World()
    world.dispatch(world.dispatching().id)
    job = world.jobs.only()
    assert job.attempt is not None
    generation = Generation(id="g-1", accepted_at=DAWN, charged=Decimal("0.51"), credits=51)
    attempt = replace(job.attempt, generation=generation)
    return replace(job, id=content_id("job"), status=status, attempts=(attempt,), ended_at=DAWN, **fields)


MADE: Mapping[str, tuple[Callable[[Job, Any], Event], Job]] = {
    "completed": (announcements.video_completed, ordered(Status.COMPLETED, video=VIDEO)),
    "failed": (announcements.video_failed, ordered(Status.FAILED, failure=FAILURE)),
    "failed before it was sent": (
        announcements.video_failed,
        made(status="failed", failure=FAILURE, request=None, aspect_ratio=None, ended_at=DAWN),
    ),
    "cancelled": (announcements.video_cancelled, made(status="cancelled", failure=FAILURE, ended_at=DAWN)),
    "unknown": (
        announcements.video_needs_attention,
        ordered(Status.NEEDS_ATTENTION, reason=Reason.OUTCOME_UNKNOWN, failure=FAILURE),
    ),
    "overdue": (announcements.video_needs_attention, ordered(Status.GENERATING, overdue=True)),
}


@pytest.mark.parametrize("case", MADE)
def test_an_event_is_as_its_schema_says_and_has_no_member_that_it_does_not_tell_of(case: str) -> None:
    announce, job = MADE[case]
    event = announce(job, DAWN + timedelta(seconds=1))
    told = schema(event.detail_type)
    # As it goes over the bus.
    detail = json.loads(json.dumps({**event.detail, "event_id": event.id}))

    Draft202012Validator.check_schema(told)
    Draft202012Validator(told, format_checker=FormatChecker()).validate(detail)
    assert detail.keys() == told["properties"].keys()
    for name in ("video", "failure"):
        if detail.get(name) is not None:
            assert detail[name].keys() == told["properties"][name]["properties"].keys()


def test_there_is_a_schema_for_each_event_and_an_event_for_each_schema() -> None:
    titles = {json.loads(path.read_text(encoding="utf-8"))["title"] for path in EVENTS.glob("*.schema.json")}

    assert titles == {announce(job, DAWN).detail_type for announce, job in MADE.values()}


def test_each_event_has_a_word_in_webhooks_that_its_schema_tells() -> None:
    for announce, job in MADE.values():
        detail_type = announce(job, DAWN).detail_type
        assert f"webhook of type {event_word(detail_type, 'standard')}." in schema(detail_type)["description"]


@pytest.mark.parametrize("detail_type", ["Video Completed", "Video Failed", "Video Cancelled", "Video Needs Attention"])
def test_the_closed_sets_of_a_schema_are_those_of_the_code(detail_type: str) -> None:
    members = schema(detail_type)["properties"]

    assert set(members["vendor"]["enum"]) == {*VendorName, None}
    assert set(members["reason"]["enum"]) == {*Reason, "overdue", None}
    assert set(members["aspect_ratio"]["enum"]) == {*get_args(AspectRatio), None}
    if "failure" in members:
        assert set(members["failure"]["properties"]["kind"]["enum"]) == set(FailureKind)


# --- the rule


def test_the_ready_rule_is_a_template_that_deploys() -> None:
    assert lint_file(RULE) == []


def test_the_ready_rule_lets_through_the_ends_of_one_tenants_jobs() -> None:
    pattern = read_yaml(RULE)["Resources"]["VideosEnded"]["Properties"]["EventPattern"]
    ends = {announce(job, DAWN).detail_type for announce, job in MADE.values() if job.is_final}

    assert pattern == {
        "source": [SOURCE],
        "detail-type": pattern["detail-type"],
        "detail": {"tenant": [{"Ref": "Tenant"}]},
    }
    assert set(pattern["detail-type"]) == ends
