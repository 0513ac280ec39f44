"""Makes orders for a vendor: the request as that vendor is sent it, and its images where the vendor can fetch them."""

from collections.abc import Callable
from typing import Literal

import msgspec

from stillmotion.domain.job.records import Job, Still
from stillmotion.domain.routing import Route, ratio_to_send
from stillmotion.ports.objects import ObjectStore
from stillmotion.ports.vendor import Vendor, VendorOrder

Transfer = Literal["signed_url", "upload"]


class VendorOrderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor gets an image of our own buckets: by a signed URL that lives `input_url_seconds` seconds, or put
    into the vendor's own storage."""

    input_url_seconds: int = 21_600
    image_transfer: Transfer = "signed_url"


class VendorOrders:
    """Makes orders of jobs, and sketches of orders that are not sent."""

    def __init__(self, objects: ObjectStore, settings: VendorOrderSettings) -> None:
        self._objects = objects
        self._settings = settings

    @property
    def transfer(self) -> Transfer:
        return self._settings.image_transfer

    def ready(self, job: Job, route: Route, vendor: Vendor, webhook_url: str | None = None) -> VendorOrder:
        """An order to be sent. Hands images over to the vendor where that is how it gets them. Raises ReadFailed."""

        def handed_over(bucket: str, key: str, still: Still) -> str:
            image = b"".join(self._objects.chunks(bucket, key, still.version_id))
            return vendor.upload(image, still.media_type or "application/octet-stream", key.rpartition("/")[2])

        place = handed_over if self.transfer == "upload" else self._signed
        return VendorOrder(
            request=route.request,
            aspect_ratio=ratio_to_send(route, job.aspect_ratio),
            image_url=_address(job.still, place),
            end_image_url=_address(job.end_still, place),
            webhook_url=webhook_url,
        )

    def sketched(self, route: Route, aspect_ratio: str, still: Still | None, end_still: Still | None) -> VendorOrder:
        """An order to be looked at. Hands nothing over: an image that would be has its `s3://` address in it."""
        place = _named if self.transfer == "upload" else self._signed
        return VendorOrder(
            request=route.request,
            aspect_ratio=ratio_to_send(route, aspect_ratio),
            image_url=_address(still, place),
            end_image_url=_address(end_still, place),
        )

    def _signed(self, bucket: str, key: str, still: Still) -> str:
        seconds = self._settings.input_url_seconds
        # Of the type that its bytes were seen to be: what it was stored as, its uploader said.
        return self._objects.signed_get(
            bucket, key, seconds=seconds, version_id=still.version_id, content_type=still.media_type
        )


def _named(_bucket: str, _key: str, still: Still) -> str:
    return still.address


def _address(still: Still | None, place: Callable[[str, str, Still], str]) -> str | None:
    """Where the vendor finds an image; one that is not in our buckets is where the caller said."""
    if still is None or still.bucket is None or still.key is None:
        return still.address if still is not None else None
    return place(still.bucket, still.key, still)
