"""Where executions are parked until their vendor's webhook comes: an item of its own for each job.

    kind       pk               attributes
    parking    parking#<job>    nudges (N), token (S: the task token of the execution parked last), expires_at (N)

The state machine parks by itself (`video.asl.json`): it writes the token under the condition that `nudges` is what was
seen before the vendor was read, so that no nudge falls between a look and the sleep that follows it.
"""

from datetime import datetime, timedelta

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.table import Table
from stillmotion.keyspace import parking_key

RETENTION = timedelta(days=30)
"""How long the item stays after its last nudge: longer than any vendor keeps a video."""


class DynamoParking:
    """The parking items in the jobs table as a `ports.workflow.Parking`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def nudges(self, job_id: str) -> int:
        """How often the job was nudged; strongly consistent."""
        item = self._table.get(parking_key(job_id)) or {}
        return int(item.get("nudges", {}).get("N", "0"))

    def nudge(self, job_id: str, now: datetime) -> str | None:
        """Counts one more; gives the token of the execution parked last, which may have gone on meanwhile.

        The token stays: whoever dies before he has used it is followed by the vendor's next try.
        """
        values: dict[str, object] = {"one": 1, "kind": "parking", "expires_at": int((now + RETENTION).timestamp())}
        expression = "SET #kind = :kind, #expires_at = :expires_at ADD #nudges :one"
        item = self._table.update(parking_key(job_id), expression, ("kind", "expires_at", "nudges"), values)
        token: str | None = item.get("token", {}).get("S")
        return token
