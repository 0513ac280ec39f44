"""The killer strikes after the answer to the POST it was told of, or after the upload of that job, and only once."""

from pathlib import Path

import pytest

from stillmotion_local.chaos.killer.sitecustomize import exchange_of

JOB = "5b0e1c8e-0f53-8f0a-9a51-6b4c1f0f2a10"
OK = b"HTTP/1.1 200 OK\r\n"
SUBMISSIONS = {
    "apiframe": b"POST /v2/videos/generate HTTP/1.1\r\nIdempotency-Key: stillmotion-" + JOB.encode() + b"-1\r\n\r\n",
    "wavespeed": b"POST /api/v3/luma/ray-2-flash-i2v?webhook=x%2Fwavespeed%2F" + JOB.encode() + b"%2F1 HTTP/1.1\r\n",
}
VIDEO = b"/bucket/videos/default/" + JOB.encode() + b"/one.mp4"


def ends(folder: Path, request: bytes, body: bytes = b"", answer: bytes = OK) -> bool:
    exchange = exchange_of(request)
    assert exchange is not None
    exchange.sent(body, folder)
    return exchange.is_last(answer, folder)


def put(target: bytes = VIDEO, method: bytes = b"PUT") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("request_head", SUBMISSIONS.values(), ids=SUBMISSIONS)
def test_a_process_ends_once_after_the_answer_to_its_post(tmp_path: Path, request_head: bytes) -> None:
    body = b'{"prompt":"[[note:kill=after_post]]"}'
    assert ends(tmp_path, request_head, body)
    assert not ends(tmp_path, request_head, body)
    assert [file.name for file in tmp_path.iterdir()] == [f"after_post-{JOB}"]


def test_an_ordinary_post_is_let_go(tmp_path: Path) -> None:
    assert not ends(tmp_path, SUBMISSIONS["apiframe"], b'{"prompt":"a fox"}')
    assert list(tmp_path.iterdir()) == []


def test_a_refused_post_is_let_go(tmp_path: Path) -> None:
    body = b'{"prompt":"[[note:kill=after_post]]"}'
    assert not ends(tmp_path, SUBMISSIONS["apiframe"], body, b"HTTP/1.1 429 Too Many Requests\r\n")


def test_the_upload_of_a_marked_job_is_the_last_and_only_once(tmp_path: Path) -> None:
    assert not ends(tmp_path, SUBMISSIONS["wavespeed"], b'{"prompt":"[[note:kill=after_upload]]"}')
    assert ends(tmp_path, put())
    assert not ends(tmp_path, put())
    # Sent again after the kill, the POST does not mark it anew.
    assert not ends(tmp_path, SUBMISSIONS["wavespeed"], b'{"prompt":"[[note:kill=after_upload]]"}')
    assert not ends(tmp_path, put())


def test_a_job_is_marked_even_where_its_post_is_not_answered_well(tmp_path: Path) -> None:
    body, answer = b'{"prompt":"[[note:kill=after_upload]]"}', b"HTTP/1.1 502 Bad Gateway\r\n"
    assert not ends(tmp_path, SUBMISSIONS["wavespeed"], body, answer)
    assert ends(tmp_path, put())


@pytest.mark.parametrize(
    ("request_head", "is_whole"),
    [
        (put(VIDEO + b"?uploads=", b"POST"), False),
        (put(VIDEO + b"?partNumber=1&uploadId=u"), False),
        (put(VIDEO + b"?uploadId=u", b"POST"), True),
        (put(VIDEO.replace(b".mp4", b".json")), False),
        (put(VIDEO, b"GET"), False),
    ],
    ids=["begun", "a part", "completed in parts", "provenance", "read"],
)
def test_only_a_whole_video_counts_as_uploaded(tmp_path: Path, request_head: bytes, *, is_whole: bool) -> None:
    (tmp_path / f"marked-{JOB}").touch()
    assert ends(tmp_path, request_head) is is_whole


def test_a_refused_upload_is_let_go(tmp_path: Path) -> None:
    (tmp_path / f"marked-{JOB}").touch()
    assert not ends(tmp_path, put(), answer=b"HTTP/1.1 412 Precondition Failed\r\n")


def test_what_goes_on_with_a_request_begins_none() -> None:
    assert exchange_of(b'{"prompt": "POST /v2/videos/generate HTTP/1.1"}') is None
