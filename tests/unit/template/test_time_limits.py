"""What a function waits for ends before the function does, so that its outcome can be written down."""

from tests.unit.template.document import Template

from stillmotion.vendors.wire import EXCHANGE_SECONDS, STATUS_SECONDS

SECONDS_FOR_RECORDS = 5


def test_an_exchange_with_a_vendor_ends_before_dispatch_does(template: Template) -> None:
    assert template.properties("DispatchFunction")["Timeout"] >= EXCHANGE_SECONDS + SECONDS_FOR_RECORDS


def test_a_read_of_a_status_ends_before_check_does(template: Template) -> None:
    assert template.properties("CheckFunction")["Timeout"] >= STATUS_SECONDS + SECONDS_FOR_RECORDS
