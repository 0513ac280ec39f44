"""Images of a call: from the bucket, from its signed URLs, from the web, from the call itself."""

import hashlib
from base64 import b64encode
from typing import Any

import pytest
from tests.fakes import Died, FaultPlan, InMemoryObjectStore, ScriptedPictures
from tests.stills import image
from tests.unit.services.test_calls import call
from tests.world import BUCKET, World

from stillmotion.domain.job.records import Still
from stillmotion.domain.request import InvalidRequest
from stillmotion.ports import StoreError
from stillmotion.services.intake.input_images import FETCH_SECONDS, InputUnreachable
from stillmotion.services.intake.repetitions import KeyReused

URL = "https://pictures.example/lake.jpg?signature=1"
OTHER = "https://pictures.example/sea.png"
LAKE, SEA = image("JPEG", 200, 320), image("PNG", 400, 300)


def kept(body: bytes, suffix: str = ".jpg", tenant: str = "default") -> str:
    """The key that a picture is kept under."""
    return f"uploads/{tenant}/{hashlib.sha256(body).hexdigest()}{suffix}"


def data_uri(body: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(body).decode()}"


def own_url(key: str, version: str = "") -> str:
    return f"https://{BUCKET}.s3.eu-central-1.amazonaws.com/{key}?X-Amz-Signature=1{version}"


@pytest.fixture
def world() -> World:
    return World(pictures=ScriptedPictures({URL: LAKE, OTHER: SEA}))


def still_of(world: World, address: str, tenant: str = "default") -> Still:
    still = call(world, tenant=tenant, image=address).still
    assert still is not None
    return still


# --- from the web


def test_a_picture_from_the_web_is_kept_in_the_input_bucket_and_the_job_points_there(world: World) -> None:
    still = still_of(world, URL)
    assert (still.address, still.bucket, still.key) == (f"s3://{BUCKET}/{kept(LAKE)}", BUCKET, kept(LAKE))
    assert (still.version_id, still.media_type, still.bytes) == ("v1", "image/jpeg", len(LAKE))
    assert world.objects.body(BUCKET, kept(LAKE)) == LAKE


def test_its_dimensions_decide_the_shape(world: World) -> None:
    assert call(world, image=URL).aspect_ratio == "9:16"


def test_the_request_keeps_the_address_as_it_was_written(world: World) -> None:
    job = call(world, image=URL)
    assert job.request is not None
    assert job.request.image == URL


def test_both_images_are_fetched(world: World) -> None:
    job = call(world, image=URL, end_image=OTHER)
    assert job.end_still is not None
    assert job.end_still.key == kept(SEA, ".png")
    assert [url for url, _ in world.pictures.asked] == [URL, OTHER]


def test_one_address_for_both_images_is_fetched_once(world: World) -> None:
    job = call(world, image=URL, end_image=URL)
    assert job.still == job.end_still
    assert len(world.pictures.asked) == 1


def test_the_same_picture_again_is_the_same_version_of_the_same_object(world: World) -> None:
    assert still_of(world, URL) == still_of(world, URL)
    assert len(world.objects.versions[BUCKET, kept(LAKE)]) == 1


def test_another_tenants_picture_is_an_object_of_its_own(world: World) -> None:
    assert still_of(world, URL, tenant="acme").key == kept(LAKE, tenant="acme")
    assert world.objects.all_keys(BUCKET) == [kept(LAKE, tenant="acme")]


def test_a_picture_that_another_call_keeps_at_the_same_time_is_taken_as_it_is(world: World) -> None:
    put = world.objects.put_if_absent

    def another_was_first(bucket: str, key: str, body: bytes, content_type: str) -> bool:
        world.objects.put(bucket, key, body, content_type)
        return put(bucket, key, body, content_type)

    world.objects.put_if_absent = another_was_first  # type: ignore[method-assign]
    assert still_of(world, URL).version_id == "v1"


def test_the_images_of_a_call_share_its_time(world: World) -> None:
    world.pictures.clock, world.pictures.takes_seconds = world.clock, 4.0
    call(world, image=URL, end_image=OTHER)
    assert [seconds for _, seconds in world.pictures.asked] == [FETCH_SECONDS, FETCH_SECONDS - 4]


