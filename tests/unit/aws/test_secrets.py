"""The vendors' keys are read when needed, kept for minutes, and shown nowhere."""

import httpx
import msgspec
import pytest
from tests.unit.aws.wire import StoppedClock, Wire, answer, answering

from stillmotion.aws.client import AwsClient, AwsError
from stillmotion.aws.secrets import VendorKeys, VendorSecret
from stillmotion.errors import Misconfigured

KEYS = {"apiframe_api_key": "afk_1", "wavespeed_api_key": "ws_1"}


def store(client: AwsClient, value: str) -> None:
    client.call("secretsmanager", "secretsmanager.CreateSecret", {"Name": "vendors", "SecretString": value})


def test_keys_come_from_the_secret(client: AwsClient) -> None:
    store(client, msgspec.json.encode(KEYS).decode())

    assert VendorSecret(client, "vendors", StoppedClock()).keys() == VendorKeys(
        apiframe_api_key="afk_1", wavespeed_api_key="ws_1"
    )


def test_one_vendor_may_be_without_a_key(client: AwsClient) -> None:
    store(client, '{"wavespeed_api_key": "ws_1", "note": "no apiframe yet"}')

    assert VendorSecret(client, "vendors", StoppedClock()).keys() == VendorKeys(wavespeed_api_key="ws_1")


def test_keys_are_kept_for_five_minutes(client: AwsClient, wire: Wire) -> None:
    store(client, msgspec.json.encode(KEYS).decode())
    clock = StoppedClock()
    secret = VendorSecret(client, "vendors", clock)
    wire.requests.clear()

    secret.keys()
    clock.pass_by(minutes=4, seconds=59)
    secret.keys()
    assert len(wire.requests) == 1

    clock.pass_by(seconds=1)
    secret.keys()
    assert len(wire.requests) == 2


def test_making_it_reads_nothing(client: AwsClient, wire: Wire) -> None:
    VendorSecret(client, "vendors", StoppedClock())

    assert wire.requests == []


@pytest.mark.parametrize("value", ["sk-very-secret", '{"apiframe_api_key": 4711}', "[]", ""])
def test_a_secret_of_another_form_is_named_and_not_quoted(value: str) -> None:
    body = msgspec.json.encode({"SecretString": value})

    def handle(_request: httpx.Request) -> httpx.Response:
        return answer(200, body)

    with pytest.raises(Misconfigured, match="vendors") as caught:
        VendorSecret(answering(handle), "vendors", StoppedClock()).keys()

    assert "secret sk" not in str(caught.value)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_absent_secret_is_an_error(client: AwsClient) -> None:
    with pytest.raises(AwsError) as caught:
        VendorSecret(client, "vendors", StoppedClock()).keys()

    assert caught.value.code == "ResourceNotFoundException"


def test_keys_are_not_shown() -> None:
    keys = VendorKeys(apiframe_api_key="afk_1", wavespeed_api_key="ws_1")

    assert "afk_1" not in f"{keys} {keys!r}"
    assert "ws_1" not in f"{keys} {keys!r}"
