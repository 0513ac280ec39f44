"""The fault plan: rules that strike submissions by chance, by number or by vendor, without a marker in the prompt."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stillmotion_local.vendors.faults import ActiveFault, BadFaultError, Fault
from stillmotion_local.vendors.generations import Vendor

_RESOLUTION = 2**64


class Rule(BaseModel):
    """One fault and when it strikes. Every condition that is given must hold.

    `nth` counts the submissions at the rule's vendor (or at both) since the plan was set, from 1; `limit` bounds how
    often the rule strikes in all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault
    parameters: dict[str, str] = Field(default_factory=dict)
    vendor: Vendor | None = None
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    nth: list[int] | None = None
    limit: int | None = None

    def active(self) -> ActiveFault:
        """The fault as a submission gets it. Raises pydantic's ValidationError for a parameter it does not have."""
        return ActiveFault(name=self.fault, parameters=self.parameters)


class LimitsChange(BaseModel):
    """New limits of one vendor; 0 is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    concurrent: int = Field(default=0, ge=0)
    per_minute: int = Field(default=0, ge=0)


class PlanDocument(BaseModel):
    """What `PUT /_offline/faults` takes. `limits`, where given, replace those of the command line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    rules: list[Rule] = Field(default_factory=list)
    limits: dict[Vendor, LimitsChange] = Field(default_factory=dict)


class FaultPlan:
    """The plan in force, kept in a file so that a restart goes on with it."""

    def __init__(self, path: Path) -> None:
        """Reads the plan of an earlier run from `path`, if there is one."""
        self._path = path
        self._seen: dict[Vendor, int] = dict.fromkeys(Vendor, 0)
        self._struck: dict[int, int] = {}
        self.document = PlanDocument()
        if path.exists():
            self.document = PlanDocument.model_validate_json(path.read_bytes())

    def replace(self, document: PlanDocument) -> None:
        """Puts another plan in force and starts its counts at nothing. Raises `BadFaultError`."""
        for rule in document.rules:
            try:
                rule.active()
            except ValidationError as error:
                raise BadFaultError(error.errors()[0]["msg"]) from error
        self.document = document
        self._seen = dict.fromkeys(Vendor, 0)
        self._struck = {}
        self._path.write_text(document.model_dump_json(), encoding="utf-8")

    def strike(self, vendor: Vendor, prompt: str, submission: int) -> list[ActiveFault]:
        """The faults for one submission. Chance depends on seed, rule, vendor, prompt and the prompt's own count only.

        So the order in which concurrent submissions arrive does not change who is struck.
        """
        self._seen[vendor] += 1
        struck = []
        for index, rule in enumerate(self.document.rules):
            if rule.vendor not in {None, vendor}:
                continue
            count = self._seen[vendor] if rule.vendor else sum(self._seen.values())
            if rule.nth is not None and count not in rule.nth:
                continue
            if rule.limit is not None and self._struck.get(index, 0) >= rule.limit:
                continue
            if self._chance(index, vendor, prompt, submission) >= rule.probability:
                continue
            fault = rule.active()
            if fault.applies_to(vendor, submission):
                self._struck[index] = self._struck.get(index, 0) + 1
                struck.append(fault)
        return struck

    def _chance(self, index: int, vendor: Vendor, prompt: str, submission: int) -> float:
        """A number from 0 up to, but not including, 1."""
        seed = f"{self.document.seed}|{index}|{vendor}|{submission}|{prompt}"
        return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) / _RESOLUTION
