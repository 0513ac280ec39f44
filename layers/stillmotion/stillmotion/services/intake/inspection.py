"""Looks at an input image in the bucket before anything is paid for it."""

import hashlib
from collections.abc import Callable

from stillmotion.domain.images import LAST_BYTES, MAX_BYTES, Picture, announced_bytes, has_end, is_whole, picture
from stillmotion.domain.job.records import Still
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.ports.objects import ObjectHead, ObjectMissing, ObjectPlace, ObjectStore

FindStill = Callable[[str, str, str], Still]
"""From a tenant, a field and the address in it, the still as far as it can be told with nothing fetched or stored.

Raises InvalidRequest.
"""

# Dimensions stand in the first kilobytes, unless a camera put previews and profiles before them.
_READS = (64 * 1024, 1024 * 1024, 4 * 1024 * 1024)
_NOT_WHOLE = "must be a whole image: its dimensions cannot be read"
_CUT_OFF = "must be a whole image: it breaks off before its end"


def checksum(objects: ObjectStore, head: ObjectHead) -> str:
    """S3's checksum of the full object, or the SHA-256 of its bytes where S3 keeps none.

    An ETag is no checksum: it differs under KMS and for multipart uploads. Too large to be taken, it is enough to
    tell one upload from another.
    """
    if head.checksum is not None:
        return head.checksum
    if head.bytes > MAX_BYTES:
        return f"ETAG:{head.etag}"
    digest = hashlib.sha256()
    for chunk in objects.chunks(head.bucket, head.key, head.version_id):
        digest.update(chunk)
    return f"SHA256:{digest.hexdigest()}"


def inspect(objects: ObjectStore, head: ObjectHead, field: str) -> Still:
    """The still at `head`, sniffed by range reads at both ends. Raises InvalidRequest that names `field`."""
    if head.bytes == 0:
        raise InvalidRequest(FieldError(field, "must not be empty"))
    if head.bytes > MAX_BYTES:
        raise InvalidRequest(FieldError(field, f"must be at most {MAX_BYTES} bytes: it has {head.bytes}"))
    seen, first_bytes = _look(objects, head, field)
    if not _is_whole(objects, head, seen.media_type, first_bytes):
        raise InvalidRequest(FieldError(field, _CUT_OFF))
    return Still(
        address=f"s3://{head.bucket}/{head.key}",
        bucket=head.bucket,
        key=head.key,
        version_id=head.version_id,
        etag=head.etag,
        checksum=head.checksum,
        media_type=seen.media_type,
        bytes=head.bytes,
        width=seen.width,
        height=seen.height,
    )


def whole(image: bytes, field: str) -> Picture:
    """What an image is whose bytes are all here. Raises InvalidRequest that names `field`."""
    if not image:
        raise InvalidRequest(FieldError(field, "must not be empty"))
    if len(image) > MAX_BYTES:
        raise InvalidRequest(FieldError(field, f"must be at most {MAX_BYTES} bytes: it has {len(image)}"))
    seen = picture(image, field)
    if seen is None:
        raise InvalidRequest(FieldError(field, _NOT_WHOLE))
    if not is_whole(seen.media_type, image):
        raise InvalidRequest(FieldError(field, _CUT_OFF))
    return seen


def placed(objects: ObjectStore, place: ObjectPlace, field: str, bucket: str, prefixes: tuple[str, ...]) -> Still:
    """The still at a place in `bucket` below one of the prefixes. Raises InvalidRequest that names `field`."""
    if place.bucket != bucket or not place.key.startswith(prefixes):
        raise InvalidRequest(FieldError(field, "must be an object that this key may read in the input bucket"))
    if not {".", ".."}.isdisjoint(place.key.split("/")):
        # S3 refuses some of these; of all others, clients of URLs ask for another object.
        raise InvalidRequest(FieldError(field, "must name an object without . or .. between its slashes"))
    try:
        head = objects.head(bucket, place.key, place.version_id)
    except ObjectMissing as missing:
        raise InvalidRequest(FieldError(field, "does not exist in the input bucket")) from missing
    return inspect(objects, head, field)


def _look(objects: ObjectStore, head: ObjectHead, field: str) -> tuple[Picture, bytes]:
    """What it is, and the bytes that told so."""
    for length in _READS:
        first_bytes = objects.read(head.bucket, head.key, length=length, version_id=head.version_id)
        seen = picture(first_bytes, field)
        if seen is not None:
            return seen, first_bytes
        if length >= head.bytes:
            break
    raise InvalidRequest(FieldError(field, _NOT_WHOLE))


def _is_whole(objects: ObjectStore, head: ObjectHead, kind: str, first_bytes: bytes) -> bool:
    announced = announced_bytes(kind, first_bytes)
    if announced is not None:
        return head.bytes >= announced
    if len(first_bytes) == head.bytes:
        return is_whole(kind, first_bytes)
    last_bytes = objects.read(
        head.bucket, head.key, start=head.bytes - LAST_BYTES, length=LAST_BYTES, version_id=head.version_id
    )
    return has_end(kind, last_bytes) or is_whole(kind, b"".join(objects.chunks(head.bucket, head.key, head.version_id)))
