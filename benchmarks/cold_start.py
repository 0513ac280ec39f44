"""How long each function takes to wake, against a handler that imports the usual things up front.

Each measurement is a fresh Python process that finds only what it needs: ours the layer as its Makefile builds it, the
baseline's Powertools with its event handler, parser and idempotency, httpx, boto3, and three clients made up front.
Ours imports the handler and makes all that its first call needs: settings, services, the boto3 clients that the call
uses, and, where it speaks to a vendor, the vendor's adapter with the certificate authorities. All take turns, so that
a slow moment of the machine falls on each; wall time and CPU time are shown as median and minimum.

With `--against`, the functions of another checkout (an earlier release) are measured in the same run, as its own
`benchmarks/cold_start.py` wakes them.

    python benchmarks/cold_start.py [--runs 15] [--against CHECKOUT]
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "cold-start"
LAYER = ROOT / "layers" / "stillmotion"
# Without this environment's packages: what is measured comes from the layer alone.
BARE_PYTHON = Path(sys.base_prefix) / "bin" / "python3"
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
aws = composition.aws()
{first_call}
"""
_VENDOR = "; composition._wavespeed()"
COMPOSED = {
    "submit": "composition.native_submit_api()",
    "submit (S3)": "composition.submit_upload()",
    "read": "composition.native_read_api()",
    "operate": "composition.native_operate_api()",
    "dispatch": f"composition.dispatch(){_VENDOR}",
    "check": f"composition.check(){_VENDOR}",
    "finalize": "composition.finalize()",
    "fail": "composition.close()",
    "sweep": "composition.sweep()",
    "webhook": "composition.webhooks(print)",
    "announce": "composition.announcing()",
    "deliver": "composition.deliver()",
}
"""What each function makes before its first call is carried out."""
_TRUST = "\nfrom stillmotion.egress.tls import trust\ntrust()"
_USED = {
    "submit": "aws.dynamodb; aws.stepfunctions",
    "submit (S3)": "aws.dynamodb; aws.s3; aws.stepfunctions",
    "read": "aws.dynamodb",
    "operate": "aws.dynamodb",
    "dispatch": "aws.dynamodb; aws.secretsmanager; aws.s3",
    "check": "aws.dynamodb; aws.secretsmanager",
    "finalize": f"aws.dynamodb; aws.s3{_TRUST}",
    "fail": "aws.dynamodb",
    "sweep": "aws.dynamodb",
    "webhook": f"aws.dynamodb; aws.secretsmanager; aws.stepfunctions{_VENDOR}",
    "announce": "aws.dynamodb; aws.events",
    "deliver": f"aws.dynamodb; aws.secretsmanager; import standardwebhooks{_TRUST}",
}
FIRST_CALLS = {function: f"{composed}; {_USED[function]}" for function, composed in COMPOSED.items()}
TIMED = """
import time; wall, cpu = time.perf_counter(), time.process_time()
{body}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
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


def woken(python: Path, body: str, *paths: Path) -> tuple[float, float]:
    """How many seconds one fresh process takes to run `body`: on the clock, and of the CPU."""
    variables = {**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))}
    # The layer is on the path; whatever else this machine's Python has installed is not to be found.
    flags = ["-S"] if python == BARE_PYTHON else []
    command = [str(python), *flags, "-c", TIMED.format(body=body)]
    ran = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)  # noqa: S603
    wall, cpu = map(float, ran.stdout.split()[-2:])
    return wall, cpu


def built_layer(source: Path, into: Path) -> Path:
    """The layer of a checkout, built anew for this machine. Gives the folder that is on its path."""
    shutil.rmtree(into, ignore_errors=True)
    variables = {
        **os.environ,
        "ARTIFACTS_DIR": str(into),
        "LAYER_PLATFORM": "",
        "LAYER_PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
        "LAYER_COMPILER": sys.executable,
        "UV": shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv"),
    }
    command = ["make", "--quiet", "-e", "-C", str(source), "build-StillmotionLayer"]
    subprocess.run(command, env=variables, check=True)  # noqa: S603
    return into / "python"


def of_checkout(checkout: Path) -> ModuleType:
    """The module like this one of another checkout."""
    place = checkout.resolve() / "benchmarks" / "cold_start.py"
    spec = importlib.util.spec_from_file_location("cold_start_of_another_checkout", place)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{place} is no Python file. Give the root of a checkout.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wakers(module: ModuleType, label: str) -> dict[str, tuple[Path, str, tuple[Path, ...]]]:
    """For each function of a checkout: its Python, what it runs, and where its code lies."""
    layer = built_layer(module.LAYER, CACHE / f"layer{label.replace(' ', '')}")
    return {
        f"{function}{label}": (
            BARE_PYTHON,
            module.WAKE.format(first_call=first_call),
            (module.ROOT / "functions" / function.partition(" ")[0], layer),
        )
        for function, first_call in module.FIRST_CALLS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--against", type=Path, help="the root of another checkout, measured in the same run")
    given = parser.parse_args()
    console = Console()
    to_wake: dict[str, tuple[Path, str, tuple[Path, ...]]]
    with console.status("Making the environments"):
        to_wake = {"baseline": (environment("baseline", *BASELINE_PACKAGES), BASELINE, ())}
        to_wake |= wakers(sys.modules[__name__], "")
        if given.against:
            to_wake |= wakers(of_checkout(given.against), f" @ {given.against.name}")
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in to_wake}
    for turn in track(range(given.runs + 1), "Waking functions", console=console):
        for name, (python, body, paths) in to_wake.items():
            measured = woken(python, body, *paths)
            # The first turn fills the caches of the disk.
            if turn:
                taken[name].append(measured)
    usual = statistics.median(wall for wall, _ in taken["baseline"])
    columns = ("function", "wall ms", "least", "CPU ms", "least", "of the baseline")
    table = Table(*columns, title=f"Cold start: median and minimum of {given.runs} runs")
    for name, runs in sorted(taken.items(), key=lambda each: (each[0] != "baseline", each[0])):
        walls, cpus = [wall for wall, _ in runs], [cpu for _, cpu in runs]
        shown = (statistics.median(walls), min(walls), statistics.median(cpus), min(cpus))
        table.add_row(name, *(f"{seconds * 1000:.0f}" for seconds in shown), f"{statistics.median(walls) / usual:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
