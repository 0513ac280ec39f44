"""Values as a person reads them."""

from decimal import Decimal

import pytest

from stillmotion_cli import text


@pytest.mark.parametrize(
    ("value", "told"),
    [(-1, "0.0 s"), (4.24, "4.2 s"), (75.9, "75 s"), (250, "4 min 10 s"), (7500, "2 h 5 min"), (273600, "3 d 4 h")],
)
def test_a_stretch_of_time_is_told_in_its_two_largest_units(value: float, told: str) -> None:
    assert text.seconds(value) == told


@pytest.mark.parametrize(("value", "told"), [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (7300, "2 h"), (90000, "1 d")])
def test_an_age_is_told_in_its_largest_unit(value: float, told: str) -> None:
    assert text.age(value) == told


@pytest.mark.parametrize(
    ("count", "told"), [(999, "999 B"), (10_240, "10.2 kB"), (3_200_000, "3.2 MB"), (1_000_000_000, "1.0 GB")]
)
def test_bytes_are_told_in_decimal_units(count: int, told: str) -> None:
    assert text.size(count) == told


@pytest.mark.parametrize(
    ("amount", "told"), [("0.2", "$0.20"), ("0.51", "$0.51"), ("0.5125", "$0.5125"), ("10", "$10.00"), ("0", "$0.00")]
)
def test_dollars_have_cents_and_more_where_they_matter(amount: str, told: str) -> None:
    assert text.dollars(Decimal(amount)) == told


def test_a_long_text_is_cut_to_one_line() -> None:
    assert text.shortened("waves\nroll in slowly", 12) == "waves roll…"
