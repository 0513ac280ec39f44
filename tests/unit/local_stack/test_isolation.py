"""Nothing local may ever reach a real account."""

import pytest

from stillmotion_local.aws_clients import LocalAws, environment_without_aws


@pytest.fixture(autouse=True)
def _a_user_with_a_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


def test_clients_know_only_the_emulator() -> None:
    client = LocalAws("http://127.0.0.1:4566").s3
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"


def test_processes_inherit_no_setting_of_the_users_account() -> None:
    environment = environment_without_aws()
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["AWS_REGION"] == "us-east-1"
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"}.isdisjoint(environment)
