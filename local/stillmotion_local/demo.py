"""`make demo`: from nothing to a video, on the real way. Stops the stack again if it started it.

The picture and the prompt come from the environment (STILLMOTION_DEMO_IMAGE, STILLMOTION_DEMO_PROMPT), where make
puts them as they were typed.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from stillmotion_local import stack
from stillmotion_local.failures import StackError
from stillmotion_local.sample_picture import hang_sample
from stillmotion_local.status import StatusTable
from stillmotion_local.workspace import Workspace, find_workspace

PROMPT = "A slow push in over the lake while the sun goes down"
INTERRUPTED = 130


def main() -> None:
    console = Console(stderr=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        workspace = find_workspace()
        image = _picture(workspace, os.environ.get("STILLMOTION_DEMO_IMAGE", ""))
        prompt = os.environ.get("STILLMOTION_DEMO_PROMPT", "") or PROMPT
        with _running_stack(workspace, console):
            _generate(workspace, image, prompt)
    except StackError as error:
        console.print(error.message, style="red", markup=False, highlight=False)
        console.print(error.next_step, markup=False, highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started is stopped.")
        sys.exit(INTERRUPTED)


def _picture(workspace: Workspace, wanted: str) -> Path:
    """The picture that was named, or a painted one. Raises StackError when there is none of that name."""
    if wanted:
        image = Path(wanted).expanduser().absolute()
        if not image.is_file():
            raise StackError(f"There is no picture {wanted}.", next_step="Give one: make demo IMAGE=photo.jpg")
        return image
    workspace.make_folders()
    return hang_sample(workspace)


@contextmanager
def _running_stack(workspace: Workspace, console: Console) -> Iterator[None]:
    """The stack that runs already, or one for as long as it is needed."""
    if stack.is_up(workspace):
        console.print("Using the local stack that is running.")
        yield
        return
    with StatusTable(console) as table:
        stack.up(workspace, table)
    try:
        yield
    finally:
        stack.down(workspace)


def _generate(workspace: Workspace, image: Path, prompt: str) -> None:
    """Lets the `generate` command do it, which shows how it goes on and prints the video's path last.

    Raises StackError.
    """
    video = workspace.local / f"{image.stem}.mp4"
    command = [str(Path(sys.executable).with_name("stillmotion")), "generate", str(image)]
    command += ["--prompt", prompt, "-o", str(video)]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 - an argument list, no shell
        raise StackError(
            "The video was not made.", next_step=f"The stack's logs are in {workspace.shown(workspace.logs)}."
        )


if __name__ == "__main__":
    main()
