"""Takes in the images that a call names, before anything is paid for them.

However they are named, in the end they are objects of the input bucket, of which a vendor is given signed URLs: what
lies at somebody else's address may change, or answer the vendor otherwise. A picture from outside is kept under the
SHA-256 of its bytes, so that the same picture again is the same object.

InputUnreachable    an InvalidRequest: an image could not be read where the request says that it is
"""

import hashlib
from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from stillmotion.domain.identity import fingerprint
from stillmotion.domain.images import SUFFIX_OF_TYPE, Picture
from stillmotion.domain.job.records import Still
from stillmotion.domain.request import FieldError, InvalidRequest, Request, is_data_uri
from stillmotion.ports import Clock, StoreError
from stillmotion.ports.egress import Pictures, PictureUnreachable
from stillmotion.ports.objects import ObjectHead, ObjectMissing, ObjectPlace, ObjectStore
from stillmotion.services.intake import inspection
from stillmotion.services.intake.inbox import INBOX, UPLOADS

FETCH_SECONDS = 15.0
"""For all that one call has fetched: its caller waits 29 s at most, and the pictures are still to be stored."""


class InputUnreachable(InvalidRequest):
    """An image could not be read where the request says that it is."""


class ReceivedImage(msgspec.Struct, frozen=True):
    """A picture from outside: its bytes, and what they were seen to be."""

    image: bytes
    seen: Picture


class Unpacked(msgspec.Struct, frozen=True):
    """A request in which only `s3://` addresses and those outside stand, and what it had in their place, by field.

    A data URI gives way to the address that its picture gets: the same for the same bytes, stored already or not. A URL
    of the input bucket, whose signature is a secret and differs each time, gives way to the object that it leads to.
    """

    request: Request
    pictures: Mapping[str, ReceivedImage] = {}
    places: Mapping[str, ObjectPlace] = {}

    @property
    def fingerprint(self) -> str:
        """What tells it from other requests; one that is signed anew is the same."""
        versions = {
            field: f"{place.address}?versionId={place.version_id}"
            for field, place in self.places.items()
            if place.version_id is not None
        }
        return fingerprint(replace(self.request, **versions))


class OrderImages(msgspec.Struct, frozen=True):
    """The images of a call as they were read."""

    image: Still | None = None
    end_image: Still | None = None


