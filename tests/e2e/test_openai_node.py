"""The unmodified `openai` package for Node on the local stack. Its scripts run in a process of their own."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import LocalStack, play
from tests.stills import image

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "openai_node"
LOCK = "package-lock.json"
OLDEST_NODE = 20
PATIENCE_SECONDS = 240


def _missing() -> str | None:
    """Why the tests cannot run here."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "node and npm are not on the PATH"
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    return None if int(version[1:].split(".")[0]) >= OLDEST_NODE else f"node is older than {OLDEST_NODE}: {version}"


MISSING = _missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture(scope="session")
def package() -> Path:
    """The folder with the client, as the lock file pins it; made once."""
    folder = ROOT / ".cache" / "openai-node"
    locked = (PACKAGE / LOCK).read_bytes()
    stamp = folder / ".lock-sha256"
    wanted = hashlib.sha256(locked).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", LOCK):
            shutil.copy(PACKAGE / name, folder)
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, check=True, cwd=folder, capture_output=True, timeout=PATIENCE_SECONDS)  # noqa: S603
        stamp.write_text(wanted)
    return folder


def ran(package: Path, name: str, source: str, folder: Path, **environment: str) -> str:
    """What a script prints. It lies beside the client, where Node looks for it, and runs in `folder`."""
    script = package / name
    script.write_text(source, encoding="utf-8")
    node = shutil.which("node") or "node"
    done = subprocess.run(  # noqa: S603
        [node, str(script)], cwd=folder, env={"PATH": os.environ["PATH"], **environment}, check=False,
        capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def minted(local: LocalStack, **wish: Any) -> str:
    answer = local.api("POST", "/v1/keys", json={"name": "node", **wish})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    key: str = answer.json()["key"]
    return key


def unreadable(local: LocalStack) -> str:
    """A key whose record is broken."""
    key = "sm_" + "n" * 43
    digest = hashlib.sha256(key.encode()).hexdigest()
    item = {"pk": {"S": f"key#{digest}"}, "kind": {"S": "key"}}
    local.aws.dynamodb.put_item(TableName=local.description.jobs_table, Item=item)
    return key


@pytest.fixture(scope="module")
def told(local: LocalStack, package: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of the calls; the video lies at `video`."""
    folder = tmp_path_factory.mktemp("node")
    photo, video = folder / "photo.jpg", folder / "video.mp4"
    photo.write_bytes(image("JPEG", 640, 360))
    printed = ran(
        package,
        "calls.mjs",
        (PACKAGE / "calls.mjs").read_text(encoding="utf-8"),
        folder,
        API=local.description.api_url,
        KEY=minted(local, tenant="node"),
        ONLY_READS=minted(local, scopes=["read"]),
        ONE_A_MINUTE=minted(local, rate_per_minute=1),
        UNREADABLE=unreadable(local),
        PHOTO=str(photo),
        VIDEO=str(video),
    )
    answer: dict[str, Any] = json.loads(printed)
    return {**answer, "video": video.read_bytes()}


def test_a_file_becomes_a_video_and_is_downloaded(told: dict[str, Any]) -> None:
    made = told["made"]
    assert (made["status"], made["progress"], made["model"]) == ("completed", 100, "luma-ray-2-flash")
    film = play(told["video"])
    assert (film.codec, film.width, film.height, round(film.seconds)) == ("h264", 1280, 720, 5)
    assert made["job"]["video"]["sha256"] == hashlib.sha256(told["video"]).hexdigest()


def test_our_own_fields_stand_beside_the_others(told: dict[str, Any]) -> None:
    request = told["made"]["job"]["request"]
    assert (request["metadata"], request["concepts"]) == ({"order": "81"}, ["push_in", "low_angle"])
    assert request["vendor"] == "apiframe"


def test_an_image_may_be_named(told: dict[str, Any]) -> None:
    assert told["named"]["job"]["still"]["width"] == 640


def test_lists_go_on_page_by_page_in_both_orders(told: dict[str, Any]) -> None:
    assert told["newestFirst"] == told["oldestFirst"][::-1]
    assert told["oldestFirst"] == [told["made"]["id"], told["named"]["id"], told["deleted"]["id"]]


def test_a_video_is_deleted(told: dict[str, Any]) -> None:
    assert (told["deleted"]["object"], told["deleted"]["deleted"]) == ("video.deleted", True)


@pytest.mark.parametrize(
    ("name", "raised"),
    [
        ("bad_prompt", ("BadRequestError", 400, "invalid_request", "prompt")),
        ("bad_seconds", ("BadRequestError", 400, "invalid_request", "seconds")),
        ("bad_key", ("AuthenticationError", 401, "invalid_api_key", None)),
        ("bad_scope", ("PermissionDeniedError", 403, "insufficient_scope", None)),
        ("absent", ("NotFoundError", 404, "video_not_found", None)),
        ("deleted", ("NotFoundError", 404, "video_not_found", None)),
        ("remix", ("NotFoundError", 404, "not_found", None)),
        ("spritesheet", ("NotFoundError", 404, "variant_not_made", None)),
        ("conflict", ("ConflictError", 409, "idempotency_key_reused", None)),
        ("unreachable", ("UnprocessableEntityError", 422, "input_unreachable", "input_reference")),
        ("hasty", ("RateLimitError", 429, "rate_limit_exceeded", None)),
        ("unavailable", ("InternalServerError", 503, "unavailable", None)),
    ],
)
def test_what_goes_wrong_raises_the_clients_own(told: dict[str, Any], name: str, raised: tuple[object, ...]) -> None:
    found = told["errors"][name]
    assert (found["raised"], found.get("status"), found.get("code"), found.get("param")) == raised


def test_the_lines_of_the_documentation_run_as_they_are_printed(
    local: LocalStack, package: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"```javascript\n(.*?)```", page, re.DOTALL)
    (tmp_path / "photo.jpg").write_bytes(image("JPEG"))
    given = "const { api, key } = process.env;\n"
    ran(package, "lines.mjs", given + printed, tmp_path, api=local.description.api_url, key=local.description.api_key)
    assert play((tmp_path / "video.mp4").read_bytes()).codec == "h264"
