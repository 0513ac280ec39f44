"""Libraries log whole answers and signed headers at DEBUG, which a stage may ask for: none of that reaches a log."""

import logging

import pytest
from tests.unit.aws.wire import SECRET_ACCESS_KEY

from stillmotion import composition
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.aws.secrets import VendorKeys, VendorSecret


def test_at_debug_no_secret_and_no_signature_is_logged(clients: AwsClients, caplog: pytest.LogCaptureFixture) -> None:
    clients.secretsmanager.create_secret(Name="vendors", SecretString='{"wavespeed_api_key": "ws_very_secret"}')
    caplog.set_level(logging.DEBUG)

    assert VendorSecret(clients, "vendors").keys() == VendorKeys(wavespeed_api_key="ws_very_secret")
    S3ObjectStore(clients).signed_get("photos", "a", seconds=60)

    assert "ws_very_secret" not in caplog.text
    assert "AWS4-HMAC-SHA256" not in caplog.text
    assert SECRET_ACCESS_KEY not in caplog.text


@pytest.mark.parametrize("name", composition.QUIET)
def test_a_quiet_library_logs_from_warning_on(name: str) -> None:
    assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
