"""The client tries again what may pass, gives up in time, and tells what the service said."""

import httpx
import pytest
from tests.unit.aws.wire import SETTINGS, answer, answering, markup, refusal

from stillmotion.aws.client import JSON_TIMEOUT, AwsClient, AwsError, AwsUnreachable
from stillmotion.aws.settings import AwsSettings, aws_settings
from stillmotion.aws.signing import Message
from stillmotion.aws.tls import distrust, trust, trust_for
from stillmotion.errors import Misconfigured

LAMBDA = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "very-secret",
    "AWS_SESSION_TOKEN": "token",
}
GET = Message(service="s3", method="GET", origin="https://photos.s3.eu-central-1.amazonaws.com", target="/a")


def in_turn(*turns: httpx.Response | httpx.TransportError) -> tuple[AwsClient, list[httpx.Request], list[float]]:
    """A client that meets these answers one after the other, what it sent, and how long it paused."""
    requests: list[httpx.Request] = []
    pauses: list[float] = []
    queue = list(turns)

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        turn = queue.pop(0)
        if isinstance(turn, httpx.TransportError):
            raise turn
        return turn

    return answering(handle, pauses), requests, pauses


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
        refusal("ThrottlingException"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("InternalServerError", 500),
        markup("SlowDown", 503),
        markup("RequestTimeout", 400),
        answer(502, b"<html>bad gateway"),
        answer(429),
    ],
    ids=lambda fault: type(fault).__name__ if isinstance(fault, Exception) else str(fault.status_code),
)
def test_what_may_pass_is_tried_again(fault: httpx.Response | httpx.TransportError) -> None:
    client, requests, _ = in_turn(fault, answer(200, b"{}"))

    assert client.call("dynamodb", "DynamoDB_20120810.GetItem", {}) == {}
    assert len(requests) == 2


@pytest.mark.parametrize(
    "fault", [refusal("ValidationException"), markup("AccessDenied", 403), markup("NoSuchKey", 404), answer(301)]
)
def test_a_plain_no_is_not_asked_twice(fault: httpx.Response) -> None:
    client, requests, pauses = in_turn(fault)

    with pytest.raises(AwsError):
        client.send(GET)

    assert len(requests) == 1
    assert pauses == []


def test_it_gives_up_after_four_tries_with_growing_pauses() -> None:
    client, requests, pauses = in_turn(*[httpx.ConnectTimeout("lost")] * 4)

    with pytest.raises(AwsUnreachable, match="ConnectTimeout"):
        client.send(GET)

    assert len(requests) == 4
    assert pauses == [0.1, 0.2, 0.4]


def test_pauses_are_drawn_from_nothing_up_to_their_bound() -> None:
    pauses: list[float] = []
    draws = iter([0.0, 0.5, 1.0])
    http = httpx.Client(transport=httpx.MockTransport(lambda _request: answer(503)))
    client = AwsClient(SETTINGS, http, pause=pauses.append, draw=lambda: next(draws))

    with pytest.raises(AwsError):
        client.send(GET)

    assert pauses == [0.0, 0.1, 0.4]


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
            yield b"{"
            raise httpx.ReadError("reset")

    client, requests, _ = in_turn(httpx.Response(200, stream=Broken()), answer(200, b'{"a": 1}'))

    assert client.call("dynamodb", "DynamoDB_20120810.GetItem", {}) == {"a": 1}
    assert len(requests) == 2


def test_each_try_is_signed_anew() -> None:
    client, requests, _ = in_turn(answer(500), answer(200))

    client.send(GET)

    assert all(request.headers["authorization"].startswith("AWS4-HMAC-SHA256 ") for request in requests)


def test_a_refusal_says_code_message_and_status() -> None:
    client, _, _ = in_turn(refusal("ConditionalCheckFailedException", message="the condition"))

    with pytest.raises(AwsError) as caught:
        client.call("dynamodb", "DynamoDB_20120810.PutItem", {})

    assert caught.value.code == "ConditionalCheckFailedException"
    assert caught.value.message == "the condition"
    assert caught.value.status == 400


def test_a_code_may_come_in_a_header_with_its_address() -> None:
    client, _, _ = in_turn(answer(400, b"{}", {"x-amzn-errortype": "LimitExceeded:http://internal.amazon.com/x/"}))

    with pytest.raises(AwsError) as caught:
        client.call("states", "AWSStepFunctions.StartExecution", {})

    assert caught.value.code == "LimitExceeded"


@pytest.mark.parametrize("body", [b"", b"<html><br>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"{", b"\xff"])
def test_a_refusal_without_words_is_known_by_its_status(body: bytes) -> None:
    client, _, _ = in_turn(answer(418, body))

    with pytest.raises(AwsError) as caught:
        client.send(GET)

    assert caught.value.code == "418"


def test_a_body_is_given_as_it_was_stored() -> None:
    client, requests, _ = in_turn(answer(200, b"\x1f\x8b not really gzip", {"content-encoding": "gzip"}))

    assert client.send(GET).body == b"\x1f\x8b not really gzip"
    assert requests[0].headers["accept-encoding"] == "identity"


def test_json_calls_have_their_own_short_time_outs() -> None:
    client, requests, _ = in_turn(answer(200, b"{}"))

    client.call("dynamodb", "DynamoDB_20120810.GetItem", {})

    assert requests[0].extensions["timeout"] == JSON_TIMEOUT.as_dict()


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_come_from_lambdas_variables() -> None:
    settings = aws_settings(LAMBDA)

    assert settings == AwsSettings(
        region="eu-central-1", access_key_id="AKIDEXAMPLE", secret_access_key="very-secret", session_token="token"
    )
    assert settings.origin("dynamodb") == "https://dynamodb.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        aws_settings({key: value for key, value in LAMBDA.items() if key != name})


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "states.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "states.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "states.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_each_partition_has_its_domain(region: str, host: str) -> None:
    assert aws_settings(LAMBDA | {"AWS_REGION": region}).origin("states") == f"https://{host}"


def test_one_endpoint_stands_for_all_services() -> None:
    settings = aws_settings(LAMBDA | {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"})

    assert settings.origin("s3") == settings.origin("events") == "http://127.0.0.1:4566"


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "ftp://a", "http://a/path", "http://"])
def test_an_endpoint_that_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="AWS_ENDPOINT_URL"):
        aws_settings(LAMBDA | {"AWS_ENDPOINT_URL": url})


def test_settings_show_no_secret() -> None:
    shown = repr(aws_settings(LAMBDA)) + str(aws_settings(LAMBDA))

    assert "very-secret" not in shown
    assert "token" not in shown


# --- trust -----------------------------------------------------------------------------------------------------------


def test_the_authorities_are_read_once() -> None:
    assert trust() is trust()
    assert trust_for("https://a.example") is trust()
    assert len(trust().get_ca_certs()) > 50


def test_a_client_of_plain_http_trusts_nobody() -> None:
    assert trust_for("http://127.0.0.1:4566") is distrust()
    assert distrust().get_ca_certs() == []
