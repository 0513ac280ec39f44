"""What an answer to WaveSpeed's POST proves. There are no keys here: nothing unanswered may be sent again."""

from collections.abc import Callable

import httpx
import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.ports.vendor import Accepted, Envelope, NotSent, Refused, Unanswered
from stillmotion.vendors.wavespeed import WaveSpeedVendor

WaveSpeed = Callable[..., WaveSpeedVendor]


def test_the_key_goes_out_as_a_bearer_and_no_idempotency_key_does(
    wavespeed: WaveSpeed, sent: list[httpx.Request], envelope: Envelope
) -> None:
    wavespeed(httpx.Response(200, json={"data": {"id": "t1"}})).submit(envelope, "key-1")
    assert sent[0].headers["Authorization"] == "Bearer ws_0123456789abcdef"
    assert "Idempotency-Key" not in sent[0].headers


def test_the_webhook_query_goes_out_as_it_was_composed(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    path = "/api/v3/luma/ray-2-flash-i2v?webhook=https%3A%2F%2Fa.test%2Fh%3Fjob%3D1%26t%3D%252F%2B"
    wavespeed(httpx.Response(200, json={})).submit(Envelope(path, "{}"), "k")
    assert sent[0].url.raw_path == path.encode()


def test_a_task_id_is_an_acceptance(wavespeed: WaveSpeed, envelope: Envelope) -> None:
    answer = httpx.Response(200, json={"code": 200, "message": "success", "data": {"id": "t1", "status": "created"}})
    assert wavespeed(answer).submit(envelope, "k") == Accepted(generation_id="t1", vendor_status="created")


def test_a_task_that_has_failed_already_is_accepted_as_it_exists(wavespeed: WaveSpeed, envelope: Envelope) -> None:
    data = {"id": "t1", "status": "failed", "code": 1200, "error": "moderated"}
    answer = httpx.Response(200, json={"code": 200, "message": "success", "data": data})
    assert wavespeed(answer).submit(envelope, "k") == Accepted(generation_id="t1", vendor_status="failed")


@pytest.mark.parametrize("status", [302, 400, 408, 429, 500, 504])
def test_an_error_that_names_a_task_is_an_acceptance_all_the_same(
    status: int, wavespeed: WaveSpeed, envelope: Envelope
) -> None:
    answer = httpx.Response(status, json={"code": status, "data": {"id": "t1"}})
    assert wavespeed(answer).submit(envelope, "k") == Accepted(generation_id="t1")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1200, FailureKind.MODERATED),
        (1400, FailureKind.INVALID_INPUT),
        (1401, FailureKind.INVALID_INPUT),
        (1402, FailureKind.INPUT_UNREACHABLE),
        (1403, FailureKind.GENERATION_FAILED),
        (1405, FailureKind.GENERATION_FAILED),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_documented_code_without_a_task_is_a_refusal_of_its_kind(
    code: int, kind: FailureKind, status: int, wavespeed: WaveSpeed, envelope: Envelope
) -> None:
    answer = httpx.Response(status, json={"code": code, "message": "No.", "data": None})
    submission = wavespeed(answer).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.kind is kind
    assert submission.failure.message == f"HTTP {status}: code {code}: No."


def test_the_code_of_the_task_counts_before_the_code_of_the_envelope(wavespeed: WaveSpeed, envelope: Envelope) -> None:
    answer = httpx.Response(200, json={"code": 200, "message": "success", "data": {"code": 1402, "error": "No image."}})
    submission = wavespeed(answer).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.kind is FailureKind.INPUT_UNREACHABLE
    assert submission.failure.message == "HTTP 200: code 1402: No image."


@pytest.mark.parametrize("code", [401, 429, 500, 1199, 5000, 5003, 5004, 9999])
def test_any_other_code_without_a_task_is_unanswered_with_the_code_in_it(
    code: int, wavespeed: WaveSpeed, envelope: Envelope
) -> None:
    submission = wavespeed(httpx.Response(200, json={"code": code, "message": "Hm."})).submit(envelope, "k")
    assert submission == Unanswered(detail=f"HTTP 200: code {code}: Hm.", resendable=False)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"code":200,"data":', b"[]", b'{"code":200,"message":"success","data":{"id":"a/b"}}']
)
def test_a_success_that_names_no_task_is_unanswered(body: bytes, wavespeed: WaveSpeed, envelope: Envelope) -> None:
    submission = wavespeed(httpx.Response(200, content=body)).submit(envelope, "k")
    assert submission == Unanswered(detail="HTTP 200: The answer names no task.", resendable=False)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.INVALID_INPUT),
        (401, FailureKind.UNAUTHORIZED),
        (402, FailureKind.OUT_OF_CREDITS),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.UNAVAILABLE),
        (422, FailureKind.INVALID_INPUT),
        (429, FailureKind.THROTTLED),
    ],
)
def test_a_status_that_says_no_is_a_refusal(
    status: int, kind: FailureKind, wavespeed: WaveSpeed, envelope: Envelope
) -> None:
    submission = wavespeed(httpx.Response(status, json={"code": status, "message": "No."})).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.kind is kind


def test_a_throttled_submission_carries_the_seconds_to_wait(wavespeed: WaveSpeed, envelope: Envelope) -> None:
    submission = wavespeed(httpx.Response(429, headers={"Retry-After": "3"})).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.retry_after == 3


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 409, 418, 425, 500, 502, 503, 504, 520, 524])
def test_a_status_that_proves_nothing_is_unanswered_and_never_sent_again(
    status: int, wavespeed: WaveSpeed, sent: list[httpx.Request], envelope: Envelope
) -> None:
    submission = wavespeed(httpx.Response(status, headers={"Location": "/again"})).submit(envelope, "k")
    assert submission == Unanswered(detail=f"HTTP {status}", resendable=False)
    assert len(sent) == 1


def test_a_connection_that_was_never_made_proves_that_nothing_was_sent(
    wavespeed: WaveSpeed, envelope: Envelope
) -> None:
    assert isinstance(wavespeed(httpx.ConnectTimeout("slow")).submit(envelope, "k"), NotSent)


def test_a_time_out_of_the_answer_is_unanswered_and_never_sent_again(wavespeed: WaveSpeed, envelope: Envelope) -> None:
    submission = wavespeed(httpx.ReadTimeout("slow")).submit(envelope, "k")
    assert submission == Unanswered(detail="No answer came back: ReadTimeout: slow", resendable=False)
