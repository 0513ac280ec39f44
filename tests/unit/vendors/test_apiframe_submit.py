"""What an answer to Apiframe's POST proves, status by status."""

from collections.abc import Callable

import httpx
import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.ports.vendor import Accepted, Envelope, NotSent, Refused, Unanswered
from stillmotion.vendors.apiframe import ApiframeVendor

Apiframe = Callable[..., ApiframeVendor]
JOB = "2b1f6a52-9f6e-4b8e-a3f5-0c1d5b0f7a11"


def test_the_body_goes_out_byte_for_byte(apiframe: Apiframe, sent: list[httpx.Request]) -> None:
    body = '{"prompt":"Ein Löwe — 🦁","x":1}'
    apiframe(httpx.Response(202, json={"jobId": JOB})).submit(Envelope("/v2/videos/generate", body), "key-1")
    assert sent[0].content == body.encode()
    assert str(sent[0].url) == "https://api.apiframe.test/v2/videos/generate"


def test_the_key_and_the_idempotency_key_go_out_as_headers(
    apiframe: Apiframe, sent: list[httpx.Request], envelope: Envelope
) -> None:
    apiframe(httpx.Response(202, json={"jobId": JOB})).submit(envelope, "key-1")
    headers = sent[0].headers
    assert headers["X-API-Key"] == "afk_0123456789abcdef"
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["Content-Type"] == "application/json"
    assert headers["Connection"] == "close"


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_job_id_is_an_acceptance(status: int, apiframe: Apiframe, envelope: Envelope) -> None:
    answer = httpx.Response(status, json={"jobId": JOB, "status": "QUEUED"})
    assert apiframe(answer).submit(envelope, "k") == Accepted(generation_id=JOB, vendor_status="QUEUED")


def test_a_replay_that_answers_with_the_original_job_is_an_acceptance(apiframe: Apiframe, envelope: Envelope) -> None:
    answer = httpx.Response(202, json={"id": JOB, "status": "COMPLETED", "result": {}})
    assert apiframe(answer).submit(envelope, "k") == Accepted(generation_id=JOB, vendor_status="COMPLETED")


@pytest.mark.parametrize("status", [400, 402, 409, 500, 503])
def test_an_error_that_names_a_job_is_an_acceptance_all_the_same(
    status: int, apiframe: Apiframe, envelope: Envelope
) -> None:
    answer = httpx.Response(status, json={"error": "odd", "jobId": JOB})
    assert apiframe(answer).submit(envelope, "k") == Accepted(generation_id=JOB)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>OK</html>",
        b'{"jobId":"2b1f',
        b"{}",
        b"[]",
        b'"2b1f"',
        b'{"jobId":null}',
        b'{"jobId":17}',
        b'{"jobId":""}',
        b'{"jobId":"../../other"}',
        b'{"jobId":"' + b"a" * 129 + b'"}',
        b'{"id":"an-id-without-a-status"}',
        b"[" * 100_000,
    ],
)
def test_a_success_that_names_no_job_is_unanswered(body: bytes, apiframe: Apiframe, envelope: Envelope) -> None:
    submission = apiframe(httpx.Response(202, content=body)).submit(envelope, "k")
    assert submission == Unanswered(detail="HTTP 202: The answer names no job.", resendable=True)


def test_a_job_id_is_found_beside_bytes_that_are_not_utf_8(apiframe: Apiframe, envelope: Envelope) -> None:
    answer = httpx.Response(202, content=b'\xef\xbb\xbf{"jobId":"j-1","note":"\xff\xfe"}')
    assert apiframe(answer).submit(envelope, "k") == Accepted(generation_id="j-1")