def test_a_picture_that_cannot_be_fetched_is_told_by_its_field(world: World) -> None:
    world.pictures.served[OTHER] = "could not be fetched: its server is too slow"
    with pytest.raises(InputUnreachable) as unreachable:
        call(world, image=URL, end_image=OTHER)
    assert [(error.field, error.rule) for error in unreachable.value.errors] == [
        ("end_image", "could not be fetched: its server is too slow")
    ]
    assert (world.jobs.all(), world.objects.all_keys(BUCKET)) == ([], [])


@pytest.mark.parametrize(
    ("served", "told"),
    [
        (b"", "image: must not be empty"),
        (b"<html>not a picture, whatever its name says</html>", "image: must be a JPEG, PNG or WebP"),
        (b"GIF89a" + bytes(100), "image: must be a JPEG, PNG or WebP"),
        (LAKE[:100], "image: must be a whole image"),
        (image("PNG", 32, 32), "image: must be 64 to 16384 pixels"),
    ],
)
def test_what_is_fetched_is_believed_by_its_bytes_alone_and_not_kept_otherwise(
    world: World, served: bytes, told: str
) -> None:
    world.pictures.served[URL] = served
    with pytest.raises(InvalidRequest, match=f"^{told}"):
        call(world, image=URL)
    assert world.objects.all_keys(BUCKET) == []


# --- in what order


def test_a_repeated_key_fetches_nothing_again(world: World) -> None:
    first = call(world, key="k", image=URL)
    world.pictures.served.clear()
    assert call(world, key="k", image=URL).id == first.id
    assert len(world.pictures.asked) == 1


def test_a_client_that_tries_again_by_itself_has_nothing_fetched_again(world: World) -> None:
    first = call(world, retry_count=0, image=URL)
    assert call(world, retry_count=1, image=URL).id == first.id
    assert len(world.pictures.asked) == 1


def test_a_key_that_was_used_with_another_body_fetches_nothing(world: World) -> None:
    call(world, key="k")
    with pytest.raises(KeyReused):
        call(world, key="k", image=URL)
    assert world.pictures.asked == []


def test_nothing_is_fetched_for_what_no_vendor_makes(world: World) -> None:
    with pytest.raises(InvalidRequest, match="duration"):
        call(world, image=URL, duration=10, loop=True)
    assert world.pictures.asked == []


@pytest.mark.parametrize(
    "bad",
    [
        f"s3://{BUCKET}/uploads/default/gone",
        own_url("uploads/default/gone"),
        "https://refused.example/a.jpg",
        data_uri(b"?"),
    ],
)
@pytest.mark.parametrize(("good_field", "bad_field"), [("image", "end_image"), ("end_image", "image")])
def test_nothing_is_fetched_while_the_other_image_is_known_to_be_bad(
    world: World, bad: str, good_field: str, bad_field: str
) -> None:
    world.pictures.refused = {"https://refused.example/a.jpg"}
    given = {good_field: URL, bad_field: bad}
    with pytest.raises(InvalidRequest, match=f"^{bad_field}: "):
        call(world, image=given["image"], end_image=given["end_image"])
    assert world.pictures.asked == []


def test_an_address_that_is_never_fetched_is_told_by_its_field(world: World) -> None:
    world.pictures.refused = {URL}
    with pytest.raises(InputUnreachable, match=r"^image: must be elsewhere$"):
        call(world, image=URL)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 4))
def test_a_call_that_dies_while_it_keeps_a_picture_is_made_good_by_its_repetition(
    world: World, dies_at: int, *, after: bool
) -> None:
    world.objects = InMemoryObjectStore(faults=FaultPlan(dies_at=dies_at, after=after))
    with pytest.raises(Died):
        call(world, key="k", image=URL)
    still = call(world, key="k", image=URL).still
    assert still is not None
    assert (still.version_id, world.workflow.started) == ("v1", [f"{world.jobs.only().id}-1"])


# --- in the call itself


def test_a_data_uri_is_kept_in_the_input_bucket_and_fetches_nothing(world: World) -> None:
    assert still_of(world, data_uri(LAKE)).key == kept(LAKE)
    assert world.objects.body(BUCKET, kept(LAKE)) == LAKE
    assert world.pictures.asked == []


def test_a_data_uri_is_in_no_record(world: World) -> None:
    job = call(world, image=data_uri(LAKE))
    assert job.request is not None
    assert job.request.image == f"s3://{BUCKET}/{kept(LAKE)}"


