"""Objects are found, read and written by the key that the user gave them."""

import base64
import zlib
from typing import Any, cast

import boto3
import pytest
import requests
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from tests.unit.aws.wire import (
    ACCESS_KEY_ID,
    NASTY_KEYS,
    REGION,
    SECRET_ACCESS_KEY,
    Sent,
    Wire,
    answer,
    answering,
    lose_once,
    markup,
)
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError, SSLError

from stillmotion.aws.clients import AwsClients, AwsError, AwsUnreachable
from stillmotion.aws.objects import (
    MAX_BODY_TRIES,
    PIECE_BYTES,
    S3ObjectStore,
    checksum_of,
    decoded_words,
    metadata_of,
)
from stillmotion.ports.objects import ObjectMissing

BUCKET = "photos"
# Moto answers neither of these as S3 does: a slash at the end, and a line's end.
KEYS = [key for key in NASTY_KEYS if not key.endswith("/") and "\n" not in key]


@pytest.fixture
def objects(clients: AwsClients, wire: Wire) -> S3ObjectStore:
    clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    wire.requests.clear()
    return S3ObjectStore(clients)


def put(objects: S3ObjectStore, key: str, body: bytes = b"bytes", **members: Any) -> str | None:
    """Puts an object there; gives its version."""
    return objects._clients.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **members).get("VersionId")


def keep_versions(objects: S3ObjectStore) -> None:
    objects._clients.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


# --- head ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ascii(key)[:24])
def test_an_object_is_found_by_the_key_that_it_was_given(objects: S3ObjectStore, key: str) -> None:
    put(objects, key, b"12345", ContentType="image/jpeg")

    head = objects.head(BUCKET, key)

    assert (head.bucket, head.key, head.bytes, head.content_type) == (BUCKET, key, 5, "image/jpeg")
    assert objects.keys(BUCKET, key[:3], 10) == [key]
    assert objects.read(BUCKET, key, length=100) == b"12345"


def test_the_etag_has_no_quotes(objects: S3ObjectStore) -> None:
    put(objects, "a", b"hello")

    assert objects.head(BUCKET, "a").etag == "5d41402abc4b2a76b9719d911017c592"


def test_an_absent_object_is_missing(objects: S3ObjectStore) -> None:
    with pytest.raises(ObjectMissing, match="s3://photos/nothing"):
        objects.head(BUCKET, "nothing")


def test_each_version_has_its_own_head(objects: S3ObjectStore) -> None:
    keep_versions(objects)
    first = put(objects, "a", b"1")
    put(objects, "a", b"22")

    assert objects.head(BUCKET, "a").bytes == 2
    assert objects.head(BUCKET, "a", first).bytes == 1
    assert objects.head(BUCKET, "a", first).version_id == first
    assert objects.read(BUCKET, "a", length=9, version_id=first) == b"1"


def test_an_objects_metadata_is_read(objects: S3ObjectStore) -> None:
    put(objects, "a", Metadata={"prompt": "a calm sea", "duration": "9"})

    assert objects.head(BUCKET, "a").metadata == {"prompt": "a calm sea", "duration": "9"}


def test_an_objects_checksum_is_asked_for_and_named(objects: S3ObjectStore, wire: Wire) -> None:
    digest = base64.b64encode(zlib.crc32(b"bytes").to_bytes(4, "big")).decode()
    put(objects, "a", ChecksumCRC32=digest, ChecksumAlgorithm="CRC32")

    head = objects.head(BUCKET, "a")

    assert wire.requests[-1].headers["x-amz-checksum-mode"] == "ENABLED"
    assert head.checksum == f"CRC32:{digest}"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"ChecksumCRC64NVME": "AAAAAAAAAAA=", "ChecksumType": "FULL_OBJECT"}, "CRC64NVME:AAAAAAAAAAA="),
        ({"ChecksumCRC32": "AAAAAA==", "ChecksumType": "COMPOSITE"}, None),
        ({"ChecksumSHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="},
         "SHA256:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="),
        ({"ChecksumSHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=-2"}, None),
        ({"ChecksumCRC32": "AAAAAA==", "ChecksumSHA256": "uU0="}, "SHA256:uU0="),
        ({"ETag": '"abc"'}, None),
    ],
    ids=["full", "composite", "untyped", "of parts", "strongest", "none"],
)  # fmt: skip
def test_a_checksum_counts_only_when_it_covers_the_whole_object(found: dict[str, str], expected: str | None) -> None:
    assert checksum_of(found) == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("=?UTF-8?B?TcO8bmNoZW4g8J+Yig==?=", "München 😊"),
        ("=?UTF-8?Q?M=C3=BCnchen_im_Mai?=", "München im Mai"),
        ("=?utf-8?q?caf=C3=A9?= =?utf-8?q?_noir?=", "café noir"),
        # One character, cut in two by the words that carry it.
        ("=?UTF-8?B?w?= =?UTF-8?B?vA==?=", "=?UTF-8?B?w?= =?UTF-8?B?vA==?="),
        ("=?UTF-8?Q?=C3?= =?UTF-8?Q?=BC?=", "ü"),
        ("is 1 =? 2", "is 1 =? 2"),
        ("=?no-such-charset?B?QQ==?=", "=?no-such-charset?B?QQ==?="),
        ("=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?="),
    ],
)
def test_metadata_beyond_ascii_is_decoded(raw: str, text: str) -> None:
    assert decoded_words(raw) == text
    assert metadata_of({"Prompt": raw}) == {"prompt": text}