def test_an_answer_of_more_than_a_megabyte_is_not_read(apiframe: Apiframe, envelope: Envelope) -> None:
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    submission = apiframe(httpx.Response(202, content=endless())).submit(envelope, "k")  # type: ignore[arg-type]
    assert isinstance(submission, Unanswered)
    assert read < 1_100_000


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.INVALID_INPUT),
        (401, FailureKind.UNAUTHORIZED),
        (402, FailureKind.OUT_OF_CREDITS),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.UNAVAILABLE),
        (405, FailureKind.UNAVAILABLE),
        (413, FailureKind.INVALID_INPUT),
        (415, FailureKind.UNAVAILABLE),
        (422, FailureKind.INVALID_INPUT),
        (429, FailureKind.THROTTLED),
    ],
)
def test_a_status_that_says_no_is_a_refusal(
    status: int, kind: FailureKind, apiframe: Apiframe, envelope: Envelope
) -> None:
    submission = apiframe(httpx.Response(status, json={"error": "No."})).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.kind is kind
    assert submission.failure.message == f"HTTP {status}: No."


def test_a_refusal_without_a_body_keeps_its_status(apiframe: Apiframe, envelope: Envelope) -> None:
    submission = apiframe(httpx.Response(401, content=b"<html>")).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.message == "HTTP 401"


def test_an_invalid_body_is_refused_with_the_fields(apiframe: Apiframe, envelope: Envelope) -> None:
    details = {"lumaParams.duration": ["Invalid input", "Expected 5 or 9"], "prompt": ["Required"], "odd": 3}
    submission = apiframe(httpx.Response(400, json={"error": "Validation failed", "details": details})).submit(
        envelope, "k"
    )
    assert isinstance(submission, Refused)
    assert submission.failure.message == (
        "HTTP 400: Validation failed (lumaParams.duration: Invalid input, Expected 5 or 9; "
        "prompt: Required; odd: is not valid)"
    )


def test_missing_credits_are_refused_with_the_numbers(apiframe: Apiframe, envelope: Envelope) -> None:
    body = {"error": "Insufficient credits", "creditsRequired": 51, "creditsAvailable": 7}
    submission = apiframe(httpx.Response(402, json=body)).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.message == "HTTP 402: Insufficient credits: needs 51 credits, has 7"


def test_a_throttled_submission_carries_the_seconds_to_wait(apiframe: Apiframe, envelope: Envelope) -> None:
    submission = apiframe(httpx.Response(429, headers={"Retry-After": "17"}, json={})).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.retry_after == 17


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 418, 425, 451, 499, 500, 502, 503, 504, 520, 524])
def test_a_status_that_proves_nothing_is_unanswered_and_may_be_sent_again_under_its_key(
    status: int, apiframe: Apiframe, envelope: Envelope
) -> None:
    submission = apiframe(httpx.Response(status, json={"error": "Hm."})).submit(envelope, "k")
    assert submission == Unanswered(detail=f"HTTP {status}: Hm.", resendable=True)


def test_a_key_known_with_another_body_is_unanswered_and_not_sent_again(apiframe: Apiframe, envelope: Envelope) -> None:
    submission = apiframe(httpx.Response(409, json={"error": "Key reused"})).submit(envelope, "k")
    assert submission == Unanswered(detail="HTTP 409: Key reused", resendable=False)


def test_a_redirect_is_not_followed(apiframe: Apiframe, sent: list[httpx.Request], envelope: Envelope) -> None:
    apiframe(httpx.Response(307, headers={"Location": "https://elsewhere.test/"})).submit(envelope, "k")
    assert len(sent) == 1


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_a_connection_that_was_never_made_proves_that_nothing_was_sent(
    error: type[httpx.TransportError], apiframe: Apiframe, envelope: Envelope
) -> None:
    submission = apiframe(error("refused")).submit(envelope, "k")
    assert submission == NotSent(f"No connection was made: {error.__name__}: refused")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
        httpx.RemoteProtocolError,
        httpx.LocalProtocolError,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.DecodingError,
    ],
)
def test_every_other_failure_of_the_connection_is_unanswered(
    error: type[httpx.RequestError], apiframe: Apiframe, envelope: Envelope
) -> None:
    submission = apiframe(error("broken")).submit(envelope, "k")
    assert submission == Unanswered(detail=f"No answer came back: {error.__name__}: broken", resendable=True)
