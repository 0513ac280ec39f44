"""The keys of the jobs table: each kind of item, and how its partition key is written.

The roles in `template.yaml` name these kinds in `dynamodb:LeadingKeys`; a test holds the roles against `KINDS`.
Services name pointers by these keys, and `aws` stores items under them. `aws.items` says what an item of each kind
holds.
"""

from collections.abc import Sequence
from datetime import date, datetime

from stillmotion.domain.request import VendorName

STACK = "stack"
_BOOK = "spend#"
_TENANT = "tenant#"

KINDS = frozenset({
    "allowance", "deliveries", "delivery", "doubt", "event", "generation", "governor", "job", "key", "look", "outbound",
    "parking", "rate", "recent", "source", "spend", "subscription", "unwanted",
})  # fmt: skip
"""What stands before the first `#` of each key. `deliveries` is a partition of the index by tenant only."""


# --- jobs, and the pointers that lead to them


def job_key(job_id: str) -> str:
    """Of a job, or of an alias: an alias has the key of the job record of that id, so that only one can exist."""
    return f"job#{job_id}"


def source_key(source: str) -> str:
    """Of the pointer from an upload to the job that was made of it last."""
    return f"source#{source}"


def generation_key(vendor: VendorName, generation_id: str) -> str:
    """Of the pointer from a generation of a vendor to the attempt that owns it."""
    return f"generation#{vendor}#{generation_id}"


def recent_key(tenant: str, fingerprint: str) -> str:
    """Of the pointer from an API call to its job, for a client that retries the call by itself."""
    return f"recent#{tenant}#{fingerprint}"


def inbound_delivery_key(vendor: VendorName, delivery_id: str) -> str:
    """Of the pointer that a webhook of a vendor leaves behind once everything was done about it."""
    return f"delivery#{vendor}#{delivery_id}"


def unwanted_key(job_id: str) -> str:
    """Of the pointer that says that a receiver wants no more webhooks of a job."""
    return f"unwanted#{job_id}"


def look_key(job_id: str, attempt: int) -> str:
    """Of the pointer that says when an attempt was last looked for in its vendor's history."""
    return f"look#{job_id}#{attempt}"


def doubt_keys(vendor: VendorName, periods: Sequence[datetime]) -> tuple[str, ...]:
    """Of the pointers that a person's word on an attempt leaves behind, one for each period that starts then."""
    return tuple(f"doubt#{vendor}#{start:%Y-%m-%dT%H:%M}" for start in periods)


# --- what is stored beside the jobs


def event_key(event_id: str) -> str:
    return f"event#{event_id}"


def event_id_of(key: str) -> str:
    return key.removeprefix("event#")


def outbound_key(delivery_id: str) -> str:
    """Of the delivery of an outbound webhook."""
    return f"outbound#{delivery_id}"


def deliveries_partition(tenant: str) -> str:
    """Where the index by tenant lists the deliveries of a tenant, apart from the tenant's jobs."""
    return f"deliveries#{tenant}"


def subscription_key(tenant: str) -> str:
    return f"subscription#{tenant}"


def parking_key(job_id: str) -> str:
    return f"parking#{job_id}"


def governor_key(vendor: VendorName) -> str:
    return f"governor#{vendor}"


def api_key_key(key_hash: str) -> str:
    return f"key#{key_hash}"


def rate_key(counter: str, minute: int) -> str:
    """Of the count of the calls of a key in a minute, in minutes since 1970."""
    return f"rate#{counter}#{minute}"


def allowance_key(counter: str, day: date) -> str:
    """Of what a key has ordered for on a day (UTC)."""
    return f"allowance#{counter}#{day.isoformat()}"


def book_key(day: date, tenant: str | None) -> str:
    """Of the book of a tenant, or of all tenants together."""
    return f"{_BOOK}{day.isoformat()}#{STACK if tenant is None else f'{_TENANT}{tenant}'}"


def whose_book(key: str) -> str | None:
    """The tenant, or "stack"; None for the key of another item."""
    if not key.startswith(_BOOK):
        return None
    return key.removeprefix(_BOOK).partition("#")[2].removeprefix(_TENANT)
