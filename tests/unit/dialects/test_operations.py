"""What a person does, over HTTP: what is not allowed is a 409 that says why, and another tenant's is not there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.fakes import DAWN, InMemoryKeyStore
from tests.unit.dialects.calling import call
from tests.unit.services import test_dead_letters, test_interventions

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.dead_letters import DeadLetterRoutes
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.steps import Steps
from stillmotion.dialects.native.views import View
from stillmotion.domain.access import Scope
from stillmotion.domain.dead_letters import QueueName
from stillmotion.domain.job.records import Job
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint

ID = "0f0e0d0c-0b0a-8009-8807-060504030201"
JOB_ROUTES = [f"POST /v1/videos/{{id}}/{step}" for step in ("cancel", "retry", "redrive", "resolve")]
LETTER_ROUTES = ["GET /v1/dead-letters", "POST /v1/dead-letters/replay"]
BODIES: Mapping[str, Mapping[str, object]] = {
    "POST /v1/videos/{id}/resolve": {"action": "abandon"},
    "POST /v1/dead-letters/replay": {"queue": "inbox"},
}


@dataclass
class Api:
    """The operate function's endpoints, over one job and empty queues."""

    scene: test_interventions.Scene = field(default_factory=test_interventions.Scene)
    letters: test_dead_letters.Scene = field(default_factory=test_dead_letters.Scene)

    def __post_init__(self) -> None:
        self.mine, own = mint("default", DAWN)
        self.other, others = mint("other", DAWN)
        self.writer, writers = mint("default", DAWN)
        keys = InMemoryKeyStore(own, others, replace(writers, scopes=(Scope.READ, Scope.WRITE)))
        routes = {
            **Steps(self.scene.interventions, View()).routes(),
            **DeadLetterRoutes(lambda: self.letters.letters, "default").routes(),
        }
        self.endpoints = Endpoints(Authenticator(keys, self.scene.clock), routes, show_problem)

    def given(self, job: Job) -> Job:
        return self.scene.given(replace(job, id=ID))

    def __call__(
        self, route: str, body: object = None, *, key: str | None = None, video_id: str = ID
    ) -> tuple[int, Any, Mapping[str, str]]:
        return call(self.endpoints, route, key or self.mine, body=body, path={"id": video_id})


@pytest.fixture
def api() -> Api:
    return Api()


def test_the_answer_is_the_video(api: Api) -> None:
    api.given(ledgers.dispatching())
    status, video, _ = api("POST /v1/videos/{id}/cancel")
    assert (status, video["id"], video["status"], video["job"]["status"]) == (200, ID, "failed", "cancelled")


def test_a_cancellation_that_came_too_late_is_shown(api: Api) -> None:
    api.given(ledgers.generating())
    _, video, _ = api("POST /v1/videos/{id}/cancel", {})
    assert (video["status"], video["job"]["cancel_requested_at"]) == ("in_progress", "2026-05-04T07:00:00Z")


def test_a_dry_run_of_a_retry_tells_its_price(api: Api) -> None:
    api.given(ledgers.refused())
    status, told, _ = api("POST /v1/videos/{id}/retry", {"dry_run": True})
    assert (status, told["vendor"], told["price_dollars"], told["run"]) == (200, "wavespeed", "0.20", 1)
    assert told["alternatives"] == [{"vendor": "apiframe", "price_dollars": "0.51", "substitutions": []}]
    assert api.scene.jobs.only().run == 1


def test_a_retry_is_done_once(api: Api) -> None:
    api.given(ledgers.refused())
    for _ in range(2):
        status, video, _ = api("POST /v1/videos/{id}/retry", {"run": 1, "expect_dollars": "0.20"})
        assert (status, video["job"]["run"]) == (200, 2)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ({"action": "adopt", "generation": "g-1"}, "generating"),
        ({"action": "not_sent"}, "dispatching"),
        ({"action": "abandon"}, "failed"),
    ],
)
def test_an_unknown_outcome_is_resolved_in_three_ways(api: Api, action: dict[str, str], status: str) -> None:
    api.given(ledgers.unknown())
    assert api("POST /v1/videos/{id}/resolve", {**action, "run": 1})[1]["job"]["status"] == status


def test_the_stacks_owner_resolves_another_tenants_job(api: Api) -> None:
    api.given(replace(ledgers.unknown(), tenant="other"))
    status, video, _ = api("POST /v1/videos/{id}/resolve", {"action": "abandon"})
    assert (status, video["job"]["status"]) == (200, "failed")


def test_only_the_stacks_owner_adopts_as_all_tenants_generations_are_in_one_account(api: Api) -> None:
    api.given(replace(ledgers.unknown(), tenant="other"))
    body = {"action": "adopt", "generation": "generation-1"}
    status, problem, _ = api("POST /v1/videos/{id}/resolve", body, key=api.other)
    assert (status, problem["error"]["code"]) == (403, "not_allowed")
    assert api.scene.jobs.only().generation is None


@pytest.mark.parametrize("route", JOB_ROUTES)
def test_what_is_not_allowed_says_why(api: Api, route: str) -> None:
    api.given(ledgers.done())
    api.scene.objects.put("output", "v.mp4", b"video")
    status, problem, headers = api(route, BODIES.get(route))
    assert (status, problem["error"]["code"]) == (409, "step_not_allowed")
    assert problem["detail"].endswith(".")
    assert headers["content-type"] == "application/problem+json"


