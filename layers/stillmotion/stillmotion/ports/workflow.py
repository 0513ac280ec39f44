"""Executions: how they start, wait for a webhook, and wait for a slot of a vendor."""

from datetime import datetime
from typing import Protocol

from stillmotion.domain.governing import GovernorState
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import VendorName


class Workflow(Protocol):
    """Step Functions."""

    def start(self, job: Job) -> None:
        """Starts the execution of the job's run; one that exists already is as good."""

    def is_running(self, job: Job) -> bool:
        """Whether the execution of the job's run is under way."""

    def wake(self, token: str) -> bool:
        """Ends the wait of a parked execution; False when it has gone on already."""


class Parking(Protocol):
    """Where executions wait for their vendor's webhook."""

    def nudges(self, job_id: str) -> int:
        """How often the job was nudged; strongly consistent."""

    def nudge(self, job_id: str, now: datetime) -> str | None:
        """Counts one more; gives the token of the execution that parked last, if one has."""


class GovernorStore(Protocol):
    """What is known of each vendor, to keep within its account's limits."""

    def read(self, vendor: VendorName) -> GovernorState:
        """Strongly consistent; of a vendor that nothing is known of, an empty one of version 0."""

    def write(self, vendor: VendorName, state: GovernorState) -> None:
        """Stores the next version of a state that was read, changed. Raises Conflict when somebody else wrote."""
