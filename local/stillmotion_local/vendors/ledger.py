"""The ledger: every accepted generation, every POST and every fault, appended to a file and replayed at start.

Each line is one JSON object with a `kind`. Lines are flushed as they are written, so that a server which is killed has
lost nothing that it answered.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from stillmotion_local.vendors.faults import Fault
from stillmotion_local.vendors.generations import Generation, Vendor


class LineKind(StrEnum):
    """What a line of the file tells."""

    GENERATION = "generation"
    POST = "post"
    STATUS_READ = "status_read"
    DOWNLOAD = "download"
    FAULT = "fault"
    VIOLATION = "violation"


class Violation(StrEnum):
    """Which simulated limit a submission went over."""

    CONCURRENT = "concurrent"
    PER_MINUTE = "per_minute"


class ReceivedPost(BaseModel):
    """One POST as it came in, and how it was answered. `status` is None when no answer was sent."""

    number: int
    at: float
    vendor: Vendor
    path: str
    query: str
    headers: dict[str, str]
    body: JsonValue
    body_bytes: int
    body_sha256: str
    prompt: str | None = None
    status: int | None = None
    lost: Literal["dropped", "never_answered"] | None = None
    generation_id: str | None = None
    replayed: bool = False
    faults: list[Fault] = Field(default_factory=list)


class Strike(BaseModel):
    """One fault at the moment that it took effect; `id` is the generation's, None for a refusal."""

    fault: Fault
    vendor: Vendor
    id: str | None = None


class Account(BaseModel):
    """One vendor's totals."""

    accepted: int = 0
    billed: float = 0.0
    refunded: float = 0.0
    currency: Literal["credits", "dollars"]
    running: int = 0
    peak_concurrency: int = 0
    limit_violations: dict[Violation, int] = Field(default_factory=dict)


