"""How single values of an answer are read."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.vendors.answers import decoded, plain, retry_after_seconds, url_in

NOON = "Wed, 06 May 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        (" 17 ", 17),
        ("1.2", 2),
        ("86400", 86_400),
        ("999999999999", 86_400),
        ("9" * 5000, None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("१७", None),
        ("Wed, 06 May 2026 12:00:30 GMT", 30),
        ("Wednesday, 06-May-26 12:00:30 GMT", 30),
        ("Wed May  6 12:00:30 2026", 30),
        ("Wed, 06 May 2026 11:00:00 GMT", 0),
        ("Wed, 06 May 2027 12:00:00 GMT", 86_400),
        ("Wed, 99 May 2026 12:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: int | None) -> None:
    assert retry_after_seconds({"Retry-After": value, "Date": NOON}) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after_seconds(httpx.Headers()) is None


def test_a_date_is_held_against_this_clock_where_the_answer_has_no_date_of_its_own() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < (retry_after_seconds({"Retry-After": then}) or 0) <= 3600


@given(st.text(max_size=60))
def test_any_retry_after_is_bounded_or_none(value: str) -> None:
    seconds = retry_after_seconds({"Retry-After": value, "Date": NOON})
    assert seconds is None or 0 <= seconds <= 86_400


SECRET = "X-Amz-Signature=5ecre7"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"GET https://b.s3.amazonaws.com/a.jpg?{SECRET} gave 403", "GET https://b.s3.amazonaws.com/a.jpg?… gave 403"),
        (f'{{"url":"https://b.test/a?{SECRET}"}}', '{"url":"https://b.test/a?…"}'),
        (f"see (https://b.test/a#{SECRET})", "see (https://b.test/a?…"),
        (f"HTTPS://B.TEST/A?{SECRET}", "HTTPS://B.TEST/A?…"),
        (f"s3://b/a?{SECRET}", "s3://b/a?…"),
        (f"https:\\/\\/b.test\\/a?{SECRET}", "https:\\/\\/b.test\\/a?…"),
        (f"https%3A%2F%2Fb.test%2Fa%3F{SECRET}", "https%3A%2F%2Fb.test%2Fa?…"),
        (f"b.test/a?{SECRET}&x=1 is gone", "b.test/a?… is gone"),
        (f"/a?q&{SECRET}", "/a?…"),
        (f"https://b.test/1?{SECRET} https://b.test/2?{SECRET}", "https://b.test/1?… https://b.test/2?…"),
        (f"//b.test/a?x-id=1&{SECRET}", "//b.test/a?…"),
        (f"/a?b?{SECRET}", "/a?…"),
    ],
)
def test_no_signed_url_gets_into_a_record(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_question_is_not_taken_for_a_query() -> None:
    assert plain("Is it there? Why not?") == "Is it there? Why not?"


def test_a_long_text_is_cut() -> None:
    assert len(plain("word " * 1000)) <= 500
    assert plain("word " * 1000).endswith("…")


def test_control_characters_and_line_ends_become_single_spaces() -> None:
    assert plain("a\r\nb\x00\x1b[31m\u202e  c") == "a b [31m c"


@given(st.text(st.sampled_from("ab?=&#% %3F:/\\\"'<>https://"), max_size=400))
def test_any_text_is_cleaned_once_for_all(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_a_hostile_text_is_cleaned_in_no_time() -> None:
    assert len(plain("://?" * 250_000)) <= 500
    assert len(plain("?a" * 500_000)) <= 500
    assert len(plain("://" * 500_000)) <= 500


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[" * 500_000, '{"a":' * 200_000, "1e999", '{"a":"\\ud800"}'])
def test_what_is_no_json_reads_as_nothing(text: str) -> None:
    assert decoded(text) is None


@pytest.mark.parametrize(
    "value", ["https://", "https://a b", "https://a\nb", "javascript:alert(1)", "https://a/" + "b" * 4096]
)
def test_what_is_no_url_is_not_taken_for_one(value: str) -> None:
    assert url_in(value) is None
