"""What the server's command line and environment choose."""

from pathlib import Path

import pytest

from stillmotion_local.vendors.__main__ import _parser, settings_of


def pace(environment: dict[str, str], *arguments: str) -> float:
    options = _parser(environment).parse_args(["--port", "0", "--state-dir", ".", *arguments])
    return settings_of(options).seconds_per_video


def test_the_environment_sets_the_pace_and_the_command_line_goes_before_it() -> None:
    environment = {"OFFLINE_SECONDS_PER_VIDEO": "0.5"}
    assert pace({}) == 2.0
    assert pace(environment) == 0.5
    assert pace(environment, "--seconds-per-video", "4") == 4.0


def test_the_gaps_between_the_tries_of_a_webhook_can_be_chosen() -> None:
    def gaps(environment: dict[str, str]) -> tuple[float, ...]:
        options = _parser(environment).parse_args(["--port", "0", "--state-dir", "."])
        return settings_of(options).webhook_retry_gaps_seconds

    assert gaps({}) == (1.0, 3.0, 9.0)
    assert gaps({"OFFLINE_WEBHOOK_RETRY_GAPS": "2,30"}) == (2.0, 30.0)


def test_a_host_that_others_could_reach_is_refused() -> None:
    with pytest.raises(SystemExit):
        _parser({}).parse_args(["--port", "0", "--state-dir", str(Path()), "--host", "192.0.2.1"])