class Ledger:
    """The judge of what was paid for."""

    def __init__(self, path: Path) -> None:
        """Replays the lines that an earlier run left in `path`."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._forget()
        if path.exists():
            self._cut_unfinished_line()
            for line in path.read_text(encoding="utf-8").splitlines():
                self._apply(json.loads(line))
        self._file = path.open("a", encoding="utf-8")

    def save(self, generation: Generation) -> None:
        """Writes a generation down as it now is, new or changed."""
        self._write(LineKind.GENERATION, generation.model_dump(mode="json"))
        self._note(generation)

    def record_post(self, post: ReceivedPost) -> None:
        """Writes a POST down: once as it comes in, once more when it is answered."""
        self._write(LineKind.POST, post.model_dump(mode="json"))
        self._note_post(post)

    def count_status_read(self, generation: Generation) -> int:
        """Counts a read of the status. Returns how many there were with this one."""
        self._write(LineKind.STATUS_READ, {"id": generation.id})
        generation.status_reads += 1
        return generation.status_reads

    def count_download(self, generation: Generation) -> int:
        """Counts a fetch of the video. Returns how many there were with this one."""
        self._write(LineKind.DOWNLOAD, {"id": generation.id})
        generation.downloads += 1
        return generation.downloads

    def count_fault(self, fault: Fault, vendor: Vendor, generation_id: str | None = None) -> None:
        """Counts a fault at the moment that it takes effect."""
        strike = Strike(fault=fault, vendor=vendor, id=generation_id)
        self._write(LineKind.FAULT, strike.model_dump(mode="json"))
        self.strikes.append(strike)

    @property
    def fired(self) -> Counter[Fault]:
        """How often each fault has taken effect."""
        return Counter(strike.fault for strike in self.strikes)

    def count_violation(self, violation: Violation, vendor: Vendor) -> None:
        """Counts a submission that went over a simulated limit."""
        self._write(LineKind.VIOLATION, {"violation": violation, "vendor": vendor})
        self.violations[(vendor, violation)] += 1

    def of_vendor(self, vendor: Vendor) -> list[Generation]:
        """A vendor's generations, newest first."""
        found = [generation for generation in self.generations.values() if generation.vendor is vendor]
        return sorted(found, key=lambda generation: (generation.accepted_at, generation.id), reverse=True)

    def with_key(self, vendor: Vendor, key: str, *, since: float) -> Generation | None:
        """The generation that was accepted under an idempotency key at or after a moment."""
        generation = self._by_key.get((vendor, key))
        return generation if generation is not None and generation.accepted_at >= since else None

    def submissions(self, prompt: str, vendor: Vendor | None = None) -> int:
        """How many submissions of this very prompt have come in, at one vendor or at both."""
        vendors = [vendor] if vendor is not None else list(Vendor)
        return sum(len(self._posts_with_prompt.get((one, prompt), ())) for one in vendors)

    def running(self, vendor: Vendor) -> int:
        """How many of a vendor's generations have no final state now."""
        return len(self._running[vendor])

    def account(self, vendor: Vendor) -> Account:
        """A vendor's totals; `refunded` is a part of `billed`."""
        found = self.of_vendor(vendor)
        return Account(
            accepted=len(found),
            billed=round(sum(generation.billed for generation in found), 6),
            refunded=round(sum(generation.billed for generation in found if generation.refunded), 6),
            currency="credits" if vendor is Vendor.APIFRAME else "dollars",
            running=self.running(vendor),
            peak_concurrency=self.peaks[vendor],
            limit_violations={violation: self.violations[(vendor, violation)] for violation in Violation},
        )

    def reset(self) -> None:
        """Forgets everything, on disk too."""
        self._file.close()
        self._path.write_text("", encoding="utf-8")
        self._file = self._path.open("a", encoding="utf-8")
        self._forget()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _forget(self) -> None:
        self.generations: dict[str, Generation] = {}
        self.posts: dict[int, ReceivedPost] = {}
        self.strikes: list[Strike] = []
        self.violations: Counter[tuple[Vendor, Violation]] = Counter()
        self.peaks: dict[Vendor, int] = dict.fromkeys(Vendor, 0)
        self._running: dict[Vendor, set[str]] = {vendor: set() for vendor in Vendor}
        self._by_key: dict[tuple[Vendor, str], Generation] = {}
        self._posts_with_prompt: dict[tuple[Vendor, str], set[int]] = {}

    def _note(self, generation: Generation) -> None:
        self.generations[generation.id] = generation
        if generation.idempotency_key is not None:
            self._by_key[(generation.vendor, generation.idempotency_key)] = generation
        running = self._running[generation.vendor]
        if generation.state.is_final:
            running.discard(generation.id)
        else:
            running.add(generation.id)
        self.peaks[generation.vendor] = max(self.peaks[generation.vendor], len(running))

    def _note_post(self, post: ReceivedPost) -> None:
        self.posts[post.number] = post
        if post.prompt is not None:
            self._posts_with_prompt.setdefault((post.vendor, post.prompt), set()).add(post.number)

    def _apply(self, line: dict[str, JsonValue]) -> None:
        match LineKind(str(line.pop("kind"))):
            case LineKind.GENERATION:
                self._note(Generation.model_validate(line))
            case LineKind.POST:
                self._note_post(ReceivedPost.model_validate(line))
            case LineKind.STATUS_READ:
                self.generations[str(line["id"])].status_reads += 1
            case LineKind.DOWNLOAD:
                self.generations[str(line["id"])].downloads += 1
            case LineKind.FAULT:
                self.strikes.append(Strike.model_validate(line))
            case LineKind.VIOLATION:
                self.violations[(Vendor(str(line["vendor"])), Violation(str(line["violation"])))] += 1

    def _write(self, kind: LineKind, fields: Mapping[str, JsonValue]) -> None:
        self._file.write(json.dumps({"kind": kind, **fields}) + "\n")
        self._file.flush()

    def _cut_unfinished_line(self) -> None:
        """A server that was killed may have left half a line: it was never answered for."""
        written = self._path.read_bytes()
        if not written.endswith(b"\n"):
            self._path.write_bytes(written[: written.rfind(b"\n") + 1])

    def __iter__(self) -> Iterator[Generation]:
        """All generations in the order in which they were accepted."""
        return iter(self.generations.values())
