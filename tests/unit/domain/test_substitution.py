"""What a vendor makes in place of what was asked, and what has no substitute."""

import pytest
from msgspec.structs import replace
from tests import ledgers

from stillmotion.domain.job.lifecycle import lined_up
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import VendorName
from stillmotion.domain.substitution import Fit, as_sent, fit
from stillmotion.edge.request import parse_request

IMAGE = "https://a.example/1.jpg"
TALL = {"width": 300, "height": 400}


def fitted(vendor: VendorName = VendorName.WAVESPEED, *, size: dict[str, int] | None = None, **fields: object) -> Fit:
    return fit(vendor, parse_request({"prompt": "a lake", "image": IMAGE, **fields}), **(size or {}))


def made(found: Fit) -> list[tuple[str, str, str]]:
    assert not found.unmet
    return [(one.field, one.asked, one.given) for one in found.substitutions]


def test_a_request_that_is_served_whole_stays_as_it_is() -> None:
    request = parse_request({"prompt": "a lake", "image": IMAGE})
    assert fit(VendorName.WAVESPEED, request) == Fit(request=request)


@pytest.mark.parametrize(("vendor", "asked", "given"), [("wavespeed", 9, 10), ("apiframe", 10, 9)])
def test_a_duration_becomes_the_nearest_that_the_vendor_makes(vendor: str, asked: int, given: int) -> None:
    found = fitted(VendorName(vendor), duration=asked)
    assert found.request.duration == given
    assert made(found) == [("duration", f"{asked} s", f"{given} s")]


@pytest.mark.parametrize(("asked", "given"), [("4:3", "16:9"), ("21:9", "16:9"), ("3:4", "9:16"), ("1:1", "16:9")])
def test_a_ratio_becomes_the_nearest_size(asked: str, given: str) -> None:
    found = fitted(aspect_ratio=asked)
    assert found.request.aspect_ratio == given
    assert made(found) == [("aspect_ratio", asked, given)]


def test_a_square_is_as_the_image_is_turned() -> None:
    assert fitted(aspect_ratio="1:1", size=TALL).request.aspect_ratio == "9:16"
    assert fitted(aspect_ratio="4:3", size=TALL).request.aspect_ratio == "16:9"


def test_concepts_become_words_at_the_end_of_the_prompt() -> None:
    found = fitted(prompt="A lake at dawn ", concepts=["push_in", "orbit_left", "pov"])
    assert found.request.prompt == "A lake at dawn. Camera: push in, orbit left, point of view."
    assert found.request.concepts == ()
    assert made(found) == [
        ("concepts", "push_in, orbit_left, pov", 'the words "Camera: push in, orbit left, point of view."')
    ]


def test_a_prompt_that_ends_is_not_ended_twice() -> None:
    assert fitted(prompt="Go!", concepts=["push_in"]).request.prompt == "Go! Camera: push in."


def test_a_prompt_is_never_made_longer_than_a_prompt_may_be() -> None:
    room = len(". Camera: push in.")
    assert len(fitted(prompt="x" * (4000 - room), concepts=["push_in"]).request.prompt) == 4000
    found = fitted(prompt="x" * (4001 - room), concepts=["push_in"])
    assert [error.field for error in found.unmet] == ["concepts"]
    assert "longer than 4000 characters" in found.unmet[0].rule
    assert found.request.concepts == ("push_in",)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"loop": True}, "loop"), ({"end_image": IMAGE}, "end_image"), ({"image": None}, "image")],
)
def test_some_things_have_no_substitute(fields: dict[str, object], field: str) -> None:
    found = fit(VendorName.WAVESPEED, parse_request({"prompt": "a lake", "image": IMAGE, **fields}))
    assert [error.field for error in found.unmet] == [field]
    assert not found.substitutions


def test_every_field_that_needs_it_is_substituted_at_once() -> None:
    found = fitted(duration=9, aspect_ratio="3:4", concepts=["aerial_drone"])
    assert [error.field for error in found.objections] == ["duration", "aspect_ratio", "concepts"]
    assert [field for field, _, _ in made(found)] == ["duration", "aspect_ratio", "concepts"]
    assert not fit(VendorName.WAVESPEED, found.request).objections


# --- the request of a job, as its vendor is sent it -----------------------------------------------------------------


def of_nine_seconds(job: Job, *, allowed: bool) -> Job:
    assert job.request is not None
    return replace(job, request=replace(job.request, duration=9, allow_substitution=allowed))


def seconds(job: Job) -> int:
    sent = as_sent(job)
    assert sent is not None
    return sent.duration


def test_a_job_is_as_the_vendor_makes_it_that_it_waits_for_or_that_has_it() -> None:
    asked = of_nine_seconds(ledgers.dispatching(), allowed=True)
    waiting = lined_up(asked, VendorName.WAVESPEED, ledgers.NOW)
    assert [seconds(job) for job in (asked, waiting, ledgers.sending(asked))] == [9, 10, 10]


def test_a_job_that_goes_to_another_vendor_is_as_that_one_makes_it() -> None:
    turned_away = of_nine_seconds(ledgers.throttled(), allowed=True)
    assert [seconds(job) for job in (turned_away, lined_up(turned_away, VendorName.APIFRAME, ledgers.NOW))] == [10, 9]


def test_what_may_not_be_substituted_is_as_it_was_asked_for() -> None:
    assert seconds(of_nine_seconds(ledgers.sending(), allowed=False)) == 9
    assert as_sent(ledgers.unprompted()) is None
