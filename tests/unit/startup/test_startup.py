"""A function that starts makes no boto3 client, and imports no library that its way does not use.

Each is started in a process of its own, as `benchmarks/cold_start.py` starts it to be timed. `make check` runs these.
"""

import json
import os
import subprocess
import sys

import pytest
from benchmarks.cold_start import COMPOSED, ENVIRONMENT, ROOT

WATCHED = (
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parameters",
    "httpcore",
    "httpx",
    "imagesize",
    "pydantic",
    "pymp4",
    "python_multipart",
    "standardwebhooks",
)
"""What costs milliseconds, and not every function needs. boto3 and msgspec every one does."""
PARAMETERS, HTTPCORE, HTTPX = "aws_lambda_powertools.utilities.parameters", "httpcore", "httpx"
PYDANTIC = "pydantic"
IMPORTED = {
    "submit": {PYDANTIC},
    "submit (S3)": {PYDANTIC},
    "read": {PYDANTIC},
    "operate": {PARAMETERS, PYDANTIC},
    "dispatch": {PARAMETERS, HTTPX, HTTPCORE},
    "check": {PARAMETERS, HTTPX, HTTPCORE},
    "finalize": {HTTPX, HTTPCORE},
    "fail": set(),
    "sweep": {PARAMETERS},
    "webhook": {PARAMETERS},
    "announce": set(),
    "deliver": {PARAMETERS, HTTPX, HTTPCORE},
}

STARTED = """
import json, sys
import app
from stillmotion import composition
{composed}
watched = set(json.loads(sys.argv[1]))
made = vars(composition.aws()).keys() - {{"_make", "_endpoint_url"}}
print(json.dumps([sorted(watched & set(sys.modules)), sorted(made)]))
"""


def started(function: str) -> tuple[set[str], list[str]]:
    """Which of the watched libraries a start has imported, and which clients it has made."""
    folders = (ROOT / "functions" / function.partition(" ")[0], ROOT / "layers" / "stillmotion")
    ran = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", STARTED.format(composed=COMPOSED[function]), json.dumps(WATCHED)],
        env={**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        check=True,
    )
    imported, clients = json.loads(ran.stdout)
    return set(imported), clients


@pytest.mark.parametrize("function", COMPOSED)
def test_a_start_imports_what_its_way_uses_and_makes_no_client(function: str) -> None:
    assert started(function) == (IMPORTED[function], [])
