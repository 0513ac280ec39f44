"""How long each function takes to wake, against a handler that imports the usual things up front.

Each measurement is a fresh Python process in an environment that holds only what it needs: ours the layer's pinned
requirements, the baseline's Powertools with its event handler, parser and idempotency, httpx, boto3, and three clients
made up front. Ours imports the handler and makes all that its first call needs: settings, services, the AWS client
with its connection pool and certificate authorities, and the vendor's adapter. The two take turns, so that a slow
moment of the machine falls on both; medians are compared.

    python benchmarks/cold_start.py [--runs 15]
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "cold-start"
LAYER = ROOT / "layers" / "stillmotion"
BASELINE_PACKAGES = ["aws-lambda-powertools[parser]", "httpx", "boto3", "jmespath"]

BASELINE = """
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.idempotency import idempotent
import httpx, boto3
for service in ("dynamodb", "s3", "stepfunctions"):
    boto3.client(service)
"""
WAKE = """
import app
from stillmotion import composition
from stillmotion.aws.tls import trust
import httpx
trust()
httpx.Client(verify=trust())
{first_call}
"""
FIRST_CALLS = {
    "submit": "composition.native_submit_api()",
    "submit (S3)": "composition.submit_upload()",
    "read": "composition.native_read_api()",
    "dispatch": "composition.dispatch(); composition._wavespeed()",
    "check": "composition.check(); composition._wavespeed()",
    "finalize": "composition.finalize()",
    "fail": "composition.close()",
    "sweep": "composition.sweep()",
    "webhook": "composition.webhooks(print); composition._wavespeed()",
    "announce": "composition.announcing()",
    "deliver": "composition.deliver(); import standardwebhooks",
}
TIMED = "import time; started = time.perf_counter()\n{body}\nprint(time.perf_counter() - started)"
ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_SERVICE_NAME": "stillmotion",
    "JOBS_TABLE": "jobs",
    "INPUT_BUCKET": "input",
    "OUTPUT_BUCKET": "output",
    "STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:video",
    "EVENT_BUS_NAME": "stillmotion",
    "VENDOR_SECRET_ID": "vendors",
    "WEBHOOK_SECRET_ID": "webhooks",
    "DELIVERY_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/deliveries.fifo",
}


def environment(name: str, *requirements: str) -> Path:
    """A virtual environment with just these; kept between runs. Gives its Python."""
    place = CACHE / name
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)  # noqa: S603
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--quiet", *requirements], check=True)  # noqa: S603
        subprocess.run([python, "-m", "compileall", "-qq", place], check=False)  # noqa: S603
        (place / "complete").touch()
    return python


def seconds(python: Path, body: str, *paths: Path) -> float:
    """How long one fresh process takes to run `body`."""
    variables = {**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [str(python), "-c", TIMED.format(body=body)]
    ran = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)  # noqa: S603
    return float(ran.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    console = Console()
    with console.status("Making the two environments"):
        baseline = environment("baseline", *BASELINE_PACKAGES)
        ours = environment("layer", "--require-hashes", "-r", str(LAYER / "requirements.txt"))
    taken: dict[str, list[float]] = {name: [] for name in ["baseline", *FIRST_CALLS]}
    for _ in track(range(runs + 1), "Waking functions", console=console):
        taken["baseline"].append(seconds(baseline, BASELINE))
        for name, first_call in FIRST_CALLS.items():
            folder = ROOT / "functions" / name.partition(" ")[0]
            taken[name].append(seconds(ours, WAKE.format(first_call=first_call), folder, LAYER))
    middle = {name: statistics.median(times[1:]) for name, times in taken.items()}
    table = Table("function", "median ms", "of the baseline", title=f"Cold start, {runs} runs each")
    for name, median in middle.items():
        table.add_row(name, f"{median * 1000:.0f}", f"{median / middle['baseline']:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
