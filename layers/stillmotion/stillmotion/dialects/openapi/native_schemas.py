"""What the other dialects' schemas take over from the native ones."""

from stillmotion.dialects.native.order_body import VideoOrder
from stillmotion.dialects.openapi import models
from stillmotion.dialects.openapi.schemas import Json
from stillmotion.edge.request import CALLBACK_SCHEMA, IMAGE_SCHEMA

IMAGE: Json = IMAGE_SCHEMA
CALLBACK_URL: Json = CALLBACK_SCHEMA


def video_order() -> Json:
    """The JSON body that orders a video."""
    return models.components([(VideoOrder, "validation")])["VideoOrder"]