def test_metadata_that_came_as_plain_utf8_is_read_too() -> None:
    as_http_reads_it = "Möwe".encode().decode("latin-1")

    assert metadata_of({"prompt": as_http_reads_it}) == {"prompt": "Möwe"}
    assert metadata_of({"prompt": "Möwe"}) == {"prompt": "Möwe"}


def test_a_deleted_version_is_missing() -> None:
    store = S3ObjectStore(answering(lambda _sent: answer(405)))

    with pytest.raises(ObjectMissing):
        store.head(BUCKET, "a", "deleted")


def test_a_forbidden_object_is_not_called_missing() -> None:
    store = S3ObjectStore(answering(lambda _sent: answer(403)))

    with pytest.raises(AwsError) as caught:
        store.head(BUCKET, "a")

    assert caught.value.status == 403


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_range_is_read_from_where_it_starts(objects: S3ObjectStore) -> None:
    put(objects, "a", b"0123456789")

    assert objects.read(BUCKET, "a", start=3, length=4) == b"3456"
    assert objects.read(BUCKET, "a", start=8, length=100) == b"89"


def test_beyond_the_end_there_is_nothing(objects: S3ObjectStore) -> None:
    put(objects, "a", b"0123")
    put(objects, "empty", b"")

    assert objects.read(BUCKET, "a", start=4, length=4) == b""
    assert objects.read(BUCKET, "empty", length=4) == b""
    assert list(objects.chunks(BUCKET, "empty")) == []


def test_an_empty_objects_range_is_not_satisfiable_at_s3() -> None:
    store = S3ObjectStore(answering(lambda _sent: markup("InvalidRange", 416)))

    assert store.read(BUCKET, "empty", length=10) == b""
    assert list(store.chunks(BUCKET, "empty")) == []


