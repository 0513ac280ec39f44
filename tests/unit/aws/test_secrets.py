"""The vendors' keys are read when needed, kept for minutes, and shown nowhere."""

from datetime import UTC, datetime, tzinfo
from typing import ClassVar, Self

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.aws.wire import Sent, Wire, answer, answering, silence

from stillmotion.aws.clients import AwsClients, AwsError, AwsUnreachable
from stillmotion.aws.secrets import VendorKeys, VendorSecret
from stillmotion.errors import Misconfigured

KEYS = {"apiframe_api_key": "afk_1", "wavespeed_api_key": "ws_1"}


def store(clients: AwsClients, value: str) -> None:
    clients.secretsmanager.create_secret(Name="vendors", SecretString=value)


def test_keys_come_from_the_secret(clients: AwsClients) -> None:
    store(clients, msgspec.json.encode(KEYS).decode())

    assert VendorSecret(clients, "vendors").keys() == VendorKeys(apiframe_api_key="afk_1", wavespeed_api_key="ws_1")


def test_one_vendor_may_be_without_a_key(clients: AwsClients) -> None:
    store(clients, '{"wavespeed_api_key": "ws_1", "note": "no apiframe yet"}')

    assert VendorSecret(clients, "vendors").keys() == VendorKeys(wavespeed_api_key="ws_1")


class Clock(datetime):
    """The clock that Powertools looks at, in a test's hands."""

    at: ClassVar[float] = 1_800_000_000

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:  # noqa: ARG003 - as the base class has it
        return cls.fromtimestamp(cls.at, UTC).replace(tzinfo=None)


def test_keys_are_kept_for_five_minutes(clients: AwsClients, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aws_lambda_powertools.utilities.parameters.base.datetime", Clock)
    store(clients, msgspec.json.encode(KEYS).decode())
    secret = VendorSecret(clients, "vendors")
    wire.requests.clear()

    secret.keys()
    monkeypatch.setattr(Clock, "at", Clock.at + 299)
    secret.keys()
    assert len(wire.requests) == 1

    monkeypatch.setattr(Clock, "at", Clock.at + 2)
    secret.keys()
    assert len(wire.requests) == 2


def test_making_it_reads_nothing(clients: AwsClients, wire: Wire) -> None:
    VendorSecret(clients, "vendors")

    assert wire.requests == []


@pytest.mark.parametrize("value", ["sk-very-secret", '{"apiframe_api_key": 4711}', "[]", ""])
def test_a_secret_of_another_form_is_named_and_not_quoted(value: str) -> None:
    body = msgspec.json.encode({"SecretString": value})

    def handle(_sent: Sent) -> AWSResponse:
        return answer(200, body)

    with pytest.raises(Misconfigured, match="vendors") as caught:
        VendorSecret(answering(handle), "vendors").keys()

    assert "secret sk" not in str(caught.value)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_absent_secret_is_an_error(clients: AwsClients) -> None:
    with pytest.raises(AwsError) as caught:
        VendorSecret(clients, "vendors").keys()

    assert caught.value.code == "ResourceNotFoundException"


def test_a_secrets_manager_that_does_not_answer_is_unreachable() -> None:
    def silent(_sent: Sent) -> AWSResponse:
        raise silence()

    with pytest.raises(AwsUnreachable):
        VendorSecret(answering(silent), "vendors").keys()


def test_keys_are_not_shown() -> None:
    keys = VendorKeys(apiframe_api_key="afk_1", wavespeed_api_key="ws_1")

    assert "afk_1" not in f"{keys} {keys!r}"
    assert "ws_1" not in f"{keys} {keys!r}"
