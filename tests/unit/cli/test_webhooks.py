"""`stillmotion webhooks`."""

import json
import re

import httpx
import pytest
from tests.deliveries import ROOT, ScriptedPoster, Telling
from tests.fakes import InMemoryKeyStore
from tests.unit.cli.stage import LOST, Stage
from tests.world import World

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.webhooks import Webhooks
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint
from stillmotion.services.webhooks.signing_secrets import SigningSecrets, derived

URL = "https://hooks.example/all"


class WebhookStage(Stage):
    """The command before the routes of webhooks."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.telling = Telling(world)
        self.key, mine = mint("default", world.clock.now())
        secrets = SigningSecrets(lambda: self.telling.roots)
        routes = Webhooks(lambda: self.telling.outbound, lambda: secrets).routes()
        self.endpoints = Endpoints(Authenticator(InMemoryKeyStore(mine), world.clock), routes, show_problem)
        self.environment["STILLMOTION_API_KEY"] = self.key

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        path = request.url.path.removeprefix("/stage")
        found = re.fullmatch(r"/v1/webhooks/deliveries/([^/]+)/replay", path)
        route = f"{request.method} {'/v1/webhooks/deliveries/{id}/replay' if found else path}"
        return self._faulty(request, route, lambda sent: self._called(sent, route, found[1] if found else None))

    def delivered(self, number: int = 1) -> None:
        """So many events, each tried once."""
        self.telling.outbound.subscribe("default", URL)
        job = self.telling.job()
        for each in range(number):
            self.world.clock.advance(1)
            self.telling.outbound.tell(self.telling.event(job, identity=f"e-{each}"))
            self.telling.deliver(f"e-{each}")


@pytest.fixture
def stage() -> WebhookStage:
    return WebhookStage(World())


def test_a_webhook_is_set_shown_and_taken_away(stage: WebhookStage) -> None:
    assert URL in stage.run("webhooks", "set", URL).stderr
    assert stage.run("webhooks", "show").stdout == f"{URL}\n"
    assert stage.run("webhooks", "set", "--off").exit_code == 0
    assert stage.run("webhooks", "show").stdout == ""


@pytest.mark.parametrize("arguments", [[], [URL, "--off"]])
def test_what_could_mean_two_things_is_not_called(stage: WebhookStage, arguments: list[str]) -> None:
    assert (stage.run("webhooks", "set", *arguments).exit_code, stage.sent) == (2, [])


def test_an_address_that_the_api_refuses_is_told_with_its_rule(stage: WebhookStage) -> None:
    ended = stage.run("webhooks", "set", "http://hooks.example/")

    assert ended.exit_code == 2
    assert "must be an https:// URL" in ended.stderr


def test_the_secret_is_all_that_is_printed(stage: WebhookStage) -> None:
    printed = stage.run("webhooks", "secret")

    assert (printed.stdout, printed.stderr) == (f"{derived(ROOT, 'default')}\n", "")


def test_while_the_root_is_changed_both_secrets_can_be_seen(stage: WebhookStage) -> None:
    stage.telling.roots = ("a new root of thirty-two characters", ROOT)

    assert "--json shows both" in stage.run("webhooks", "secret").stderr
    told = json.loads(stage.run("webhooks", "secret", "--json").stdout)
    assert told["previous_secret"] == derived(ROOT, "default")


def test_deliveries_are_listed_with_what_became_of_them(stage: WebhookStage) -> None:
    stage.telling.poster = ScriptedPoster(500)
    stage.delivered()

    row = stage.run("webhooks", "deliveries").stdout.splitlines()[1].split()
    assert row[:3] == ["e-0", "video.completed", "job-1"]
    assert {"pending", "500"} <= set(row)


def test_a_list_goes_on_where_it_was_cut(stage: WebhookStage) -> None:
    stage.delivered(3)

    first = stage.run("webhooks", "deliveries", "--limit", "2", "--json")
    assert [each["id"] for each in json.loads(first.stdout)["data"]] == ["e-2", "e-1"]
    assert "--after e-1" in stage.run("webhooks", "deliveries", "--limit", "2").stderr
    assert "e-0" in stage.run("webhooks", "deliveries", "--after", "e-1").stdout


def test_no_deliveries_are_told_as_none(stage: WebhookStage) -> None:
    assert "none" in stage.run("webhooks", "deliveries").stderr


def test_a_delivery_is_replayed(stage: WebhookStage) -> None:
    stage.delivered()

    assert "on its way" in stage.run("webhooks", "replay", "e-0").stderr
    assert stage.telling.deliveries.only().replays == 1


def test_a_replay_whose_answer_is_lost_is_not_repeated(stage: WebhookStage) -> None:
    stage.delivered()
    stage.faults["POST /v1/webhooks/deliveries/{id}/replay"] = [LOST]

    assert stage.run("webhooks", "replay", "e-0").exit_code == 4
    assert stage.telling.deliveries.only().replays == 1


def test_what_is_still_tried_is_not_replayed(stage: WebhookStage) -> None:
    stage.telling.poster = ScriptedPoster(500)
    stage.delivered()

    ended = stage.run("webhooks", "replay", "e-0")
    assert ended.exit_code == 2
    assert "still being tried" in ended.stderr


@pytest.mark.parametrize("given", ["e", "E-"])
def test_the_start_of_a_recent_deliverys_id_is_enough(stage: WebhookStage, given: str) -> None:
    stage.delivered()

    assert "e-0 is on its way" in stage.run("webhooks", "replay", given).stderr


def test_a_start_that_several_deliveries_share_lists_them(stage: WebhookStage) -> None:
    stage.delivered(2)

    ended = stage.run("webhooks", "replay", "e-")
    assert (ended.exit_code, [post.method for post in stage.sent]) == (2, ["GET"])
    assert "  e-0  video.completed" in ended.stderr
    assert "  e-1  video.completed" in ended.stderr


@pytest.mark.parametrize("given", ["nope", "abc", "9b209983-4652-8c82-ac66-0f3d1f6f5a20"])
def test_what_means_no_delivery_leads_to_the_list(stage: WebhookStage, given: str) -> None:
    stage.delivered()

    ended = stage.run("webhooks", "replay", given)
    assert ended.exit_code == 2
    assert "`stillmotion webhooks deliveries` lists" in ended.stderr
