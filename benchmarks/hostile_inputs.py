"""What calls and objects cost that were made to hurt: CPU, and bytes of the answer.

The functions that hold a key, a secret, the table or a vendor's address are called as the composition root makes them,
over ports in memory: the API in its three dialects, the route of the vendors' webhooks, and images that are dropped
into the inbox with sidecars and metadata. Bodies, forms, paths, queries and headers have up to a megabyte, and bodies
what fits into an event of Lambda's. The least CPU time of a few runs counts. Ends with 1 when a case costs more than
100 ms, is answered with more than 64 KB, or is answered by an exception.

    python -m benchmarks.hostile_inputs [--only WORD] [--rows 5]
"""

import argparse
import base64
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from benchmarks.hostile_cases import CALLS, MEGABYTE, Sent, jpegs, sidecars, texts
from rich.console import Console
from rich.table import Table
from tests.contract.openapi.stage import ADMIN_KEY, VENDOR_KEYS, Stage
from tests.stills import image
from tests.unit.dialects.calling import context
from tests.unit.dialects.stack import install, template
from tests.world import BUCKET

from stillmotion import composition
from stillmotion.aws.objects import metadata_of
from stillmotion.dialects.native.paths import JOB_ID
from stillmotion.services.intake.inbox import MAX_SETTINGS_BYTES

MAX_MILLISECONDS = 100
MAX_ANSWER_BYTES = 64 * 1024
MAX_RUNS = 4
MAX_METADATA_BYTES = 2048
"""S3's bound on an object's own metadata."""
KEYLESS = ("/openapi.json", "/docs")
"""What is the same for everybody, whatever is sent."""

Handler = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Cost:
    """What one case came to."""

    group: str
    name: str
    where: str
    milliseconds: float
    answer_bytes: int
    said: str

    @property
    def is_bad(self) -> bool:
        is_large = self.answer_bytes > MAX_ANSWER_BYTES and self.group != "documents"
        return self.milliseconds > MAX_MILLISECONDS or is_large or not self.said.isdecimal() or self.said == "500"


