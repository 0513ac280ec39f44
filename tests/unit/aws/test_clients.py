"""The clients try again what may pass, give up in time, and say what AWS said."""

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError
from tests.unit.aws.wire import REGION, TABLE, Sent, answer, answering, markup, refusal, silence

from stillmotion.aws.clients import AwsClients, AwsError, AwsUnreachable, aws_errors
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.aws.table import Table

ELSEWHERE = "https://aws.example"


def in_turn(*turns: AWSResponse | BotoCoreError) -> tuple[AwsClients, list[Sent]]:
    """Clients that meet these answers one after the other, and what they sent."""
    requests: list[Sent] = []
    queue = list(turns)

    def handle(sent: Sent) -> AWSResponse:
        requests.append(sent)
        turn = queue.pop(0)
        if isinstance(turn, BotoCoreError):
            raise turn
        return turn

    return answering(handle), requests


@pytest.mark.parametrize(
    "fault",
    [
        EndpointConnectionError(endpoint_url=ELSEWHERE),
        silence(),
        ConnectionClosedError(endpoint_url=ELSEWHERE),
        refusal("ThrottlingException"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("InternalServerError", 500),
        refusal("TransactionInProgressException"),
        answer(502, b"<html>bad gateway"),
        answer(429),
    ],
    ids=lambda fault: type(fault).__name__ if isinstance(fault, Exception) else str(fault.status_code),
)
def test_what_may_pass_is_tried_again(fault: AWSResponse | BotoCoreError) -> None:
    clients, requests = in_turn(fault, answer(200, b"{}"))

    assert Table(clients, TABLE).get("job#1") is None
    assert len(requests) == 2


@pytest.mark.parametrize("fault", [markup("SlowDown", 503), markup("RequestTimeout", 400)])
def test_what_may_pass_at_s3_is_tried_again(fault: AWSResponse) -> None:
    clients, requests = in_turn(fault, answer(204))

    S3ObjectStore(clients).delete("photos", "a")

    assert len(requests) == 2


@pytest.mark.parametrize(
    "fault", [refusal("ValidationException"), refusal("AccessDeniedException", 403), answer(400, b"<html>")]
)
def test_a_plain_no_is_not_asked_twice(fault: AWSResponse) -> None:
    clients, requests = in_turn(fault)

    with pytest.raises(AwsError):
        Table(clients, TABLE).get("job#1")

    assert len(requests) == 1


def test_a_call_is_given_up_after_three_tries() -> None:
    clients, requests = in_turn(*[ConnectTimeoutError(endpoint_url=ELSEWHERE)] * 3)

    with pytest.raises(AwsUnreachable, match="ConnectTimeoutError"):
        Table(clients, TABLE).get("job#1")

    assert len(requests) == 3


def test_a_call_that_is_throttled_pauses_for_less_than_is_kept_for_the_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What dispatch writes after a POST that was accepted has to fit into the time that the POST leaves."""
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    clients, _ = in_turn(*[refusal("ThrottlingException") for _ in range(3)])

    with pytest.raises(AwsError):
        Table(clients, TABLE).get("job#1")

    assert len(pauses) == 2
    # Each is a random part of 1 s, then of 2 s; the template keeps 5 s (tests/unit/template/test_time_limits.py).
    assert sum(pauses) <= 3


def test_a_refusal_says_code_message_and_status() -> None:
    clients, _ = in_turn(refusal("ResourceNotFoundException", message="no such table"))

    with pytest.raises(AwsError, match="no such table") as caught:
        Table(clients, TABLE).get("job#1")

    assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 400)


@pytest.mark.parametrize("body", [b"", b"<html><br>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff"])
def test_a_refusal_without_words_is_known_by_its_status(body: bytes) -> None:
    clients, _ = in_turn(answer(418, body))

    with pytest.raises(AwsError) as caught:
        S3ObjectStore(clients).read("photos", "a", length=1)

    assert caught.value.status == 418


def test_what_botocore_does_not_send_is_refused_as_if_aws_had_refused_it() -> None:
    with pytest.raises(AwsError) as caught:
        S3ObjectStore(answering(lambda _sent: answer(200))).head("photos", "")

    assert caught.value.code == "ParamValidationError"


def test_an_error_that_is_not_botocores_stays_what_it_is() -> None:
    with pytest.raises(KeyError), aws_errors():
        raise KeyError("mine")


def test_calls_have_short_time_outs_and_those_of_objects_longer_ones(clients: AwsClients) -> None:
    def time_outs(name: str) -> tuple[float, float]:
        config = getattr(clients, name).meta.config
        return config.connect_timeout, config.read_timeout

    assert {name: time_outs(name) for name in ("dynamodb", "s3", "sqs", "stepfunctions")} == {
        "dynamodb": (2, 5),
        "s3": (2, 20),
        "sqs": (2, 5),
        "stepfunctions": (2, 5),
    }


def test_a_client_is_made_once(clients: AwsClients) -> None:
    assert clients.s3 is clients.s3


def test_the_clients_are_those_of_the_default_session_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eusc-de-east-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    clients = AwsClients()

    assert clients.sqs.meta.endpoint_url == "https://sqs.eusc-de-east-1.amazonaws.eu"
    assert boto3.DEFAULT_SESSION is not None


def test_one_endpoint_stands_for_all_services() -> None:
    clients = AwsClients(boto3.Session(region_name=REGION), endpoint_url="http://127.0.0.1:4566")

    assert clients.s3.meta.endpoint_url == clients.events.meta.endpoint_url == "http://127.0.0.1:4566"
