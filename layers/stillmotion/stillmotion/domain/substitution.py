"""What each vendor makes, and the nearest to a request that it makes: what is lost that way is named.

What each vendor can do is read from its documents: WaveSpeed's Ray 2 Flash page is image-to-video at 5 or 10 s in two
sizes; Apiframe's `luma-ray-flash-2` is 5 or 9 s with all ratios, end images, loops and concepts.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import get_args

import msgspec
from msgspec.structs import replace

from stillmotion.domain.job.records import Job, Substitution
from stillmotion.domain.request import MAX_PROMPT, AspectRatio, Concept, Duration, FieldError, Request, VendorName

DURATIONS: Mapping[VendorName, tuple[Duration, ...]] = {VendorName.APIFRAME: (5, 9), VendorName.WAVESPEED: (5, 10)}
"""In seconds."""
WAVESPEED_RATIOS: frozenset[AspectRatio] = frozenset({"16:9", "9:16"})

_NEAREST_RATIO: Mapping[AspectRatio, AspectRatio] = {"21:9": "16:9", "4:3": "16:9", "3:4": "9:16"}
_WORDS: Mapping[Concept, str] = {"pov": "point of view", "bolt_cam": "very fast bolt camera"}


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A request as one vendor can be sent it.

    `objections` are what the vendor does not make as it was asked for; each is met by the substitution in its field,
    or stands among `unmet`.
    """

    request: Request
    substitutions: tuple[Substitution, ...] = ()
    objections: tuple[FieldError, ...] = ()
    unmet: tuple[FieldError, ...] = ()


def vendors_of(request: Request) -> tuple[VendorName, ...]:
    """Whom a request may go to, whether they make it or not."""
    return tuple(VendorName) if request.vendor == "auto" else (VendorName(request.vendor),)


def nearest_duration(request: Request, seconds: Decimal) -> Duration:
    """The duration nearest to `seconds` in which somebody makes all else of the request; of two, the shorter.

    Where nobody does, the nearest that is sold.
    """
    sold: list[Duration] = sorted(get_args(Duration), key=lambda duration: (abs(duration - seconds), duration))
    made = (
        duration
        for duration in sold
        if any(not objections(vendor, replace(request, duration=duration)) for vendor in vendors_of(request))
    )
    return next(made, sold[0])


def orientation(width: int | None, height: int | None) -> AspectRatio:
    """The ratio by an image's upright pixels: wide unless it is known to be tall."""
    return "9:16" if width is not None and height is not None and height > width else "16:9"


def fit(vendor: VendorName, request: Request, width: int | None = None, height: int | None = None) -> Fit:
    """The nearest to `request` that `vendor` makes; the image's upright pixels decide for a square."""
    found = tuple(objections(vendor, request))
    given, made, unmet = request, [], []
    for objection in found:
        step = _nearest(vendor, given, objection, orientation(width, height))
        if isinstance(step, FieldError):
            unmet.append(step)
        else:
            given, substitution = step
            made.append(substitution)
    return Fit(request=given, substitutions=tuple(made), objections=found, unmet=tuple(unmet))


def as_sent(job: Job) -> Request | None:
    """The request of a job as the vendor makes it that has it, or whose slot it waits for; None where there is none."""
    vendor = job.line or (job.attempt.vendor if job.attempt else None)
    if job.request is None or vendor is None or not job.request.allow_substitution:
        return job.request
    width, height = (job.still.width, job.still.height) if job.still else (None, None)
    return fit(vendor, job.request, width, height).request


def objections(vendor: VendorName, request: Request) -> list[FieldError]:
    """Every reason why `vendor` cannot serve the whole of `request`; empty when it can."""
    found = []
    if vendor is VendorName.WAVESPEED and request.image is None:
        found.append(FieldError("image", "is required by wavespeed, which makes no video from a prompt alone"))
    if request.duration not in DURATIONS[vendor]:
        made = " or ".join(map(str, DURATIONS[vendor]))
        found.append(
            FieldError("duration", f"{request.duration} s is not made by {vendor}, which makes {made} s"),
        )
    if vendor is VendorName.WAVESPEED:
        found += _wavespeed_objections(request)
    return found


def _wavespeed_objections(request: Request) -> list[FieldError]:
    found = []
    if request.aspect_ratio is not None and request.aspect_ratio not in WAVESPEED_RATIOS:
        found.append(FieldError("aspect_ratio", f"{request.aspect_ratio} is not made by wavespeed: 16:9 or 9:16"))
    if request.end_image is not None:
        found.append(FieldError("end_image", "is not taken by wavespeed"))
    if request.loop:
        found.append(FieldError("loop", "is not made by wavespeed"))
    if request.concepts:
        found.append(FieldError("concepts", "are not taken by wavespeed"))
    return found


def _nearest(
    vendor: VendorName, request: Request, objection: FieldError, turned: AspectRatio
) -> tuple[Request, Substitution] | FieldError:
    """The request with one objection met, and how; or why it cannot be met."""
    match objection.field:
        case "duration":
            nearest = min(DURATIONS[vendor], key=lambda made: abs(made - request.duration))
            substitution = Substitution(field="duration", asked=f"{request.duration} s", given=f"{nearest} s")
            return replace(request, duration=nearest), substitution
        case "aspect_ratio" if request.aspect_ratio is not None:
            ratio = _NEAREST_RATIO.get(request.aspect_ratio, turned)
            substitution = Substitution(field="aspect_ratio", asked=request.aspect_ratio, given=ratio)
            return replace(request, aspect_ratio=ratio), substitution
        case "concepts":
            return _in_words(request, objection)
        case _:
            return objection


def _in_words(request: Request, objection: FieldError) -> tuple[Request, Substitution] | FieldError:
    """Camera moves said at the end of the prompt, where it stays short enough for that."""
    moves = ", ".join(_WORDS.get(concept, concept.replace("_", " ")) for concept in request.concepts)
    prompt = request.prompt.rstrip()
    sentence = prompt if prompt.endswith((".", "!", "?", "…")) else f"{prompt}."
    prompt = f"{sentence} Camera: {moves}."
    if len(prompt) > MAX_PROMPT:
        rule = f"{objection.rule}, and said in words they make the prompt longer than {MAX_PROMPT} characters"
        return FieldError("concepts", rule)
    substitution = Substitution(
        field="concepts", asked=", ".join(request.concepts), given=f'the words "Camera: {moves}."'
    )
    return replace(request, prompt=prompt, concepts=()), substitution
