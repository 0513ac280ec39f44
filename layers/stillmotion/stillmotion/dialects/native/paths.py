"""Variables in the paths of the native dialect."""

from http import HTTPStatus
from typing import Annotated

from stillmotion.dialects.declared import InPath
from stillmotion.dialects.http import Problem

JOB_ID = "6a6f6204-1c2d-8e3f-8a4b-5c6d7e8f9a0b"
KEY_ID = "0123456789ab"
_ID_OF_A_JOB = "The id of a job; it is the same in every dialect."

JobIdInPath = Annotated[
    str, InPath(name="id", schema={"type": "string", "format": "uuid"}, example=JOB_ID, description=_ID_OF_A_JOB)
]
KeyIdInPath = Annotated[
    str,
    InPath(name="id", schema={"type": "string", "format": "key-id"}, example=KEY_ID, description="The id of a key."),
]
DeliveryIdInPath = Annotated[
    str,
    InPath(
        name="id",
        schema={"type": "string", "format": "delivery-id"},
        example="e-1",
        description="The id of a delivery: that of its event.",
    ),
]


def no_such_video() -> Problem:
    """What an id is answered that is no job of the caller's."""
    return Problem(HTTPStatus.NOT_FOUND, "video_not_found", "There is no video with this id.")