def main() -> int:
    """Calls everything, and prints what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases with this word in their group or name")
    parser.add_argument("--rows", type=int, default=5, help="the dearest of each group that are shown")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    costs = [cost for cost in measured() if given.only in f"{cost.group} {cost.name}"]
    console = Console(width=150)
    shown = [
        cost for group in dict.fromkeys(cost.group for cost in costs) for cost in _dearest(costs, group, given.rows)
    ]
    console.print(_table(f"The dearest of {len(costs)} cases", shown))
    bad = [cost for cost in costs if cost.is_bad]
    if bad:
        console.print(_table(f"{len(bad)} beyond {MAX_MILLISECONDS} ms or {MAX_ANSWER_BYTES} bytes", bad))
    return 1 if bad else 0


def _dearest(costs: list[Cost], group: str, rows: int) -> list[Cost]:
    return sorted((cost for cost in costs if cost.group == group), key=lambda cost: -cost.milliseconds)[:rows]


def _table(title: str, costs: list[Cost]) -> Table:
    table = Table("of", "case", "where", "CPU ms", "answer bytes", "said", title=title, title_justify="left")
    for cost in costs:
        table.add_row(
            cost.group, cost.name, cost.where, f"{cost.milliseconds:.1f}", f"{cost.answer_bytes:,}", cost.said
        )
    return table


def measured() -> Iterator[Cost]:
    """Every case of every group."""
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage()
        install(patch, lambda: stage)
        patch.setattr(composition, "_signing_keys", lambda: VENDOR_KEYS)
        handlers = _handlers()
        for route, handler in handlers.items():
            handler(_event(route, Sent("a call")))
        for group, make in CALLS.items():
            for sent in make():
                for route in _fitting(handlers, sent):
                    event = _event(route, sent)
                    yield _cost(group, sent.name, route, partial(handlers[route], event))
        yield from _of_inbox(stage)


def _handlers() -> Mapping[str, Handler]:
    """What answers each route of the template."""
    functions: Mapping[str, Handler] = {
        "SubmitIntegration": composition.submit_api.__wrapped__(),
        "ReadIntegration": composition.read_api.__wrapped__(),
        "OperateIntegration": composition.operate_api.__wrapped__(),
        "WebhookIntegration": composition.webhooks.__wrapped__(lambda _address, _nudged: None),
    }
    routes = [route["Properties"] for route in template().of_type("AWS::ApiGatewayV2::Route").values()]
    return {
        route["RouteKey"]: next(handler for name, handler in functions.items() if name in str(route["Target"]))
        for route in routes
        if not route["RouteKey"].startswith(("HEAD ", "OPTIONS "))
    }


def _fitting(handlers: Mapping[str, Handler], sent: Sent) -> Iterator[str]:
    for route in handlers if sent.routes is None else sent.routes:
        takes_body = route.startswith(("POST ", "PUT "))
        if (sent.body is None or takes_body) and (sent.segment is None or "{" in route) and route in handlers:
            yield route


def _event(route: str, sent: Sent) -> Mapping[str, Any]:
    method, _, path = route.partition(" ")
    names = [part.strip("{}+") for part in path.split("/") if part.startswith("{")]
    usual = {"id": JOB_ID, "vendor": "wavespeed", "attempt": "1", "proxy": "no/such/path"}
    variables = {name: usual.get(name, "a") if sent.segment is None else sent.segment for name in names}
    is_encoded = isinstance(sent.body, bytes) or "x-claims" in sent.headers
    return {
        "version": "2.0",
        "routeKey": route,
        "headers": {"authorization": f"Bearer {ADMIN_KEY}", **sent.headers},
        "pathParameters": variables or None,
        "queryStringParameters": dict(sent.query) or None,
        "requestContext": context(route, method="PATCH" if method == "ANY" else method),
        "isBase64Encoded": is_encoded,
        "body": base64.b64encode(sent.body).decode() if isinstance(sent.body, bytes) else sent.body,
    }


def _of_inbox(stage: Stage) -> Iterator[Cost]:
    """Images in the inbox, with what lies beside them."""
    take_in, objects = stage.world.submit_upload, stage.world.objects
    number = 0

    def dropped(still: bytes, metadata: Mapping[str, str], beside: Mapping[str, bytes]) -> Callable[[], Any]:
        def drop() -> Any:  # noqa: ANN401 - what comes of it is shown
            nonlocal number
            number += 1
            key = f"inbox/{number}/photo.jpg"
            for name, body in beside.items():
                objects.put(BUCKET, f"inbox/{number}/{name}", body)
            # Another name each time is another job.
            head = objects.put(BUCKET, key, still, "image/jpeg", metadata)
            return lambda: [submitted.result for submitted in take_in(BUCKET, key, head.version_id)]

        return drop

    photo = image()
    for kind, body in sidecars(MAX_SETTINGS_BYTES):
        for name in ("photo.json", "_defaults.json"):
            yield _cost("inbox", f"{name}: {kind}", "SubmitUpload", dropped(photo, {}, {name: body}), is_made=True)
    for kind, text in texts(MAX_METADATA_BYTES).items():
        metadata = dict.fromkeys(("prompt", "concepts", "duration", "size", "loop", "end-image"), text)
        drop = dropped(photo, metadata_of(metadata), {})
        yield _cost("inbox", f"metadata of {kind}", "SubmitUpload", drop, is_made=True)
        yield _cost("inbox", f"a header of {kind}", "metadata_of", partial(metadata_of, metadata))
    for kind, body in jpegs(20 * MEGABYTE):
        drop = dropped(body, {"prompt": "a"}, {})
        yield _cost("inbox", f"a JPEG of {kind}", "SubmitUpload", drop, is_made=True)


def _cost(group: str, name: str, where: str, call: Callable[[], Any], *, is_made: bool = False) -> Cost:
    """The least of a few runs; one that is far from the bound is enough. `is_made` where the call has to be made."""
    least, answer = float("inf"), None
    for _ in range(MAX_RUNS):
        run = call() if is_made else call
        began = time.process_time()
        try:
            answer = run()
        except Exception as error:  # noqa: BLE001 - what it is, is told
            answer = type(error).__name__
        least = min(least, (time.process_time() - began) * 1000)
        if least < MAX_MILLISECONDS / 2:
            break
    if isinstance(answer, dict) and "statusCode" in answer:
        length = len(json.dumps(answer))
        is_document = any(path in where for path in KEYLESS)
        return Cost("documents" if is_document else group, name, where, least, length, str(answer["statusCode"]))
    return Cost(group, name, where, least, 0, "0" if isinstance(answer, list | dict) else str(answer))


if __name__ == "__main__":
    sys.exit(main())
