"""One try after the other, until a receiver has it."""

import pytest
from msgspec.structs import replace
from tests.deliveries import URL, ScriptedPoster, Telling

from stillmotion.domain.deliveries import GAPS_SECONDS, DeliveryState
from stillmotion.domain.request import Callback
from stillmotion.ports.egress import Undelivered


@pytest.fixture
def telling() -> Telling:
    return Telling()


def test_a_delivery_that_is_taken_is_over(telling: Telling) -> None:
    telling.queued()

    tried = telling.try_out()

    assert tried.wait_seconds == 0
    assert telling.deliveries.only().state is DeliveryState.DELIVERED
    assert [url for url, _ in telling.poster.posts] == [URL]


def test_a_delivery_that_is_over_is_not_posted_again(telling: Telling) -> None:
    telling.queued()
    telling.try_out()

    assert telling.try_out().wait_seconds == 0
    assert len(telling.poster.posts) == 1


def test_an_unknown_delivery_is_dropped(telling: Telling) -> None:
    assert telling.deliver("nothing").wait_seconds == 0


def test_a_receiver_that_fails_is_tried_again_after_the_first_gap(telling: Telling) -> None:
    telling.poster = ScriptedPoster(500, 204)
    telling.queued()

    assert telling.try_out().wait_seconds == GAPS_SECONDS[0]
    telling.world.clock.advance(GAPS_SECONDS[0])
    assert telling.try_out().wait_seconds == 0
    assert telling.deliveries.only().state is DeliveryState.DELIVERED


def test_a_message_that_comes_before_its_time_waits_on(telling: Telling) -> None:
    telling.poster = ScriptedPoster(500)
    telling.queued()
    telling.try_out()
    telling.world.clock.advance(1.5)

    assert telling.try_out().wait_seconds == 4
    assert len(telling.poster.posts) == 1


def test_every_try_carries_the_same_id(telling: Telling) -> None:
    telling.poster = ScriptedPoster(500, 204)
    delivery = telling.queued()
    telling.try_out()
    telling.world.clock.advance(5)
    telling.try_out()

    first, second = (message for _, message in telling.poster.posts)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.id
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


def test_a_receiver_that_never_answers_is_given_up_after_a_day(telling: Telling) -> None:
    telling.poster = ScriptedPoster(Undelivered("No answer came within 10 seconds."))
    telling.queued()

    waits = []
    while wait := telling.try_out().wait_seconds:
        waits.append(wait)
        telling.world.clock.advance(wait)

    assert waits == list(GAPS_SECONDS)
    ended = telling.deliveries.only()
    assert (ended.state, ended.last_error) == (DeliveryState.GIVEN_UP, "No answer came within 10 seconds.")


def test_a_forbidden_address_is_given_up_at_once(telling: Telling) -> None:
    telling.poster = ScriptedPoster(Undelivered("The address must be public.", for_good=True))
    telling.queued()

    assert telling.try_out().wait_seconds == 0
    assert telling.deliveries.only().state is DeliveryState.GIVEN_UP


def test_a_receiver_that_answers_410_hears_no_more_of_the_job(telling: Telling) -> None:
    telling.poster = ScriptedPoster(410)
    telling.queued()
    telling.try_out()

    telling.outbound.tell(telling.event(telling.world.jobs.only(), "Video Failed", "e-2"))
    telling.deliver("e-2")

    later = telling.deliveries.get("e-2")
    assert later is not None
    assert later.state is DeliveryState.UNWANTED
    assert len(telling.poster.posts) == 1


def test_a_replay_is_made_though_the_receiver_wanted_no_more(telling: Telling) -> None:
    telling.poster = ScriptedPoster(410, 204)
    delivery = telling.queued()
    telling.try_out()
    telling.outbound.replay("default", delivery.id)

    telling.try_out()

    assert telling.deliveries.only().state is DeliveryState.DELIVERED


def test_a_dialect_that_shows_the_job_tells_nothing_of_what_it_no_longer_is(telling: Telling) -> None:
    telling.queued(Callback(url=URL, dialect="apiframe"))
    telling.world.jobs.put(replace(telling.world.jobs.only(), status="generating"))

    assert telling.try_out().wait_seconds == 0
    assert telling.deliveries.only().state is DeliveryState.OUTDATED
    assert telling.poster.posts == []


def test_what_somebody_else_wrote_meanwhile_is_looked_at_again(telling: Telling) -> None:
    delivery = telling.queued()
    telling.deliveries.before_save = [replace(delivery, state=DeliveryState.DELIVERED)]

    assert telling.try_out().wait_seconds == 1
    assert telling.try_out().wait_seconds == 0
    assert len(telling.poster.posts) == 1