def test_a_data_uri_has_the_type_of_its_bytes(world: World) -> None:
    assert still_of(world, data_uri(SEA)).media_type == "image/png"


def test_a_repeated_key_with_the_same_data_uri_is_the_same_call(world: World) -> None:
    first = call(world, key="k", image=data_uri(LAKE))
    calls = len(world.objects.faults.calls)
    assert call(world, key="k", image=data_uri(LAKE)).id == first.id
    assert len(world.objects.faults.calls) == calls


def test_a_repeated_key_with_another_data_uri_is_another_body(world: World) -> None:
    call(world, key="k", image=data_uri(LAKE))
    with pytest.raises(KeyReused):
        call(world, key="k", image=data_uri(SEA))


def test_a_data_uri_of_no_picture_is_refused_and_not_shown(world: World) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        call(world, image=data_uri(b"some text that is no image"))
    assert str(invalid.value) == "image: must be a JPEG, PNG or WebP image: its bytes are none of these"


def test_a_picture_that_came_as_a_file_is_kept_the_same_way(world: World) -> None:
    address = world.submit_call.store_picture("acme", SEA)
    assert address == f"s3://{BUCKET}/{kept(SEA, '.png', 'acme')}"
    assert still_of(world, address, tenant="acme").media_type == "image/png"


def test_a_file_that_is_no_picture_is_not_kept(world: World) -> None:
    with pytest.raises(InvalidRequest, match=r"^input_reference: must be a JPEG"):
        world.submit_call.store_picture("acme", b"%PDF-1.7", "input_reference")
    assert world.objects.all_keys(BUCKET) == []


# --- the bucket's own URLs


