"""The local stack: up and down.

Whatever `up` starts is written down before the next thing is started, so that an interrupted, killed or crashed `up`
can be cleaned up by the next command.
"""

import fcntl
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from stillmotion_local import deployment, emulator, environments, offline_vendors, ports, processes, running, stack_file
from stillmotion_local.access import enable_expiry, ensure_api_key, put_vendor_keys
from stillmotion_local.aws_clients import REGION, LocalAws
from stillmotion_local.environments import Environment, Tool
from stillmotion_local.failures import StackError
from stillmotion_local.parameters import template_parameters
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.progress import Progress, Step
from stillmotion_local.running import Running
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.vendor_access import VendorSettings, read_vendor_settings
from stillmotion_local.workspace import Workspace

STOP_SECONDS: Mapping[str, float] = {
    emulator.NAME: emulator.STOP_SECONDS,
    offline_vendors.NAME: offline_vendors.STOP_SECONDS,
}


def up(workspace: Workspace, progress: Progress) -> StackDescription:
    """Starts and deploys everything; gives how to use it. Leaves nothing behind when it fails or is interrupted.

    Raises StackError, also when a stack runs already.
    """
    settings = read_vendor_settings()
    _refuse_missing_tools()
    workspace.make_folders()
    with _alone(workspace):
        if is_up(workspace):
            raise StackError(
                "A local stack is running already.",
                next_step="Use it, or stop it with: stillmotion local down",
            )
        _clean_up_after_a_crash(workspace, progress)
        with ExitStack() as undo:
            undo.callback(_stop_everything, workspace)
            description = _bring_up(workspace, settings, progress)
            undo.pop_all()
    return description


def down(workspace: Workspace) -> bool:
    """Stops everything. False when nothing was running. Raises StackError."""
    if not workspace.local.exists():
        return False
    with _alone(workspace):
        return _stop_everything(workspace)


def is_up(workspace: Workspace) -> bool:
    """Whether a whole stack runs: all of its processes, and the file that describes it."""
    return workspace.stack_file.exists() and not missing_processes(workspace)


def missing_processes(workspace: Workspace) -> tuple[ProcessRecord, ...]:
    """The stack's processes that have ended without being told to."""
    records = running.read(workspace).processes
    return tuple(record for record in records if processes.find(record) is None)


def _bring_up(workspace: Workspace, settings: VendorSettings, progress: Progress) -> StackDescription:
    progress.begin(Step.TOOLS)
    emulator_environment = environments.ensure(workspace, Tool.EMULATOR, progress.note)
    sam = environments.ensure(workspace, Tool.SAM, progress.note)
    progress.done(Step.TOOLS, "emulator and SAM CLI")

    now = _choose_ports(running.read(workspace), progress)
    progress.begin(Step.EMULATOR)
    emulator_process = emulator.start(workspace, emulator_environment, now.emulator_port)
    now = _remember(workspace, now.with_process(emulator_process))
    vendors_process = None
    if settings.need_offline_server:
        progress.begin(Step.VENDORS)
        vendors_process = offline_vendors.start(workspace, settings, now.vendors_port)
        now = _remember(workspace, now.with_process(vendors_process))

    endpoint_url = emulator.endpoint_url(now.emulator_port)
    emulator.wait(workspace, emulator_process, now.emulator_port)
    progress.done(Step.EMULATOR, endpoint_url)
    vendors_url = None
    if vendors_process is not None:
        vendors_url = offline_vendors.base_url(now.vendors_port)
        offline_vendors.wait(workspace, vendors_process, now.vendors_port)
        progress.done(Step.VENDORS, vendors_url)

    aws = LocalAws(endpoint_url)
    # What the vendors are to call has to be known before there is an API.
    api_url = emulator.api_url(now.emulator_port, deployment.api_id(aws))
    _deploy(workspace, sam, aws, template_parameters(settings, vendors_url, api_url), progress)

    progress.begin(Step.ACCESS)
    outputs = deployment.outputs(aws)
    put_vendor_keys(aws, outputs["VendorSecretName"], settings, vendors_url)
    enable_expiry(aws, outputs["JobsTableName"])
    description = StackDescription(
        aws_endpoint_url=endpoint_url,
        region=REGION,
        api_url=emulator.api_url(now.emulator_port, outputs["ApiId"]),
        api_key=ensure_api_key(workspace, aws, outputs["JobsTableName"]),
        input_bucket=outputs["InputBucketName"],
        output_bucket=outputs["OutputBucketName"],
        jobs_table=outputs["JobsTableName"],
        state_machine_arn=outputs["StateMachineArn"],
        vendors_url=vendors_url,
    )
    # Half a second for what paints, which other commands do not have to wait for.
    from stillmotion_local.sample_picture import hang_sample  # noqa: PLC0415

    hang_sample(workspace)
    stack_file.write(workspace, description)
    progress.done(Step.ACCESS, workspace.shown(workspace.stack_file))
    return description


