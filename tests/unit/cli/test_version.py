"""`stillmotion --version`."""

import re

from typer.testing import CliRunner

from stillmotion_cli.main import app


def test_the_version_is_printed() -> None:
    ended = CliRunner().invoke(app, ["--version"])
    assert ended.exit_code == 0
    assert re.fullmatch(r"stillmotion [0-9]+\.[0-9]+\.[0-9]+\n", ended.stdout)
