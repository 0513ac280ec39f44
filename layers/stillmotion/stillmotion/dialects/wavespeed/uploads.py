"""How an image gets into the bucket before it is ordered with: by a signed PUT, or by a form.

Sources: wavespeed-python (client.py).
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import Field

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest
from stillmotion.dialects.models import Address, JsonBody, ResponseModel
from stillmotion.dialects.multipart import MEDIA_TYPE, ONE_FILE_SCHEMA, FormFile, form_of
from stillmotion.dialects.wavespeed import TAG, UNKNOWN_PARAMETER, WAVESPEED
from stillmotion.dialects.wavespeed.views import Envelope
from stillmotion.domain.access import Scope
from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE, MediaType
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.edge.fields import Rule
from stillmotion.ports.objects import ObjectPlace, ObjectStore
from stillmotion.services.intake.api_orders import SubmitApiOrder

DOWNLOAD_SECONDS = 3600
"""How long the URL of an upload lives. As the `image` of an order it is known by its object, after its end too."""
MAX_FILENAME = 1024
UNKNOWN_TYPE = "application/octet-stream"
"""Of a file that is known by its bytes alone, when it is ordered."""
NoType = Literal["application/octet-stream", ""]
AlsoJpeg = Literal["image/jpg", "image/pjpeg"]
_TYPE_OF_SUFFIX: Mapping[str, str] = {suffix: kind for kind, suffix in SUFFIX_OF_TYPE.items()} | dict.fromkeys(
    (".jpeg", ".jpe", ".jfif"), "image/jpeg"
)


class WavespeedUploadRequest(JsonBody):
    """A file that is to be put."""

    UNKNOWN = UNKNOWN_PARAMETER
    EXAMPLES: ClassVar[dict[str, object]] = {"a_photo": {"filename": "lake.jpg", "size": 2_500_000}}

    filename: Annotated[str, MinLen(1), MaxLen(MAX_FILENAME)]
    size: Annotated[int, Ge(1), Le(MAX_BYTES), Rule(f"must be a number of bytes from 1 to {MAX_BYTES}")]
    content_type: Annotated[
        MediaType | AlsoJpeg | NoType | None,
        Field(description="By the name, where it is left out; unknown, where the name does not say it."),
    ] = None

    @property
    def media_type(self) -> str:
        """Clients leave the type out where they cannot know it, of a stream or a rare suffix."""
        if self.content_type in get_args(AlsoJpeg):
            return "image/jpeg"
        if self.content_type is not None and self.content_type not in get_args(NoType):
            return self.content_type
        dot, suffix = self.filename.rpartition(".")[1:]
        return _TYPE_OF_SUFFIX.get(f"{dot}{suffix.lower()}", UNKNOWN_TYPE)


class WavespeedUploadPlace(ResponseModel):
    """A signed PUT."""

    method: Literal["PUT"] = "PUT"
    url: Address
    headers: dict[str, str]


class WavespeedUploadData(ResponseModel):
    """Where a file may be put, and what an order names it by."""

    upload: WavespeedUploadPlace
    download_url: Address


class WavespeedUpload(Envelope[WavespeedUploadData]):
    """A place for a file in the envelope."""


class WavespeedBinaryUploadData(ResponseModel):
    """A picture that was kept; `size` is in bytes."""

    type: Literal["image"] = "image"
    download_url: Address
    filename: str
    size: int


class WavespeedBinaryUpload(Envelope[WavespeedBinaryUploadData]):
    """A kept picture in the envelope."""


class WavespeedUploads(Feature):
    """What takes images."""

    TAG = TAG
    DIALECT = WAVESPEED
    FUNCTION = "submit"

    def __init__(self, submit: SubmitApiOrder, objects: ObjectStore) -> None:
        self._submit = submit
        self._objects = objects

    @operation(
        "POST",
        "/api/v3/media/uploads",
        operation_id="wavespeedUpload",
        summary="Get a place to put an image",
        scope=Scope.WRITE,
        description="PUT the file to the URL with the headers, then order with the `download_url`.",
        errors=(400, 413),
        examples=("WavespeedUpload",),
    )
    def ticket(self, request: HttpRequest, body: WavespeedUploadRequest) -> WavespeedUpload:
        made = self._submit.ticket(request.tenant, body.media_type, body.size)
        # Without a length: clients set it by themselves, and browsers let no script set it.
        place = WavespeedUploadPlace(url=made.url, headers={"Content-Type": body.media_type})
        return WavespeedUpload(data=WavespeedUploadData(upload=place, download_url=self._url(made.image)))

    @operation(
        "POST",
        "/api/v3/media/upload/binary",
        operation_id="wavespeedUploadBinary",
        summary="Upload an image",
        scope=Scope.WRITE,
        description="A form with one file. It is at most 4.5 MB.",
        errors=(400, 413, 415),
        bodies={MEDIA_TYPE: ONE_FILE_SCHEMA},
        examples=("WavespeedBinaryUpload",),
    )
    def binary(self, request: HttpRequest) -> WavespeedBinaryUpload:
        file = _file(request)
        url = self._url(self._submit.store_picture(request.tenant, file.content, "file"))
        kept = WavespeedBinaryUploadData(download_url=url, filename=file.name, size=len(file.content))
        return WavespeedBinaryUpload(data=kept)

    def _url(self, address: str) -> str:
        place = ObjectPlace.at(address)
        return self._objects.signed_get(place.bucket, place.key, seconds=DOWNLOAD_SECONDS)


def _file(request: HttpRequest) -> FormFile:
    """The one file of a form. Raises Problem, InvalidRequest."""
    files = form_of(request).files.get("file", ())
    if len(files) != 1:
        raise InvalidRequest(FieldError("file", "must be one file"))
    return files[0]
