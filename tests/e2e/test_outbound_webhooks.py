"""Receivers on this machine are told of jobs by the deployed stack: signed, in order, again where they fail."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from standardwebhooks import Webhook
from tests.e2e.conftest import LocalStack
from tests.stills import image
from tests.unit.template.document import ROOT
from typer.testing import CliRunner, Result

from stillmotion.vendors.signatures import apiframe_delivery, wavespeed_delivery
from stillmotion_cli.main import app
from stillmotion_cli.surroundings import Surroundings
from stillmotion_local.deployment import STACK_NAME


@dataclass
class Post:
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass
class Receiver:
    """A server of the caller's. `answers` are the first ones of a path; the rest are 204."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)

    def at(self, path: str, number: int = 1) -> list[Post] | None:
        """What came there, once it is so much."""
        found = [post for post in self.posts if post.path == path]
        return found if len(found) >= number else None


@pytest.fixture(scope="module")
def receiver(local: LocalStack) -> Iterator[Receiver]:
    """A receiver that the stack may call, as a user sets it up by LOCAL_ORIGINS."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received.posts.append(Post(self.path, headers, body))
            planned = received.answers.get(self.path, [])
            self.send_response(planned.pop(0) if planned else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        received.url = f"http://127.0.0.1:{server.server_port}"
        before = allow(local, received.url)
        yield received
        allow(local, before)
        server.shutdown()


def allow(local: LocalStack, origins: str) -> str:
    """Sets the deliver function's local origins; gives what they were."""
    resource = local.aws.cloudformation.describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="DeliverFunction"
    )
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    variables = local.aws.lambda_.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    local.aws.lambda_.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "LOCAL_ORIGINS": origins}}
    )
    return variables["LOCAL_ORIGINS"]


def run(local: LocalStack, *arguments: str) -> Result:
    """`stillmotion webhooks`, on this stack."""
    environment = {
        "STILLMOTION_API_URL": local.description.api_url,
        "STILLMOTION_API_KEY": local.description.api_key,
    }
    surroundings = Surroundings(environment=environment)
    return CliRunner().invoke(app, ["webhooks", *arguments], obj=surroundings, catch_exceptions=False)


def secret(local: LocalStack) -> str:
    return run(local, "secret").stdout.strip()


def delivery(local: LocalStack, job_id: str, state: str) -> dict[str, Any]:
    """The delivery of a job, once it is in that state."""

    found: dict[str, Any] = local.wait_for(
        lambda: next((each for each in deliveries(local, job_id) if each["state"] == state), None),
        f"{state} delivery of {job_id}",
    )
    return found


def deliveries(local: LocalStack, job_id: str) -> list[dict[str, Any]]:
    listed = json.loads(run(local, "deliveries", "--limit", "100", "--json").stdout)["data"]
    return [each for each in listed if each["job_id"] == job_id]


