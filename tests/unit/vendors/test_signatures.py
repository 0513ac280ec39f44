"""Signatures of webhooks. The expected ones were computed with `openssl dgst -sha256 -mac HMAC`, not with this code."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from stillmotion.vendors.signatures import Forged, VendorWebhook, apiframe_delivery, wavespeed_delivery

API_KEY = "afk_test_4f1d"
SECRET = "whsec_dGhpcyBpcyB0ZXh0"
APIFRAME_BODY = b'{"jobId": "job-7", "status": "COMPLETED"}'
WAVESPEED_BODY = b'{"id": "task-7", "status": "completed"}'
BY_RAW_DIGEST = "56456daa859fd64c866e1ec9e961ea6ba83b89214d5d72f98a248d4f8cd64770"
BY_HEX_DIGEST = "ac2525c5c6b91c5b9aaf56ff14f6bd3d729db58c05e69f724698187346dfcadd"
BY_SECRET = "ec878477e24615543bcfbb8cf32886f16237c7d8febbde1ec28be392a4153021"
SENT = datetime.fromtimestamp(1_769_850_942, UTC)
DELIVERY = VendorWebhook("delivery-1", "task-7")


def apiframe(signature: str, body: bytes = APIFRAME_BODY, keys: tuple[str | None, ...] = (API_KEY,)) -> VendorWebhook:
    return apiframe_delivery({"x-webhook-signature": signature}, body, keys)


def wavespeed(
    changed: Mapping[str, str] | None = None,
    *,
    body: bytes = WAVESPEED_BODY,
    secrets: tuple[str | None, ...] = (SECRET,),
    late: float = 0,
) -> VendorWebhook:
    headers = {
        "webhook-id": "delivery-1",
        "webhook-timestamp": "1769850942",
        "webhook-signature": f"v3,{BY_SECRET}",
        **(changed or {}),
    }
    return wavespeed_delivery(headers, body, secrets, SENT + timedelta(seconds=late))


@pytest.mark.parametrize("signature", [BY_RAW_DIGEST, BY_HEX_DIGEST])
def test_apiframe_may_read_its_key_either_way(signature: str) -> None:
    assert apiframe(f"sha256={signature}").generation_id == "job-7"


def test_the_same_bytes_of_apiframe_are_the_same_delivery() -> None:
    assert apiframe(f"sha256={BY_RAW_DIGEST}").id == apiframe(f"sha256={BY_HEX_DIGEST}").id


@pytest.mark.parametrize("keys", [("afk_new", API_KEY), (API_KEY, "afk_old"), (None, "", API_KEY)])
def test_old_and_new_keys_of_apiframe_are_valid_together(keys: tuple[str | None, ...]) -> None:
    assert apiframe(f"sha256={BY_RAW_DIGEST}", keys=keys).generation_id == "job-7"


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256", BY_RAW_DIGEST, f"sha1={BY_RAW_DIGEST}", f"sha256={BY_RAW_DIGEST.upper()}",
     f"sha256={BY_RAW_DIGEST[:-1]}", f"sha256={BY_RAW_DIGEST}0", "sha256=é", f"sha256={'0' * 64}"],
)  # fmt: skip
def test_any_other_signature_of_apiframe_is_forged(signature: str) -> None:
    with pytest.raises(Forged):
        apiframe(signature)


def test_a_webhook_without_a_signature_is_forged() -> None:
    with pytest.raises(Forged):
        apiframe_delivery({}, APIFRAME_BODY, (API_KEY,))
    with pytest.raises(Forged):
        wavespeed_delivery({}, WAVESPEED_BODY, (SECRET,), SENT)


def test_another_body_is_forged() -> None:
    with pytest.raises(Forged):
        apiframe(f"sha256={BY_RAW_DIGEST}", APIFRAME_BODY + b" ")
    with pytest.raises(Forged):
        wavespeed(body=WAVESPEED_BODY + b" ")


@pytest.mark.parametrize("keys", [(), (None,), ("",), (None, "")])
def test_with_no_key_every_webhook_is_forged(keys: tuple[str | None, ...]) -> None:
    # What anybody could compute: an HMAC whose key comes from an empty text.
    with pytest.raises(Forged):
        apiframe("sha256=724060488f35348fe34d3ff36e9213e01ad3dc25c0d33dc2d076a524289bcf41", keys=keys)
    with pytest.raises(Forged):
        wavespeed(
            {"webhook-signature": "v3,07cf29cc796acbdc2049a27385405940512bc1e12e210549bc40a617dafa8e0d"},
            secrets=(*keys, "whsec_"),
        )


def test_wavespeeds_secret_is_used_as_text_without_its_prefix() -> None:
    assert wavespeed() == DELIVERY


@pytest.mark.parametrize("secrets", [("whsec_new", SECRET), (SECRET, "whsec_old"), (None, SECRET)])
def test_old_and_new_secrets_of_wavespeed_are_valid_together(secrets: tuple[str | None, ...]) -> None:
    assert wavespeed(secrets=secrets) == DELIVERY


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_wavespeed_may_be_five_minutes_off(late: float) -> None:
    assert wavespeed(late=late) == DELIVERY


@pytest.mark.parametrize("late", [-301, 301, 86_400])
def test_a_stale_webhook_of_wavespeed_is_forged(late: float) -> None:
    with pytest.raises(Forged):
        wavespeed(late=late)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "delivery-2"}, {"webhook-id": ""}, {"webhook-id": "x" * 201},
        {"webhook-timestamp": "1769850943"}, {"webhook-timestamp": ""}, {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1769850942.0"}, {"webhook-timestamp": "-1"}, {"webhook-timestamp": "١٧٦٩٨٥٠٩٤٢"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": BY_SECRET}, {"webhook-signature": f"v2,{BY_SECRET}"}, {"webhook-signature": "v3,"},
        {"webhook-signature": f"v3,{'0' * 64}"}, {"webhook-signature": ""},
    ],
)  # fmt: skip
def test_any_other_header_of_wavespeed_is_forged(changed: Mapping[str, str]) -> None:
    with pytest.raises(Forged):
        wavespeed(changed)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (b"not json", "83e094e23ba1efc3e326e9b677dd3297d540195f7cadd31e2b3dcb6882756483"),
        (b"[]", "f91066d13d1e089b459f09afd197ece6e1e4a9c56fd187071dc0fd3ffbae3ed8"),
        (b'{"status": "COMPLETED"}', "05db7c422dc17d022ba6498328d2546ccd6a664373610f39332ab5c28089b984"),
        (b'{"jobId": "../../me"}', "c3d7e9dd9e1e2861521fd1e216c5ecde378d7419223c55a1ad9403dbb950cd7f"),
        (b"\xff\xfe", "b281f5af76224e95d8cae9c6554ad6be6fb1ac609ce90f028e78762cd953cbef"),
    ],
)
def test_a_signed_body_that_names_no_generation_is_of_no_use(body: bytes, signature: str) -> None:
    with pytest.raises(Forged, match="names no"):
        apiframe(f"sha256={signature}", body)


def test_apiframe_may_call_the_generation_by_either_name() -> None:
    assert (
        apiframe(
            "sha256=aed2bd8db1e0faceef9af21bfb3754a4812c61f9cf5fa9991387a43e297e12c3", b'{"id": "job-8"}'
        ).generation_id
        == "job-8"
    )