def _deploy(
    workspace: Workspace, sam: Environment, aws: LocalAws, parameters: Mapping[str, str], progress: Progress
) -> None:
    wanted = deployment.fingerprint(workspace, parameters)
    if deployment.is_deployed(aws, wanted):
        progress.begin(Step.DEPLOY)
        progress.done(Step.DEPLOY, "nothing has changed")
        return
    progress.begin(Step.BUILD)
    deployment.build(workspace, sam)
    progress.done(Step.BUILD, "the layer for this machine's Python")
    progress.begin(Step.DEPLOY)
    deployment.deploy(workspace, sam, aws, parameters)
    deployment.note_deployed(aws, wanted)
    progress.done(Step.DEPLOY, f"stack {deployment.STACK_NAME}")


def _choose_ports(last: Running, progress: Progress) -> Running:
    chosen = Running(ports.choose(last.emulator_port), ports.choose(last.vendors_port))
    for wanted, got in (
        (last.emulator_port, chosen.emulator_port),
        (last.vendors_port, chosen.vendors_port),
    ):
        if wanted != got:
            progress.note(f"Port {wanted} is taken by another program; using {got}.")
    return chosen


def _remember(workspace: Workspace, now: Running) -> Running:
    running.write(workspace, now)
    return now


def _refuse_missing_tools() -> None:
    # The layer's build is a makefile.
    if shutil.which("make") is None:
        raise StackError("`make` is not here.", next_step="Install it, e.g. apt install make.")


def _clean_up_after_a_crash(workspace: Workspace, progress: Progress) -> None:
    records = running.read(workspace).processes
    dead = missing_processes(workspace)
    cleaned = _stop_everything(workspace)
    if not records and not cleaned:
        return
    if len(dead) == len(records):
        progress.note("An earlier stack had ended without being stopped; starting again.")
    else:
        what = f"its {running.names(dead)} had ended" if dead else "it had not come up"
        progress.note(f"An earlier stack was half dead ({what}); stopped the rest of it, starting again.")


def _stop_everything(workspace: Workspace) -> bool:
    """Whether there was anything to stop. A second Ctrl-C does not leave half of it."""
    with _uninterrupted():
        return _stop(workspace)


def _stop(workspace: Workspace) -> bool:
    last = running.read(workspace)
    workspace.stack_file.unlink(missing_ok=True)
    alive = [record for record in last.processes if processes.find(record) is not None]
    for record in alive:
        processes.stop(record, patience_seconds=STOP_SECONDS[record.name])
    strays = processes.sweep(workspace.local)
    emulator.clean(workspace)
    if last.processes:
        running.write(workspace, replace(last, processes=()))
    return bool(last.processes or strays)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Keeps out a second command at the same time; a killed one lets go by itself."""
    with (workspace.local / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(
                "Another `stillmotion local` command is at work in this checkout.",
                next_step="Wait for it, or interrupt it, then try again.",
            ) from error
        yield
