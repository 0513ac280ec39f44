"""What a caller is told of a failure: nothing of the operator's account, and nothing that a client orders again at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.failures import Failure, FailureKind

ACCOUNT = (FailureKind.UNAUTHORIZED, FailureKind.OUT_OF_CREDITS, FailureKind.THROTTLED, FailureKind.UNAVAILABLE)


@pytest.mark.parametrize("kind", ACCOUNT)
def test_what_concerns_the_operators_account_is_said_in_neutral_words(kind: FailureKind) -> None:
    told = Failure(kind, "HTTP 402: Insufficient credits: needs 51 credits, has 7").public_message
    assert not any(word in told.lower() for word in ("402", "51", "7", "credit", "api key"))


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind not in ACCOUNT])
def test_what_concerns_the_order_is_said_in_the_vendors_words(kind: FailureKind) -> None:
    assert Failure(kind, "The picture shows too much.").public_message == "The picture shows too much."


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("HTTP 400: prompt: too long", "prompt: too long"),
        ("HTTP 400: HTTP 500: gone", "gone"),
        ("The image could not be handed over: HTTP 500: gone", "The image could not be handed over: status 500: gone"),
        ("HTTP 422", "The vendor gave no reason."),
        ("HTTP 4290 pixels", "status 4290 pixels"),
        ("HTTPS and HTTP are fine", "HTTPS and HTTP are fine"),
    ],
)
def test_the_status_of_the_vendors_answer_is_left_out(message: str, told: str) -> None:
    assert Failure(FailureKind.INVALID_INPUT, message).public_message == told


@given(kind=st.sampled_from(FailureKind), words=st.lists(st.sampled_from(["HTTP ", "HTTP", "5", "429", ":", " ", "x"])))
def test_no_words_of_a_vendor_make_wavespeeds_client_order_again(kind: FailureKind, words: list[str]) -> None:
    told = Failure(kind, "".join(words)).public_message
    assert "HTTP 5" not in told
    assert "HTTP 429" not in told