@pytest.mark.parametrize("size", [1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 7])
def test_chunks_are_the_whole_object_in_bounded_pieces(objects: S3ObjectStore, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    put(objects, "a", body[:size])

    pieces = list(objects.chunks(BUCKET, "a"))

    assert b"".join(pieces) == body[:size]
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_a_piece_that_is_lost_is_fetched_again(objects: S3ObjectStore, wire: Wire) -> None:
    put(objects, "a", b"x" * (PIECE_BYTES + 1))
    wire.after = lose_once("GetObject")

    assert sum(map(len, objects.chunks(BUCKET, "a"))) == PIECE_BYTES + 1


BREAKS = [
    ProtocolError("Connection broken"),
    ReadTimeoutError(cast("Any", None), "https://aws.example", "slow"),
    SSLError(),
]


class BreaksOff:
    """A body whose end does not come; the errors are those of the network below botocore."""

    def __init__(self, error: HTTPError) -> None:
        self._error = error
        self.was_closed = False

    def read(self, _length: int | None = None) -> bytes:
        raise self._error

    def close(self) -> None:
        self.was_closed = True


def breaking_off(error: HTTPError) -> AWSResponse:
    headers = {"content-length": "100", "etag": '"e"', "content-range": "bytes 0-99/100"}
    return AWSResponse("https://aws.example", 206, HTTPHeaders.from_dict(headers), BreaksOff(error))


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_body_that_breaks_off_is_fetched_again(objects: S3ObjectStore, wire: Wire, error: HTTPError) -> None:
    put(objects, "a", b"0123")
    turns = [breaking_off(error), breaking_off(error)]
    wire.before = lambda _sent: turns.pop() if turns else None

    assert objects.read(BUCKET, "a", length=4) == b"0123"


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_body_that_always_breaks_off_is_unreachable(error: HTTPError) -> None:
    turns = [breaking_off(error) for _ in range(MAX_BODY_TRIES)]

    with pytest.raises(AwsUnreachable):
        S3ObjectStore(answering(lambda _sent: turns.pop())).read(BUCKET, "a", length=4)

    assert turns == []


def test_an_object_that_is_replaced_while_it_is_read_is_missing(objects: S3ObjectStore) -> None:
    put(objects, "a", b"x" * (PIECE_BYTES + 1))
    chunks = objects.chunks(BUCKET, "a")
    next(chunks)
    put(objects, "a", b"y" * (PIECE_BYTES + 1))

    with pytest.raises(ObjectMissing, match="replaced"):
        next(chunks)


def test_reading_what_is_not_there_says_so(objects: S3ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        objects.read(BUCKET, "nothing", length=1)
    with pytest.raises(ObjectMissing):
        next(objects.chunks(BUCKET, "nothing"))


def test_an_absent_bucket_is_a_fault_not_a_missing_object(objects: S3ObjectStore) -> None:
    with pytest.raises(AwsError) as caught:
        objects.read("no-such-bucket", "a", length=1)

    assert caught.value.code == "NoSuchBucket"


# --- keys ------------------------------------------------------------------------------------------------------------


def test_keys_are_listed_in_order_up_to_a_limit(objects: S3ObjectStore) -> None:
    for key in ("b/2", "b/1", "a", "b/3"):
        put(objects, key)

    assert objects.keys(BUCKET, "b/", 2) == ["b/1", "b/2"]
    assert objects.keys(BUCKET, "c", 2) == []


def test_listed_keys_are_decoded_as_s3_encodes_them() -> None:
    body = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <EncodingType>url</EncodingType>
      <Contents><Key>my+holiday%2B1+%26+%F0%9F%98%80%01.jpg</Key><Owner><ID>1</ID></Owner></Contents>
      <Contents><Key>b</Key></Contents></ListBucketResult>"""
    seen: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        seen.append(sent)
        return answer(200, body)

    assert S3ObjectStore(answering(handle)).keys(BUCKET, "my h", 5) == ["my holiday+1 & 😀\x01.jpg", "b"]
    assert seen[0].query == {"list-type": "2", "encoding-type": "url", "max-keys": "5", "prefix": "my h"}


# --- addressing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bucket", "url"),
    [
        ("photos", "https://photos.s3.eu-central-1.amazonaws.com/a"),
        ("my.photos", "https://s3.eu-central-1.amazonaws.com/my.photos/a"),
    ],
)
def test_a_bucket_has_a_host_unless_its_name_has_dots(bucket: str, url: str) -> None:
    seen: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        seen.append(sent)
        return answer(200, headers={"content-length": "0", "etag": '"e"'})

    S3ObjectStore(answering(handle)).head(bucket, "a")

    assert seen[0].url == url


@pytest.mark.parametrize(
    ("bucket", "start"),
    [
        ("photos", "https://photos.s3.eu-central-1.amazonaws.com/a?"),
        ("my.photos", "https://s3.eu-central-1.amazonaws.com/my.photos/a?"),
    ],
)
def test_a_signed_url_names_the_region_of_its_bucket(clients: AwsClients, bucket: str, start: str) -> None:
    """The host without a region redirects for hours after a bucket is made, and a signature is good for one host."""
    objects = S3ObjectStore(clients)
    signed = [
        objects.signed_get(bucket, "a", seconds=60),
        objects.signed_head(bucket, "a", seconds=60),
        objects.signed_put(bucket, "a", seconds=60, content_type="image/png", content_length=3),
    ]

    assert [url.startswith(start) for url in signed] == [True] * 3


def test_a_server_on_this_machine_has_its_buckets_below_its_path() -> None:
    local = AwsClients(
        boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION), endpoint_url="http://127.0.0.1:4566"
    )

    assert S3ObjectStore(local).signed_get("photos", "a", seconds=60).startswith("http://127.0.0.1:4566/photos/a?")


def test_signed_urls_work_on_the_object(objects: S3ObjectStore) -> None:
    key = "my holiday+photo 😀.jpg"
    put_url = objects.signed_put(BUCKET, key, seconds=60, content_type="image/jpeg", content_length=3)

    sent = requests.put(put_url, data=b"abc", headers={"content-type": "image/jpeg"}, timeout=1)
    got = requests.get(objects.signed_get(BUCKET, key, seconds=60), timeout=1)
    called = requests.get(objects.signed_get(BUCKET, key, seconds=60, content_type="image/png"), timeout=1)

    assert sent.status_code == 200
    assert (got.content, got.headers["content-type"]) == (b"abc", "image/jpeg")
    assert (called.content, called.headers["content-type"]) == (b"abc", "image/png")
    assert objects.head(BUCKET, key).content_type == "image/jpeg"


def test_a_body_is_given_as_it_was_stored(objects: S3ObjectStore) -> None:
    put(objects, "a", b"\x1f\x8b not really gzip", ContentEncoding="gzip")

    assert objects.read(BUCKET, "a", length=100) == b"\x1f\x8b not really gzip"


# --- delete ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ascii(key)[:24])
def test_an_object_is_deleted_by_the_key_that_it_was_given_and_twice_is_once(objects: S3ObjectStore, key: str) -> None:
    put(objects, key)
    put(objects, "another")

    objects.delete(BUCKET, key)
    objects.delete(BUCKET, key)

    with pytest.raises(ObjectMissing):
        objects.head(BUCKET, key)
    assert objects.keys(BUCKET, "", 10) == ["another"]


def test_an_object_of_a_versioned_bucket_keeps_its_versions(objects: S3ObjectStore) -> None:
    keep_versions(objects)
    put(objects, "a", b"kept")
    version = objects.head(BUCKET, "a").version_id

    objects.delete(BUCKET, "a")

    assert objects.read(BUCKET, "a", length=10, version_id=version) == b"kept"
    with pytest.raises(ObjectMissing):
        objects.head(BUCKET, "a")
