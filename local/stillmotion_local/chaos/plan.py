"""Who suffers what: the same jobs and faults for the same number and seed, whatever the machine does.

Each kind of fault is dealt out until every one has its share, and what is left over by chance. A job has at most one
fault of each stage of its life (two of its video), and none behind a fault that ends it.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stillmotion_local.chaos.variants import VARIANTS, Arrival, Group, Sign, Variant, of_group

MIN_SEEN = 5
# One more than must be seen for so many jobs: a fault may find nothing left to strike.
SPARE_FROM_JOBS = 150
SIDECAR_EVERY = 3
INBOX_ARRIVAL_EVERY = 3
API_ARRIVAL_EVERY = 2
_NUMBER = re.compile(r"\[\[note:play=(\d+)\]\]")


class Frame(StrEnum):
    """How a job is to go in the large."""

    REFUSED = "refused"
    ENDING = "ending"
    LATE = "late"
    FULL = "full"
    CLEAN = "clean"


STAGES: Mapping[Frame, Sequence[Group]] = {
    Frame.CLEAN: (),
    Frame.REFUSED: (Group.REFUSED,),
    Frame.ENDING: (Group.POST, Group.ENDING, Group.WEBHOOK),
    Frame.LATE: (Group.LATE, Group.WEBHOOK, Group.VIDEO, Group.VIDEO),
    Frame.FULL: (Group.POST, Group.WEBHOOK, Group.READ, Group.VIDEO, Group.VIDEO),
}


@dataclass(frozen=True)
class Shape:
    """A kind of request, and the vendor that it goes to first."""

    vendor: str
    fields: Mapping[str, Any]
    by_api: bool = False
    has_image: bool = True


SHAPES: tuple[Shape, ...] = (
    Shape("wavespeed", {"duration": 5}),
    Shape("apiframe", {"duration": 9}),
    Shape("wavespeed", {"duration": 10, "vendor": "wavespeed"}, by_api=True),
    Shape("apiframe", {"duration": 5, "vendor": "apiframe"}),
    Shape("wavespeed", {"duration": 5, "vendor": "wavespeed"}),
    Shape("apiframe", {"duration": 5, "concepts": ["push_in"]}),
    Shape("wavespeed", {"duration": 10}),
    Shape("apiframe", {"duration": 5, "loop": True}, by_api=True),
    Shape("wavespeed", {"duration": 5, "vendor": "auto"}),
    Shape("apiframe", {"duration": 9, "vendor": "apiframe"}, by_api=True, has_image=False),
)


@dataclass(frozen=True)
class Play:
    """One job of the run. `number` is told by its prompt, and so by every ledger."""

    number: int
    shape: Shape
    variants: tuple[Variant, ...]
    texts: tuple[str, ...]
    arrivals: tuple[Arrival, ...] = ()

    @property
    def prompt(self) -> str:
        return " ".join(("A slow look around", f"[[note:play={self.number}]]", *self.texts))

    @property
    def names(self) -> tuple[str, ...]:
        """The rows of the table that it counts in, but for what befalls everybody."""
        return (*(variant.name for variant in self.variants), *self.arrivals)

    @property
    def has_sidecar(self) -> bool:
        return not self.shape.by_api and self.number % SIDECAR_EVERY == 0

    @property
    def is_long(self) -> bool:
        return any(variant.is_long for variant in self.variants)


def number_in(prompt: object) -> int | None:
    """The number of the play that a prompt belongs to."""
    found = _NUMBER.search(prompt) if isinstance(prompt, str) else None
    return int(found[1]) if found else None


def plan_of(jobs: int, seed: int) -> list[Play]:
    """The plays in the order in which they are dropped: those that take long are among the first half."""
    plays = list(_Dealer(jobs, seed).plays())
    late_ones = [play for play in plays[jobs // 2 :] if play.is_long]
    early_ones = [play for play in plays[: jobs // 2] if not play.is_long]
    swapped = {play.number: other for play, other in zip(late_ones, early_ones, strict=False)}
    swapped |= {other.number: play for play, other in zip(late_ones, early_ones, strict=False)}
    return [swapped.get(play.number, play) for play in plays]


class _Dealer:
    """Deals faults to jobs."""

    def __init__(self, jobs: int, seed: int) -> None:
        self._jobs = jobs
        self._chance = random.Random(f"{seed}")  # noqa: S311 - a plan, not a secret
        self._share = MIN_SEEN + jobs // SPARE_FROM_JOBS
        self._dealt: Counter[str] = Counter()

    def plays(self) -> Iterator[Play]:
        frames = self._frames()
        shapes = [SHAPES[number % len(SHAPES)] for number in range(self._jobs)]
        self._chance.shuffle(shapes)
        for number, (frame, shape) in enumerate(zip(frames, shapes, strict=True)):
            variants = self._variants(frame, shape)
            yield Play(number, shape, tuple(variants), self._texts(variants), self._arrivals(number, shape))

    def _frames(self) -> list[Frame]:
        """Enough of each kind for the faults that end a job, the rest for those that do not."""
        wanted = {
            Frame.REFUSED: self._share * len(of_group(Group.REFUSED)),
            Frame.ENDING: self._share * len(of_group(Group.ENDING)),
            Frame.LATE: self._share * len(of_group(Group.LATE)),
            Frame.CLEAN: self._jobs // 20,
        }
        frames = [frame for frame, count in wanted.items() for _ in range(count)]
        self._chance.shuffle(frames)
        # A run that is too small for all has the same mix of what there is.
        most = self._jobs * 7 // 10
        frames = frames[:most]
        frames += [Frame.FULL] * (self._jobs - len(frames))
        self._chance.shuffle(frames)
        return frames

    def _variants(self, frame: Frame, shape: Shape) -> list[Variant]:
        chosen: list[Variant] = []
        for stage in STAGES[frame]:
            if any(shape.vendor in variant.ends_here for variant in chosen):
                # Webhooks tell of an ending too.
                told = stage is Group.WEBHOOK and chosen[-1].group is Group.ENDING
                if not told:
                    break
            if stage in (Group.READ, Group.VIDEO) and _is_unheard_of(chosen, shape.vendor):
                continue
            may_end = frame is Frame.FULL or stage not in (Group.POST, Group.VIDEO)
            variant = self._deal(stage, shape, chosen, may_end=may_end)
            if variant is not None:
                chosen.append(variant)
        # What passes strikes before what stays.
        return sorted(chosen, key=lambda variant: variant.group is Group.VIDEO and not variant.passes)

    def _deal(self, group: Group, shape: Shape, chosen: list[Variant], *, may_end: bool) -> Variant | None:
        """The one that is furthest from its share; past that, any, or none."""
        fitting = [
            variant
            for variant in of_group(group)
            if variant.vendor in (None, shape.vendor)
            and (may_end or shape.vendor not in variant.ends_here)
            and not any(_excludes(variant, other) for other in chosen)
        ]
        short = min(map(self._turn, fitting))
        if short >= self._share and self._chance.random() < 1 / 3:
            return None
        variant = self._chance.choice(
            [variant for variant in fitting if self._turn(variant) == short or short >= self._share]
        )
        self._dealt[variant.name] += 1
        return variant

    def _texts(self, variants: list[Variant]) -> tuple[str, ...]:
        """What the prompt says of each. Faults count the submissions and fetches before them."""
        texts = []
        is_sent_again = any(variant.group is Group.POST for variant in variants)
        fetches = 0
        for variant in variants:
            text = variant.texts[0] if is_sent_again and not variant.passes else self._chance.choice(variant.texts)
            if variant.group is Group.VIDEO and variant.passes and variant.sign is Sign.STRIKE:
                fetches += 1
                text = text.replace("times=1", f"times={fetches}")
            texts.append(text)
        return tuple(texts)

    def _turn(self, variant: Variant) -> int:
        """How often it was dealt. One that only some jobs can have goes before the others."""
        dealt = self._dealt[variant.name]
        return 0 if variant.vendor is not None and dealt < self._share else dealt

    def _arrivals(self, number: int, shape: Shape) -> tuple[Arrival, ...]:
        if self._chance.randrange(API_ARRIVAL_EVERY if shape.by_api else INBOX_ARRIVAL_EVERY):
            return ()
        if shape.by_api:
            return (Arrival.KEY_TWICE,)
        return (Arrival.EVENT_TWICE if number % 2 else Arrival.DROPPED_AGAIN,)


def _excludes(one: Variant, other: Variant) -> bool:
    """Whether a job cannot have both: the same fault, two of a video that stay, or a death after no upload."""
    if one == other or (one.fault is not None and one.fault is other.fault):
        return True
    if one.group is not Group.VIDEO or other.group is not Group.VIDEO:
        return False
    both = (one, other)
    stays_and_stays = not any(variant.passes for variant in both)
    never_uploaded = any(variant.ends_here for variant in both) and any(variant.sign is Sign.KILL for variant in both)
    return stays_and_stays or never_uploaded


def _is_unheard_of(chosen: list[Variant], vendor: str) -> bool:
    """Whether the vendor's answer is lost, it knows no keys, and its webhook is lost too: nothing can follow."""
    is_silent = any(variant.is_silent for variant in chosen)
    is_untold = any(variant.name == "webhook_lost" for variant in chosen)
    return vendor == "wavespeed" and is_silent and is_untold


def planned(plays: list[Play]) -> Counter[str]:
    """How many jobs each row of the table is planned for."""
    return Counter({variant.name: 0 for variant in VARIANTS} | Counter(name for play in plays for name in play.names))
