"""The whole document."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from stillmotion.dialects import apiframe, catalogue, native, wavespeed
from stillmotion.dialects.apiframe.problems import ApiframeErrorView
from stillmotion.dialects.declared import Declared
from stillmotion.dialects.http import MAX_BODY_BYTES
from stillmotion.dialects.native.problems import ProblemView
from stillmotion.dialects.openapi import (
    declarations,
    examples,
    forms,
    gateway,
    models,
    outbound,
    records,
)
from stillmotion.dialects.openapi.models import Mode
from stillmotion.dialects.openapi.operation import JSON, Described
from stillmotion.dialects.openapi.schemas import Json
from stillmotion.dialects.wavespeed.problems import WavespeedErrorView

TAGS: Mapping[str, str] = {
    native.VIDEOS: "The native dialect, in the shape of OpenAI's Videos API.",
    native.OPERATIONS: "What a person does to a job.",
    native.WEBHOOKS: (
        "Where a tenant is told what becomes of its jobs; see also `callback_url` of an order. What is sent comes "
        "last. Answer it within ten seconds, and work afterwards. The same one may come twice, with the same "
        "`webhook-id`; those of one job come in order. It is signed by the scheme of Standard Webhooks "
        "(standardwebhooks.com) with the secret of `GET /v1/webhooks/secret`."
    ),
    native.SPENDING: "What was spent.",
    native.KEYS: "Who may call.",
    native.DEAD_LETTERS: "What could not be handled.",
    apiframe.TAG: "For Apiframe's clients: only the base URL and the key change.",
    wavespeed.TAG: "For WaveSpeed's clients: only the base URL and the key change.",
    native.VENDORS: "What the vendors themselves call.",
}
DESCRIPTION = f"""\
Stillmotion turns still images, or a prompt alone, into short videos, in three dialects. A job has one id, and can be
read in each of them.

**A first video.** Order it with a photo; the answer has an `id`, which goes where `ID` stands. Look every five seconds
until `status` is `completed`, which takes a minute or two, or `failed`: then `error` says why. Then fetch it. Whoever
installed the stack has a key, and makes others.

```sh
export STILLMOTION_API_KEY=sm_…

curl -X POST 'BASE_URL/v1/videos' \\
  -H "Authorization: Bearer $STILLMOTION_API_KEY" \\
  -F 'prompt=The boats begin to sway' -F 'image=@photo.jpg'

curl 'BASE_URL/v1/videos/ID' \\
  -H "Authorization: Bearer $STILLMOTION_API_KEY"

curl -L -o video.mp4 'BASE_URL/v1/videos/ID/content' \\
  -H "Authorization: Bearer $STILLMOTION_API_KEY"
```

**Keys.** Send one as `Authorization: Bearer` or as `X-API-Key`. Each operation names the scope that it takes; a key
with `admin` does everything. Jobs, lists and spending are those of the key's tenant: what is another's is not there.

**Limits.** A body is at most {MAX_BODY_BYTES:,} bytes; the gateway itself refuses what is larger than it can hand
over. Larger images are put straight into the bucket, by the URL that an upload call gives.

**Methods.** HEAD is answered as GET is, without the body. What an address does not take is answered 405, with `Allow`.

**Names.** Every answer but the gateway's own has `x-request-id`, the call's name in the log.

**The gateway's own answers** have the form {{"message": …}}: 404 outside `/v1`, `/v2` and `/api/v3`, 413, 429 when
everybody together calls too often, 500 and 503 when a function could not answer.
"""


ERRORS: Sequence[type[BaseModel]] = (ProblemView, ApiframeErrorView, WavespeedErrorView)
"""What dialects answer in place of what was asked for."""


def operations(declared: Sequence[Declared] | None = None) -> Sequence[Described]:
    """Every route, in the order of its tag."""
    order = list(TAGS)
    found = map(declarations.described, catalogue.declared() if declared is None else declared)
    return sorted(found, key=lambda operation: order.index(operation.tag))


def schemas(declared: Sequence[Declared]) -> dict[str, Json]:
    """What bodies and answers name."""
    of_errors: list[tuple[type[BaseModel], Mode]] = [(kind, "serialization") for kind in ERRORS]
    own = models.components([*declarations.kinds(declared), *of_errors])
    parts = (records, outbound, gateway)
    found = own | {name: schema for part in parts for name, schema in part.components().items()}
    return found | {forms.NAME: forms.video_form(found["VideoOrder"])}


def document(base_url: str, declared: Sequence[Declared] | None = None) -> Json:
    """The OpenAPI document of the API at `base_url`; of every declared route, unless these are given."""
    routes = catalogue.declared() if declared is None else declared
    paths: dict[str, Json] = {}
    for operation in operations(routes):
        paths.setdefault(operation.path, {})[operation.method] = _with_examples(operation)
    found = schemas(routes)
    found |= {name: {**found[name], "examples": [error]} for name, error in examples.errors().items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stillmotion",
            "version": "1",
            "summary": "Still images into short videos, each paid for once.",
            "description": DESCRIPTION.replace("BASE_URL", base_url),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "webhooks": outbound.webhooks(),
        "components": {
            "schemas": dict(sorted(found.items())),
            "examples": examples.components(base_url),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _with_examples(operation: Described) -> Json:
    """The operation object, with examples of what goes well."""
    described = operation.as_openapi()
    answers: dict[str, Json] = described["responses"]
    well = {status: _exemplified(answers[status], operation.examples) for status in map(str, operation.answers)}
    return {**described, "responses": {**answers, **well}}


def _exemplified(answer: Json, names: Sequence[str]) -> Json:
    content = answer.get("content", {})
    if not names or JSON not in content:
        return answer
    return {**answer, "content": {**content, JSON: {**content[JSON], "examples": examples.named(*names)}}}