def test_a_receiver_is_told_by_the_standard_scheme(local: LocalStack, receiver: Receiver) -> None:
    ordered = {"prompt": "tell my server", "callback_url": f"{receiver.url}/standard"}
    job_id = local.api("POST", "/v1/videos", json=ordered).json()["id"]

    (post,) = local.wait_for(lambda: receiver.at("/standard"), "webhook")
    told = Webhook(secret(local)).verify(post.body, post.headers)
    assert (told["type"], told["data"]["job_id"]) == ("video.completed", job_id)
    schema = json.loads((ROOT / "docs" / "events" / "video-completed.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(told["data"])
    assert told["data"]["event_id"] == post.headers["webhook-id"] == delivery(local, job_id, "delivered")["id"]


def test_a_receiver_that_fails_is_told_again_with_the_same_id(local: LocalStack, receiver: Receiver) -> None:
    receiver.answers["/flaky"] = [503]
    ordered = {"prompt": "tell my flaky server", "callback_url": f"{receiver.url}/flaky"}
    job_id = local.api("POST", "/v1/videos", json=ordered).json()["id"]

    first, second = local.wait_for(lambda: receiver.at("/flaky", 2), "second try")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 5
    assert delivery(local, job_id, "delivered")["tries"] == 2


def test_a_tenant_is_told_of_what_names_no_callback_and_replays_it(local: LocalStack, receiver: Receiver) -> None:
    assert run(local, "set", f"{receiver.url}/tenant").exit_code == 0
    try:
        job_id = local.api("POST", "/v1/videos", json={"prompt": "tell the tenant"}).json()["id"]

        def told_of_it(times: int) -> list[Post]:
            # Jobs of other tests are the same tenant's.
            posts = [post for post in receiver.at("/tenant") or [] if job_id in str(post.told)]
            return posts if len(posts) >= times else []

        (post,) = local.wait_for(lambda: told_of_it(1), "webhook")
        done = delivery(local, job_id, "delivered")
        assert run(local, "replay", done["id"]).exit_code == 0
        again = local.wait_for(lambda: told_of_it(2), "replay")[1]
    finally:
        run(local, "set", "--off")

    assert again.headers["webhook-id"] == post.headers["webhook-id"]
    assert again.told == post.told


def test_what_a_name_leads_to_is_not_called_where_it_is_private(local: LocalStack, receiver: Receiver) -> None:
    assert receiver.url
    ordered = {"prompt": "tell what is beside it", "callback_url": "https://localhost/latest/meta-data"}
    job_id = local.api("POST", "/v1/videos", json=ordered).json()["id"]

    (tried,) = local.wait_for(lambda: [each for each in deliveries(local, job_id) if each["tries"]], "try")
    assert (tried["state"], tried["last_status"]) == ("pending", None)
    assert "public internet" in tried["last_error"]


def test_a_private_address_is_refused_when_it_is_ordered(local: LocalStack) -> None:
    ordered = {"prompt": "tell the metadata service", "callback_url": "https://169.254.169.254/latest/meta-data"}
    answer = local.api("POST", "/v1/videos", json=ordered)

    assert (answer.status_code, answer.json()["error"]["param"]) == (httpx.codes.BAD_REQUEST, "callback_url")


def test_wavespeeds_caller_is_told_in_its_dialect(local: LocalStack, receiver: Receiver) -> None:
    local.aws.s3.put_object(Bucket=local.description.input_bucket, Key="uploads/default/hooked", Body=image())
    body = {"prompt": "tell by wavespeed", "image": f"s3://{local.description.input_bucket}/uploads/default/hooked"}
    path = "/api/v3/luma/ray-2-flash-i2v"
    ordered = local.api("POST", path, json=body, params={"webhook": f"{receiver.url}/wavespeed"}).json()["data"]

    (post,) = local.wait_for(lambda: receiver.at("/wavespeed"), "webhook")
    tried_at = datetime.fromisoformat(delivery(local, ordered["id"], "delivered")["last_tried_at"])
    told = local.api("GET", "/api/v3/webhook/secret").json()["data"]["secret"]
    taken = wavespeed_delivery(post.headers, post.body, [told], tried_at)
    assert (taken.generation_id, post.told["status"]) == (ordered["id"], "completed")
    assert local.http.get(post.told["outputs"][0]).content == local.stored(local.job(ordered["id"]))


def test_apiframes_caller_is_told_in_its_dialect(local: LocalStack, receiver: Receiver) -> None:
    wanted = {
        "model": "luma-ray-flash-2",
        "prompt": "tell by apiframe",
        "webhookUrl": f"{receiver.url}/apiframe",
        "webhookEvents": ["completed", "failed"],
    }
    answer = local.api("POST", "/v2/videos/generate", json=wanted)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    (post,) = local.wait_for(lambda: receiver.at("/apiframe"), "webhook")
    taken = apiframe_delivery(post.headers, post.body, [local.description.api_key])
    assert (taken.generation_id, post.headers["x-webhook-event"]) == (answer.json()["jobId"], "completed")
    stored = local.stored(local.job(taken.generation_id))
    assert local.http.get(post.told["result"]["videoUrl"]).content == stored