def test_the_buckets_own_url_is_the_object_that_it_leads_to(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/a b.jpg", LAKE)
    still = still_of(world, own_url("uploads/default/a%20b.jpg"))
    assert (still.address, still.version_id) == (f"s3://{BUCKET}/uploads/default/a b.jpg", "v1")
    assert world.pictures.asked == []


def test_a_signature_of_the_bucket_is_in_no_record(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", LAKE)
    job = call(world, image=own_url("uploads/default/x"), end_image=own_url("uploads/default/x", "&versionId=v1"))
    assert job.request is not None
    assert (job.request.image, job.request.end_image) == (f"s3://{BUCKET}/uploads/default/x",) * 2


def test_a_repeated_key_with_a_url_that_is_signed_anew_is_the_same_call(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", LAKE)
    addresses = own_url("uploads/default/x"), own_url("uploads/default/x").replace("Signature=1", "Signature=2")
    first, second = (call(world, key="k", image=address) for address in addresses)
    assert first.id == second.id


def test_a_repeated_key_with_another_version_is_another_body(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", LAKE)
    world.objects.put(BUCKET, "uploads/default/x", SEA)
    call(world, key="k", image=own_url("uploads/default/x", "&versionId=v1"))
    with pytest.raises(KeyReused):
        call(world, key="k", image=own_url("uploads/default/x", "&versionId=v2"))


def test_the_version_that_a_url_names_is_the_one_that_is_taken(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/a.jpg", LAKE)
    world.objects.put(BUCKET, "uploads/default/a.jpg", SEA)
    still = still_of(world, own_url("uploads/default/a.jpg", "&versionId=v1"))
    assert (still.version_id, still.media_type) == ("v1", "image/jpeg")


@pytest.mark.parametrize("key", ["uploads/other/a.jpg", "uploads/default", "videos/a.jpg", "inbox/a.jpg", ""])
def test_a_signature_opens_nothing_that_the_tenant_may_not_name(world: World, key: str) -> None:
    world.objects.put(BUCKET, key, LAKE)
    with pytest.raises(InvalidRequest, match=r"^image: must be an object that this key may read"):
        call(world, image=own_url(key), tenant="acme")
    assert world.pictures.asked == []


def test_a_version_that_is_not_there_is_told(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/a.jpg", LAKE)
    with pytest.raises(InvalidRequest, match=r"^image: does not exist"):
        call(world, image=own_url("uploads/default/a.jpg", "&versionId=gone"))


def test_a_version_that_the_store_takes_for_none_is_unreachable(world: World) -> None:
    def refused(*_: object) -> None:
        raise StoreError("400")

    world.objects.head = refused  # type: ignore[assignment,method-assign]
    with pytest.raises(InputUnreachable, match=r"^image: cannot be read in the input bucket$"):
        call(world, image=own_url("uploads/default/a.jpg", "&versionId=%00"))


# --- as far as it can be told beforehand


@pytest.mark.parametrize("address", [URL, data_uri(LAKE)])
def test_a_look_beforehand_fetches_and_keeps_nothing(world: World, address: str) -> None:
    assert world.submit_call.still("default", "image", address) is not None
    assert (world.pictures.asked, world.objects.all_keys(BUCKET)) == ([], [])


def test_a_look_beforehand_tells_where_a_picture_would_be_kept(world: World) -> None:
    still = world.submit_call.still("default", "image", data_uri(LAKE))
    assert still is not None
    assert (still.key, still.width, still.version_id) == (kept(LAKE), 200, None)


# --- sidecars


@pytest.mark.parametrize("address", [data_uri(LAKE), "http://127.0.0.1:4001/a.jpg"])
def test_a_sidecar_names_no_image_that_would_have_to_be_taken_in(world: World, address: str) -> None:
    world.objects.put(BUCKET, "inbox/a.json", f'{{"prompt": "a lake", "end_image": "{address}"}}'.encode())
    assert world.drop("inbox/a.jpg").result == "failed"
    failure = world.jobs.only().failure
    assert failure is not None
    assert failure.message == "end_image: must be an https:// URL or s3://bucket/key here"


def test_a_sidecars_https_end_image_is_named_to_the_vendor_as_before(world: World) -> None:
    world.objects.put(BUCKET, "inbox/a.json", f'{{"prompt": "a lake", "end_image": "{URL}"}}'.encode())
    assert world.drop("inbox/a.jpg").result == "started"
    assert (world.jobs.only().end_still, world.pictures.asked) == (Still(address=URL), [])


def test_a_sidecars_signed_url_of_the_bucket_is_the_object_that_it_leads_to(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", SEA)
    address = own_url("uploads/default/x")
    world.objects.put(BUCKET, "inbox/a.json", f'{{"prompt": "a lake", "end_image": "{address}"}}'.encode())
    assert world.drop("inbox/a.jpg").result == "started"
    job = world.jobs.only()
    assert job.request is not None
    assert job.end_still is not None
    assert (job.request.end_image, job.end_still.version_id) == (f"s3://{BUCKET}/uploads/default/x", "v1")


def test_a_sidecars_end_image_at_an_address_that_is_never_fetched_is_refused(world: World) -> None:
    world.pictures.refused = {OTHER}
    world.objects.put(BUCKET, "inbox/a.json", f'{{"prompt": "a lake", "end_image": "{OTHER}"}}'.encode())
    assert world.drop("inbox/a.jpg").result == "failed"
    failure = world.jobs.only().failure
    assert failure is not None
    assert failure.message.startswith("end_image: ")


UP = "../../../x"


@pytest.mark.parametrize("address", [f"s3://{BUCKET}/uploads/default/{UP}", own_url(f"uploads/default/{UP}")])
@pytest.mark.parametrize("field", ["image", "end_image"])
def test_a_key_that_leads_up_its_folders_is_refused_before_the_store_is_asked(
    world: World, address: str, field: str
) -> None:
    # FAULTS T4: S3 answers 400 without a reason, which was a 500.
    world.objects.put(BUCKET, "uploads/default/a", LAKE)
    named: Any = {"image": f"s3://{BUCKET}/uploads/default/a", field: address}
    with pytest.raises(InvalidRequest, match=f"{field}: must name an object without"):
        call(world, **named)


@pytest.mark.parametrize("name", ["./a", "a/.", "a/./b", "..", "a/../b"])
def test_a_key_whose_url_would_lead_elsewhere_is_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidRequest, match="must name an object without"):
        still_of(world, f"s3://{BUCKET}/uploads/default/{name}")


@pytest.mark.parametrize("name", ["a..b", ".a", "...", "a."])
def test_points_within_a_name_are_no_folders(world: World, name: str) -> None:
    world.objects.put(BUCKET, f"uploads/default/{name}", LAKE)
    assert still_of(world, f"s3://{BUCKET}/uploads/default/{name}").key == f"uploads/default/{name}"