def test_a_step_that_comes_too_soon_says_when_to_come_again(api: Api) -> None:
    api.given(ledgers.unknown())
    api.scene.clock.time = ledgers.NOW
    status, problem, headers = api("POST /v1/videos/{id}/resolve", {"action": "not_sent"})
    assert (status, problem["error"]["code"], headers["retry-after"]) == (409, "too_soon", "120")
    assert "120 seconds" in problem["detail"]


def test_a_price_that_rose_is_told(api: Api) -> None:
    api.given(ledgers.refused())
    status, problem, _ = api("POST /v1/videos/{id}/retry", {"expect_dollars": "0.1"})
    assert (status, problem["error"]["code"]) == (409, "price_changed")
    assert "$0.20 at wavespeed" in problem["detail"]


def test_a_generation_that_the_vendor_does_not_show_is_told(api: Api) -> None:
    before = api.given(ledgers.unknown())
    api.scene.wavespeed.readings = [api.scene.wavespeed.unreadable()]
    status, problem, _ = api("POST /v1/videos/{id}/resolve", {"action": "adopt", "generation": "g"})
    assert (status, problem["error"]["code"]) == (409, "generation_not_shown")
    assert api.scene.jobs.only() == before


@pytest.mark.parametrize("route", JOB_ROUTES)
@pytest.mark.parametrize("video_id", [ID, "nothing", "\ud800", "x" * 3000, "job#1"])
def test_another_tenants_video_is_as_little_there_as_none(api: Api, route: str, video_id: str) -> None:
    before = api.given(ledgers.unknown())
    status, problem, _ = api(route, BODIES.get(route), key=api.other, video_id=video_id)
    assert (status, problem["error"]["code"]) == (404, "video_not_found")
    assert api.scene.jobs.only() == before


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        (JOB_ROUTES[0], {"why": "so"}, "why"),
        (JOB_ROUTES[1], {"run": "1"}, "run"),
        (JOB_ROUTES[1], {"run": 0}, "run"),
        (JOB_ROUTES[1], {"expect_dollars": "much"}, "expect_dollars"),
        (JOB_ROUTES[1], {"expect_dollars": "NaN"}, "expect_dollars"),
        (JOB_ROUTES[1], {"dry_run": 1}, "dry_run"),
        (JOB_ROUTES[2], {"run": True}, "run"),
        (JOB_ROUTES[3], {}, "action"),
        (JOB_ROUTES[3], {"action": "forget"}, "action"),
        (JOB_ROUTES[3], {"action": "adopt"}, "generation"),
        (JOB_ROUTES[3], {"action": "adopt", "generation": "../keys"}, "generation"),
        (JOB_ROUTES[3], {"action": "adopt", "generation": "g\n"}, "generation"),
        (JOB_ROUTES[3], {"action": "abandon", "generation": "g"}, "generation"),
        (LETTER_ROUTES[1], {}, "queue"),
        (LETTER_ROUTES[1], {"queue": "post"}, "queue"),
        (LETTER_ROUTES[1], {"queue": "inbox", "ids": []}, "ids"),
        (LETTER_ROUTES[1], {"queue": "inbox", "ids": "m1"}, "ids"),
        (LETTER_ROUTES[1], {"queue": "announcements", "after": "x"}, "ids"),
    ],
)
def test_a_field_that_is_wrong_is_named(api: Api, route: str, body: dict[str, object], field: str) -> None:
    before = api.given(ledgers.unknown())
    status, problem, _ = api(route, body)
    assert (status, problem["error"]["param"]) == (400, field)
    assert "Expected" not in problem["detail"]
    assert "Invalid" not in problem["detail"]
    assert api.scene.jobs.only() == before


def test_a_queue_that_is_none_is_told_which_there_are(api: Api) -> None:
    _, problem, _ = api(LETTER_ROUTES[1], {"queue": "nope"})
    assert problem["errors"] == [{"field": "queue", "rule": "must be one of inbox, announcements"}]


def test_very_many_wrong_fields_are_answered_in_few_words(api: Api) -> None:
    status, problem, _ = api(JOB_ROUTES[0], {f"{'x' * 1000}{number}": 1 for number in range(900)})
    assert (status, len(problem["errors"])) == (400, 20)


# --- dead letters


def test_dead_letters_are_listed_and_replayed(api: Api) -> None:
    api.letters.dead[QueueName.INBOX] = test_dead_letters.MemoryQueue(test_dead_letters.UPLOAD)
    status, listed, _ = api(LETTER_ROUTES[0])
    assert (status, [letter["subject"] for letter in listed["data"]]) == (200, ["inbox/Möwe 1.jpg"])
    status, replayed, _ = api(LETTER_ROUTES[1], {"queue": "inbox", "ids": ["m1"]})
    assert (status, replayed["replayed"], replayed["rest"]) == (200, ["m1"], None)


@pytest.mark.parametrize("route", LETTER_ROUTES)
def test_dead_letters_are_the_owners_alone(api: Api, route: str) -> None:
    api.letters.dead[QueueName.INBOX] = test_dead_letters.MemoryQueue(test_dead_letters.UPLOAD)
    assert api(route, BODIES.get(route), key=api.other)[0] == 403
    assert api(route, BODIES.get(route), key=api.writer)[0] == 403
    assert api.letters.inbox.sent == []
