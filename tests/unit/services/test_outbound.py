"""Who is told of which event, and where."""

import pytest
from tests.deliveries import URL, Telling
from tests.fakes import RecordingEventBus

from stillmotion.domain.deliveries import DeliveryState, Subscription
from stillmotion.domain.request import Callback
from stillmotion.services.webhooks.outbound import Announcing, DeliveryUnknown

STANDING = "https://hooks.example/all"


@pytest.fixture
def telling() -> Telling:
    return Telling()


def subscribe(telling: Telling, url: str | None = STANDING) -> None:
    telling.subscriptions.put(Subscription(tenant="default", url=url, changed_at=telling.world.clock.now()))


def test_a_delivery_has_the_id_and_the_detail_of_its_event(telling: Telling) -> None:
    job = telling.job(Callback(url=URL))
    event = telling.event(job)

    telling.outbound.tell(event)

    stored = telling.deliveries.only()
    assert (stored.id, stored.detail, stored.created_at) == (event.id, event.detail, event.created_at)
    assert (stored.url, stored.dialect, stored.tenant, stored.standing) == (URL, "standard", "default", False)
    assert [sent.id for sent in telling.queue.sent] == [event.id]


def test_nobody_is_told_of_a_job_that_nobody_asked_about(telling: Telling) -> None:
    assert telling.outbound.tell(telling.event(telling.job())) is None
    assert (telling.deliveries.stored, telling.queue.sent) == ({}, [])


def test_a_tenants_webhook_is_told_of_jobs_without_a_callback(telling: Telling) -> None:
    subscribe(telling)

    telling.outbound.tell(telling.event(telling.job()))

    assert (telling.deliveries.only().url, telling.deliveries.only().standing) == (STANDING, True)


def test_a_jobs_own_callback_goes_before_the_tenants(telling: Telling) -> None:
    subscribe(telling)

    telling.outbound.tell(telling.event(telling.job(Callback(url=URL))))

    assert telling.deliveries.only().url == URL


def test_another_tenants_webhook_is_told_nothing(telling: Telling) -> None:
    subscribe(telling)

    assert telling.outbound.tell(telling.event(telling.job(tenant="acme"))) is None


def test_a_webhook_that_was_taken_away_is_told_nothing(telling: Telling) -> None:
    subscribe(telling, None)

    assert telling.outbound.tell(telling.event(telling.job())) is None


def test_a_vendors_dialect_is_not_told_that_a_person_is_needed(telling: Telling) -> None:
    job = telling.job(Callback(url=URL, dialect="wavespeed", events=("completed", "failed")))

    assert telling.outbound.tell(telling.event(job, "Video Needs Attention")) is None


def test_an_event_that_is_told_again_leaves_the_delivery_as_it_is(telling: Telling) -> None:
    telling.queued()
    telling.try_out()

    telling.outbound.tell(telling.event(telling.world.jobs.only()))

    assert telling.deliveries.only().state is DeliveryState.DELIVERED


def test_the_bus_and_the_receivers_are_told_of_the_same_events(telling: Telling) -> None:
    bus, job = RecordingEventBus(), telling.job(Callback(url=URL))
    events = [telling.event(job, "Video Needs Attention", "e-1"), telling.event(job, "Video Completed", "e-2")]

    Announcing(bus, telling.outbound).send(events)

    assert [event.id for event in bus.sent] == [delivery.id for delivery in telling.queue.sent] == ["e-1", "e-2"]


def test_a_replay_is_queued_once_more(telling: Telling) -> None:
    delivery = telling.queued()
    telling.try_out()

    again = telling.outbound.replay("default", delivery.id)

    assert (again.state, again.replays) == (DeliveryState.PENDING, 1)
    assert [sent.replays for sent in telling.queue.sent] == [0, 1]


def test_a_tenants_delivery_is_replayed_to_where_the_tenant_is_told_now(telling: Telling) -> None:
    subscribe(telling, "https://hooks.example/wrong")
    telling.outbound.tell(telling.event(telling.job()))
    telling.try_out()
    subscribe(telling)

    assert telling.outbound.replay("default", telling.deliveries.only().id).url == STANDING


def test_a_jobs_delivery_is_replayed_to_where_the_job_said(telling: Telling) -> None:
    delivery = telling.queued()
    telling.try_out()
    subscribe(telling)

    assert telling.outbound.replay("default", delivery.id).url == URL


@pytest.mark.parametrize(("tenant", "delivery_id"), [("acme", "e-1"), ("default", "e-2")])
def test_what_is_not_the_tenants_is_not_there(telling: Telling, tenant: str, delivery_id: str) -> None:
    telling.queued()
    telling.try_out()

    with pytest.raises(DeliveryUnknown):
        telling.outbound.replay(tenant, delivery_id)
    assert len(telling.queue.sent) == 1
