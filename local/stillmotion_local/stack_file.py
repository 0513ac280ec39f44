"""`.local/stack.json`: what a running stack tells everybody who wants to use it."""

import json
from dataclasses import asdict, dataclass

from stillmotion_local.failures import StackError
from stillmotion_local.workspace import Workspace, write_private


@dataclass(frozen=True, slots=True)
class StackDescription:
    """A running stack. `api_url` has no `/v1`; `vendors_url` is None where real vendors answer."""

    aws_endpoint_url: str
    region: str
    api_url: str
    api_key: str
    input_bucket: str
    output_bucket: str
    jobs_table: str
    state_machine_arn: str
    vendors_url: str | None


def write(workspace: Workspace, description: StackDescription) -> None:
    write_private(workspace.stack_file, json.dumps(asdict(description), indent=2) + "\n")


def read(workspace: Workspace) -> StackDescription:
    """Raises StackError when no stack runs."""
    if not workspace.stack_file.exists():
        raise StackError("No local stack is running.", next_step="Start one: stillmotion local up --detach")
    try:
        return StackDescription(**json.loads(workspace.stack_file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise StackError(
            f"{workspace.shown(workspace.stack_file)} cannot be read: {error}.",
            next_step="Start the stack again: `stillmotion local down`, then `stillmotion local up --detach`",
        ) from error
