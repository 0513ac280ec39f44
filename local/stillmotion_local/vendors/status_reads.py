"""Reads of a status that go wrong on demand; counted, so that a fault can end after a number of reads."""

from collections.abc import Callable

from pydantic import JsonValue
from starlette.responses import JSONResponse, Response

from stillmotion_local.vendors.answers import halved_json
from stillmotion_local.vendors.faults import ActiveFault, Fault
from stillmotion_local.vendors.generations import Generation
from stillmotion_local.vendors.ledger import Ledger

UNKNOWN_WORD = "marinating"

View = dict[str, JsonValue]


def read_status(
    ledger: Ledger,
    generation: Generation,
    show: Callable[[], View],
    *,
    spoil: Callable[[View, ActiveFault], None],
    error: Callable[[int], Response],
) -> Response:
    """Answers one read of a status.

    `show` gives the vendor's view, `spoil` puts a fault's words into it, `error` is the vendor's own failure.
    """
    number = ledger.count_status_read(generation)
    view = show()
    answer: Response | None = None
    for fault in generation.faults:
        if not _strikes(fault, number):
            continue
        ledger.count_fault(fault.name, generation.vendor, generation.id)
        match fault.name:
            case Fault.READ_500:
                return error(int(fault.number("status", 500)))
            case Fault.MALFORMED_JSON:
                answer = halved_json(JSONResponse(view))
            case _:
                spoil(view, fault)
    return answer or JSONResponse(view)


def _strikes(fault: ActiveFault, number: int) -> bool:
    """Faults of reads last for one read, when nothing else is said."""
    reads = {
        Fault.READ_500: True,
        Fault.MALFORMED_JSON: fault.word("at", "submit") == "read",
        Fault.UNKNOWN_STATE: fault.word("at", "read") == "read",
        Fault.FAILED_TASK: fault.is_wait_timeout and fault.word("at", "read") == "read",
    }
    return reads.get(fault.name, False) and number <= fault.number("times", 1)
