"""What `POST /v2/videos/generate` is sent.

What may come here is what Apiframe's OpenAPI allows for `luma-ray-flash-2`, with two exceptions that would end in a
failure later: an address that is not fetched here, and `loop` together with `end_image`, which its schema allows and
Luma refuses.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from annotated_types import MinLen
from pydantic import BeforeValidator, Field

from stillmotion.dialects.apiframe.views import MODEL, Model
from stillmotion.dialects.apiframe.zod import ZodModel, each_of
from stillmotion.dialects.models import JsonBody
from stillmotion.domain.request import MAX_ADDRESS, AspectRatio, Callback, Concept, FieldError, Request
from stillmotion.edge.request import EXAMPLE_IMAGE, LOOP_RULE, CallbackUrl, ImageAddress, PromptText

WebhookEvent = Literal["progress", "completed", "failed"]
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f\x7f]+")
_HIERARCHIC = ("http", "https", "ftp", "ws", "wss")


def _uri(value: object) -> object:
    if isinstance(value, str) and not _is_uri(value):
        raise ValueError("Invalid url")
    return value


def _is_uri(text: str) -> bool:
    if _URI.fullmatch(text) is None:
        return False
    if text.partition(":")[0].lower() not in _HIERARCHIC:
        return True
    try:
        # urlsplit keeps what it has read: of a longer address, which another rule refuses, it reads no more than that.
        return bool(urlsplit(text[:MAX_ADDRESS]).netloc)
    except ValueError:
        return False


Image = Annotated[ImageAddress, BeforeValidator(_uri)]


# Its fields are those of a request, by their names there; an alias is what Apiframe calls one.
class ApiframeLumaParams(ZodModel):
    """How the video is made."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "not": {"properties": {"loop": {"const": True}}, "required": ["loop", "end_image"]}
    }

    duration: Literal[5, 9] = 5
    aspect_ratio: AspectRatio | None = None
    image: Annotated[Image | None, Field(alias="start_image")] = None
    end_image: Image | None = None
    loop: bool = False
    concepts: Annotated[list[Concept], BeforeValidator(each_of(Concept)), Field(default_factory=list)]

    def contradictions(self, wrong: Collection[str]) -> Iterator[FieldError]:
        if self.loop and ("end_image" in self.model_fields_set or "end_image" in wrong):
            yield FieldError("loop", f"{LOOP_RULE[0].upper()}{LOOP_RULE[1:]}")


class ApiframeOrder(ZodModel, JsonBody):
    """What a video is to be."""

    EXAMPLES: ClassVar[dict[str, object]] = {
        "of_a_prompt": {"model": MODEL, "prompt": "Slow push in over a mountain lake at dawn"},
        "of_an_image": {
            "model": MODEL,
            "prompt": "The boats begin to sway",
            "lumaParams": {"start_image": EXAMPLE_IMAGE, "duration": 9, "concepts": ["push_in"]},
            "webhookUrl": "https://shop.example/videos",
            "webhookEvents": ["completed", "failed"],
        },
    }

    model: Model
    prompt: PromptText
    luma_params: Annotated[ApiframeLumaParams, Field(alias="lumaParams", default_factory=ApiframeLumaParams)]
    webhook_url: Annotated[Annotated[CallbackUrl, BeforeValidator(_uri)] | None, Field(alias="webhookUrl")] = None
    webhook_events: Annotated[
        list[WebhookEvent],
        MinLen(1),
        BeforeValidator(each_of(WebhookEvent)),
        Field(alias="webhookEvents", default_factory=list),
    ]

    def request(self) -> Request:
        """What is wanted; all fields are right. A word that comes twice means the same as once."""
        given: dict[str, Any] = {name: getattr(self.luma_params, name) for name in self.luma_params.model_fields_set}
        given["concepts"] = tuple(dict.fromkeys(self.luma_params.concepts))
        return Request(prompt=self.prompt, callback=self._callback, **given)

    @property
    def _callback(self) -> Callback | None:
        if self.webhook_url is None:
            return None
        return Callback(url=self.webhook_url, dialect="apiframe", events=tuple(dict.fromkeys(self.webhook_events)))


PATH_OF_FIELD: Mapping[str, str] = {
    name: f"lumaParams.{field.alias or name}" for name, field in ApiframeLumaParams.model_fields.items()
}
"""Where a field of a request stands in a body."""
