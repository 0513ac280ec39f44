"""With SnapStart, Lambda keeps what importing a function leaves, and starts many environments from that one state."""

import os
import random
import subprocess
import sys

import pytest
from tests.unit.template.document import ROOT

from stillmotion import composition

IMPORTED = """
import app, boto3
from stillmotion import composition
kept = {name for name, found in vars(composition).items() if hasattr(found, "cache_info")}
assert len(kept) > 20
made = [name for name in kept if vars(composition)[name].cache_info().currsize]
assert made == [], made
assert boto3.DEFAULT_SESSION is None
"""


@pytest.mark.parametrize("function", ["submit", "read", "operate"])
def test_importing_a_function_makes_no_client_and_reads_no_setting(function: str) -> None:
    """So a snapshot holds no connection, no credentials and no secret, and needs no AWS to be taken."""
    paths = os.pathsep.join([str(ROOT / "functions" / function), str(ROOT / "layers" / "stillmotion")])
    subprocess.run([sys.executable, "-c", IMPORTED], env={"PYTHONPATH": paths}, check=True)  # noqa: S603


def test_environments_of_one_snapshot_do_not_draw_the_same_random_numbers() -> None:
    drawn = set()
    for _ in range(2):
        random.seed(7)  # what the snapshot holds
        composition.aws.cache_clear()
        composition.aws()
        drawn.add(random.random())  # noqa: S311 - no secret
    composition.aws.cache_clear()

    assert len(drawn) == 2
