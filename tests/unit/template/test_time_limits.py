"""What a function waits for ends before the function does, so that its outcome can be written down."""

from tests.unit.template.document import Template

from stillmotion.domain.deliveries import GAPS_SECONDS
from stillmotion.egress.posting import OVERALL_SECONDS
from stillmotion.vendors.wire import EXCHANGE_SECONDS, STATUS_SECONDS

SECONDS_FOR_RECORDS = 5


def test_an_exchange_with_a_vendor_ends_before_dispatch_does(template: Template) -> None:
    assert template.properties("DispatchFunction")["Timeout"] >= EXCHANGE_SECONDS + SECONDS_FOR_RECORDS


def test_a_read_of_a_status_ends_before_check_does(template: Template) -> None:
    assert template.properties("CheckFunction")["Timeout"] >= STATUS_SECONDS + SECONDS_FOR_RECORDS


def test_a_try_to_deliver_ends_before_the_function_does(template: Template) -> None:
    assert template.properties("DeliverFunction")["Timeout"] >= OVERALL_SECONDS + SECONDS_FOR_RECORDS


def test_the_delivery_queue_outlives_a_day_of_tries(template: Template) -> None:
    queue = template.properties("DeliveryQueue")

    assert queue["RedrivePolicy"]["maxReceiveCount"] > 2 * len(GAPS_SECONDS)
    assert queue["MessageRetentionPeriod"] > 2 * sum(GAPS_SECONDS)
