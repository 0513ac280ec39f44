"""The stack of a chaos run: its own folder and parameters, functions that can be killed, an emulator that stops."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import httpx

from stillmotion_local import deployment, emulator, environments, processes, running, stack
from stillmotion_local.aws_clients import LocalAws
from stillmotion_local.chaos import killer
from stillmotion_local.chaos.killer.sitecustomize import FOLDER_VARIABLE
from stillmotion_local.environments import Tool
from stillmotion_local.progress import Progress
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.vendor_access import OFFLINE_KEYS
from stillmotion_local.workspace import Workspace

# A deadline that slow generations pass, patience that ends within the run, and a governor that soon forgets: it is lied
# to here, by 429s that have no reason and by generations that never end.
PARAMETERS: Mapping[str, str] = {
    "DeadlineSeconds": "60",
    "DispatchPatienceSeconds": "300",
    "LeaseSeconds": "120",
    "LoweredSeconds": "3",
    "FetchTries": "4",
    "LongestFetchWaitSeconds": "4",
}
# Vendors that are quick, and that try a webhook for longer than the emulator is away.
VENDORS: Mapping[str, str] = {"OFFLINE_SECONDS_PER_VIDEO": "0.5", "OFFLINE_WEBHOOK_RETRY_GAPS": "1,3,9,15,15"}
# Places at a vendor, as generations that are stuck keep theirs; whoever asks for another number gets it.
PLACES: Mapping[str, str] = {"WAVESPEED_CONCURRENCY": "16", "APIFRAME_CONCURRENCY": "16"}
# Workers for each function. More only cost their start, which is dear; but some of those that send are never answered,
# and webhooks that find none are refused.
WORKERS = 3
WORKERS_OF: Mapping[str, int] = {"DispatchFunction": 8, "FinalizeFunction": 4, "WebhookFunction": 8}
REDELIVERY_SECONDS = "30"
# Those that handle money: the one that POSTs and the one that brings the video home.
KILLED = ("DispatchFunction", "FinalizeFunction")
VENDOR_SECONDS = 60.0


class ChaosWorkspace(Workspace):
    """This checkout, with a state of its own that a run begins by deleting."""

    @property
    def local(self) -> Path:
        return self.cache / "chaos"

    @property
    def kills(self) -> Path:
        return self.local / "kills"

    @property
    def evidence(self) -> Path:
        return self.local / "evidence.json"

    def clear(self) -> None:
        """Deletes what an earlier run left, but for rendered videos: they cost only time."""
        kept = self.cache / "chaos-videos"
        videos = self.vendors_state / "videos"
        if videos.exists():
            shutil.rmtree(kept, ignore_errors=True)
            videos.rename(kept)
        shutil.rmtree(self.local, ignore_errors=True)
        self.make_folders()
        if kept.exists():
            kept.rename(videos)
        self.kills.mkdir()


@dataclass(frozen=True)
class Ground:
    """A running stack to play on."""

    workspace: ChaosWorkspace
    description: StackDescription
    http: httpx.Client

    @cached_property
    def aws(self) -> LocalAws:
        return LocalAws(self.description.aws_endpoint_url)

    @cached_property
    def resources(self) -> Mapping[str, str]:
        """What the template's logical names are called here."""
        pages = self.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=deployment.STACK_NAME)
        listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}

    @cached_property
    def scheduled(self) -> Sequence[str]:
        """The functions that a schedule calls."""
        found = []
        for rule in self.aws.events.list_rules()["Rules"]:
            if rule.get("ScheduleExpression"):
                targets = self.aws.events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                found += [target["Arn"] for target in targets if ":function:" in target["Arn"]]
        return found

    def hasten(self) -> None:
        """Does what the schedules do, which count in minutes."""
        for arn in self.scheduled:
            self.aws.lambda_.invoke(FunctionName=arn, InvocationType="Event", Payload=b"{}")

    def ask_vendors(self, path: str) -> httpx.Response:
        return self.http.get(f"{self.description.vendors_url}{path}", timeout=VENDOR_SECONDS).raise_for_status()

    def stop_and_start_emulator(self) -> None:
        """SIGTERM, which keeps its state; what runs in it ends there and then."""
        now = running.read(self.workspace)
        old = next(record for record in now.processes if record.name == emulator.NAME)
        processes.stop(old, patience_seconds=emulator.STOP_SECONDS)
        # Its workers' unpacked layers: to delete them, as a start does, takes a minute.
        scratch = self.workspace.emulator_state / "tmp"
        if scratch.exists():
            scratch.rename(self.workspace.local / "scratch-before-the-stop")
        environment = environments.ensure(self.workspace, Tool.EMULATOR, lambda _: None)
        new = emulator.start(self.workspace, environment, now.emulator_port)
        others = tuple(record for record in now.processes if record != old)
        running.write(self.workspace, replace(now, processes=(*others, new)))
        emulator.wait(self.workspace, new, now.emulator_port)


@contextmanager
def ground(workspace: ChaosWorkspace, progress: Progress) -> Iterator[Ground]:
    """A fresh stack with the offline vendors, whatever the environment says. Raises StackError."""
    for vendor in OFFLINE_KEYS:
        os.environ.pop(f"{vendor}_BASE_URL", None)
        os.environ.pop(f"{vendor}_API_KEY", None)
    os.environ.update({**PLACES, **os.environ, **VENDORS})
    stack.down(workspace)
    workspace.clear()
    description = stack.up(workspace, progress)
    try:
        with httpx.Client(trust_env=False, timeout=30) as http:
            found = Ground(workspace, description, http)
            _deploy_again(found, progress)
            _limit_workers(found)
            _redeliver_soon(found)
            _arm(found)
            yield found
    finally:
        stack.down(workspace)


def _deploy_again(found: Ground, progress: Progress) -> None:
    """The same build with the run's own parameters."""
    deployed = found.aws.cloudformation.describe_stacks(StackName=deployment.STACK_NAME)["Stacks"][0]["Parameters"]
    # SAM cannot be given an empty value; every parameter that may be empty is so by default.
    now = {given["ParameterKey"]: given["ParameterValue"] for given in deployed if given["ParameterValue"]}
    sam = environments.ensure(found.workspace, Tool.SAM, progress.note)
    deployment.deploy(found.workspace, sam, found.aws, {**now, **PARAMETERS})


def _limit_workers(found: Ground) -> None:
    for logical_name, name in found.resources.items():
        if logical_name.endswith("Function"):
            found.aws.lambda_.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=WORKERS_OF.get(logical_name, WORKERS)
            )


def _redeliver_soon(found: Ground) -> None:
    """An upload whose submission was lost comes again after minutes; that, too, is hastened."""
    queue = found.resources["InboxQueue"]
    found.aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": REDELIVERY_SECONDS})


def _arm(found: Ground) -> None:
    """Puts the killer on the path of some functions. It is nowhere in what is deployed."""
    for logical_name in KILLED:
        name = found.resources[logical_name]
        given = found.aws.lambda_.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        added = {"PYTHONPATH": str(Path(killer.__file__).parent), FOLDER_VARIABLE: str(found.workspace.kills)}
        found.aws.lambda_.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**given, **added}}
        )