class InputImages:
    """Takes pictures in.

    `pictures` gives the port when an address from outside comes; `place_of` tells which object of the input bucket a
    URL leads to, None for none.
    """

    def __init__(
        self,
        *,
        objects: ObjectStore,
        pictures: Callable[[], Pictures],
        place_of: Callable[[str], ObjectPlace | None],
        clock: Clock,
        input_bucket: str,
        inbox_tenant: str,
    ) -> None:
        self._objects = objects
        self._pictures = pictures
        self._place_of = place_of
        self._clock = clock
        self._input_bucket = input_bucket
        self._inbox_tenant = inbox_tenant

    def unpacked(self, tenant: str, request: Request) -> Unpacked:
        """Reads data URIs and URLs of the input bucket; looks at nothing that is not in the request.

        Raises InvalidRequest.
        """
        pictures: dict[str, ReceivedImage] = {}
        places: dict[str, ObjectPlace] = {}
        for field, address in _addresses(request).items():
            if is_data_uri(address):
                pictures[field] = _unpacked(address, field)
            elif place := self._place(address):
                places[field] = place
        named = {field: ObjectPlace(self._input_bucket, _key(tenant, picture)) for field, picture in pictures.items()}
        addresses = {field: place.address for field, place in {**named, **places}.items()}
        return Unpacked(replace(request, **addresses), pictures, places)

    def __call__(self, tenant: str, unpacked: Unpacked) -> OrderImages:
        """The images of a call, all of them objects of the input bucket now.

        Nothing is fetched before what is in the bucket was found good, and nothing stored before all was fetched.
        Raises InvalidRequest, or InputUnreachable; each names the field.
        """
        own = {field: self._placed(tenant, place, field) for field, place in unpacked.places.items()}
        outside = {
            field: address
            for field, address in _addresses(unpacked.request).items()
            if field not in own and field not in unpacked.pictures
        }
        for field, address in outside.items():
            self._check(address, field)
        pictures = {**unpacked.pictures, **self._fetched(outside)}
        stored = {field: self._stored(tenant, picture) for field, picture in pictures.items()}
        return OrderImages(**own, **stored)

    def sketched(self, tenant: str, field: str, address: str) -> Still:
        """An image as far as it can be told with nothing fetched or stored: one from outside is only named.

        Raises InvalidRequest, or InputUnreachable.
        """
        if is_data_uri(address):
            picture = _unpacked(address, field)
            return self._still(_key(tenant, picture), picture)
        place = self._place(address)
        if place is not None:
            return self._placed(tenant, place, field)
        self._check(address, field)
        return Still(address=address)

    def store_picture(self, tenant: str, image: bytes, field: str = "image") -> str:
        """Keeps a picture that came with a call; gives its `s3://` address. Raises InvalidRequest."""
        return self._stored(tenant, _received(image, field)).address

    def _place(self, address: str) -> ObjectPlace | None:
        return ObjectPlace.at(address) if address.startswith("s3://") else self._place_of(address)

    def _check(self, address: str, field: str) -> None:
        """Whether it may be fetched from. Raises InputUnreachable."""
        try:
            self._pictures().check(address)
        except PictureUnreachable as error:
            raise InputUnreachable(FieldError(field, str(error))) from error

    def _placed(self, tenant: str, place: ObjectPlace, field: str) -> Still:
        own = f"{UPLOADS}{tenant}/"
        prefixes = (own, INBOX) if tenant == self._inbox_tenant else (own,)
        try:
            return inspection.placed(self._objects, place, field, self._input_bucket, prefixes)
        except StoreError as error:
            if place.version_id is None:
                raise
            # The version comes from a URL that anybody can write: S3 refuses what can be none, and does not miss it.
            raise InputUnreachable(FieldError(field, "cannot be read in the input bucket")) from error

    def _fetched(self, addresses: Mapping[str, str]) -> dict[str, ReceivedImage]:
        began = self._clock.now()
        fetched: dict[str, bytes] = {}
        for field, address in addresses.items():
            if address in fetched:
                continue
            left = FETCH_SECONDS - (self._clock.now() - began).total_seconds()
            try:
                fetched[address] = self._pictures().fetch(address, left)
            except PictureUnreachable as error:
                raise InputUnreachable(FieldError(field, str(error))) from error
        return {field: _received(fetched[address], field) for field, address in addresses.items()}

    def _stored(self, tenant: str, picture: ReceivedImage) -> Still:
        key = _key(tenant, picture)
        try:
            head = self._objects.head(self._input_bucket, key)
        except ObjectMissing:
            self._objects.put_if_absent(self._input_bucket, key, picture.image, picture.seen.media_type)
            head = self._objects.head(self._input_bucket, key)
        return self._still(key, picture, head)

    def _still(self, key: str, picture: ReceivedImage, head: ObjectHead | None = None) -> Still:
        return Still(
            address=f"s3://{self._input_bucket}/{key}",
            bucket=self._input_bucket,
            key=key,
            version_id=head.version_id if head else None,
            etag=head.etag if head else None,
            checksum=head.checksum if head else None,
            media_type=picture.seen.media_type,
            bytes=len(picture.image),
            width=picture.seen.width,
            height=picture.seen.height,
        )


def _addresses(request: Request) -> dict[str, str]:
    named = {"image": request.image, "end_image": request.end_image}
    return {field: address for field, address in named.items() if address is not None}


def _unpacked(uri: str, field: str) -> ReceivedImage:
    from stillmotion.domain.data_uris import decoded  # noqa: PLC0415 - few calls have one

    return _received(decoded(uri, field), field)


def _received(image: bytes, field: str) -> ReceivedImage:
    return ReceivedImage(image, inspection.whole(image, field))


def _key(tenant: str, picture: ReceivedImage) -> str:
    digest = hashlib.sha256(picture.image).hexdigest()
    return f"{UPLOADS}{tenant}/{digest}{SUFFIX_OF_TYPE[picture.seen.media_type]}"
