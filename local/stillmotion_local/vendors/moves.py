"""Camera moves: where an imagined camera looks at each moment of a video.

A move turns a moment (0 at the first frame, 1 at the last) into a `View`: a window on the picture. Every concept that
Luma knows is mapped to a family of moves; what a flat picture cannot show (parallax, another viewpoint) is stood in
for by the plane motion that comes nearest to it.

Source of the concepts: the closed list of Apiframe's OpenAPI for Luma Ray 2 Flash.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Concept(StrEnum):
    """The 34 camera concepts of Luma Ray 2."""

    TRUCK_LEFT = "truck_left"
    TRUCK_RIGHT = "truck_right"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    PEDESTAL_UP = "pedestal_up"
    PEDESTAL_DOWN = "pedestal_down"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"
    ROLL_LEFT = "roll_left"
    ROLL_RIGHT = "roll_right"
    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"
    DOLLY_ZOOM = "dolly_zoom"
    ORBIT_LEFT = "orbit_left"
    ORBIT_RIGHT = "orbit_right"
    CRANE_UP = "crane_up"
    CRANE_DOWN = "crane_down"
    AERIAL = "aerial"
    AERIAL_DRONE = "aerial_drone"
    LOW_ANGLE = "low_angle"
    HIGH_ANGLE = "high_angle"
    EYE_LEVEL = "eye_level"
    GROUND_LEVEL = "ground_level"
    OVER_THE_SHOULDER = "over_the_shoulder"
    POV = "pov"
    SELFIE = "selfie"
    HANDHELD = "handheld"
    STATIC = "static"
    BOLT_CAM = "bolt_cam"
    OVERHEAD = "overhead"
    ELEVATOR_DOORS = "elevator_doors"
    TINY_PLANET = "tiny_planet"


@dataclass(frozen=True, slots=True)
class View:
    """A window on a picture whose edges are at -1 and +1 in both directions.

    `x` and `y` place its centre (y grows downwards), `zoom` magnifies (1 shows the whole picture), `roll` turns it
    clockwise and `lean` slants it, both in degrees.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    roll: float = 0.0
    lean: float = 0.0

    @property
    def is_upright(self) -> bool:
        """True when the window's edges are parallel to the picture's."""
        return self.roll == 0.0 and self.lean == 0.0

    def __add__(self, other: "View") -> "View":
        """Both views at once: shifts and angles add up, zooms multiply."""
        return View(
            x=self.x + other.x,
            y=self.y + other.y,
            zoom=self.zoom * other.zoom,
            roll=self.roll + other.roll,
            lean=self.lean + other.lean,
        )

    def corners(self, aspect: float) -> list[tuple[float, float]]:
        """The window's corners on the picture: upper left, upper right, lower left, lower right.

        `aspect` is the picture's width over its height: without it a roll would also stretch.
        """
        (across, down) = self.axes(aspect)
        return [
            (self.x + sx * across[0] + sy * down[0], self.y + sx * across[1] + sy * down[1])
            for sy in (-1, 1)
            for sx in (-1, 1)
        ]

    def axes(self, aspect: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """The half width and the half height of the window, as vectors on the picture."""
        turn = math.radians(self.roll)
        slant = math.tan(math.radians(self.lean))
        across = (math.cos(turn) / self.zoom, (math.sin(turn) + slant) * aspect / self.zoom)
        down = (-math.sin(turn) / aspect / self.zoom, math.cos(turn) / self.zoom)
        return (across, down)


Move = Callable[[float], View]


def _between(start: float, end: float, moment: float) -> float:
    return start + (end - start) * moment


def _slide(x: float, y: float, zoom: float = 1.28) -> Move:
    """Across the picture, from one side of its middle to the other."""
    return lambda moment: View(x=_between(-x, x, moment), y=_between(-y, y, moment), zoom=zoom)


def _magnify(start: float, end: float, *, x: float = 0.0, y: float = 0.0) -> Move:
    """In or out; multiplied evenly, so that the speed looks constant. `x`, `y` is where it leads to."""

    def view(moment: float) -> View:
        return View(x=x * moment, y=y * moment, zoom=start * (end / start) ** moment)

    return view


def _roll(degrees: float) -> Move:
    return lambda moment: View(roll=_between(0.0, degrees, moment), zoom=1.12)


def _orbit(direction: float) -> Move:
    """Round the subject: a sideways arc, nearest in the middle, the picture leaning as it passes."""

    def view(moment: float) -> View:
        side = _between(-1.0, 1.0, moment)
        return View(x=0.14 * direction * side, lean=3.5 * direction * side, zoom=1.30 + 0.06 * (1 - side * side))

    return view


def _crane(direction: float) -> Move:
    """Up or down on an arm: a long rise that widens as it goes."""

    def view(moment: float) -> View:
        return View(y=direction * _between(-0.2, 0.1, moment), zoom=_between(1.38, 1.16, moment))

    return view


def _fly(degrees: float) -> Move:
    """From the air: forwards with a slow banking turn."""
    return lambda moment: View(
        roll=_between(-degrees, degrees, moment), y=_between(0.06, -0.06, moment), zoom=_between(1.15, 1.35, moment)
    )


def _shake(strength: float, zoom_end: float) -> Move:
    """A hand that holds a camera: a few slow waves that never repeat within the video."""

    def view(moment: float) -> View:
        turn = 2 * math.pi * moment
        x = math.sin(3.1 * turn + 0.4) + 0.6 * math.sin(7.3 * turn + 1.9) + 0.25 * math.sin(13.7 * turn)
        y = math.sin(2.3 * turn + 2.2) + 0.6 * math.sin(6.1 * turn + 0.7) + 0.25 * math.sin(11.9 * turn)
        return View(x=strength * x, y=strength * y, zoom=_between(1.10, zoom_end, moment))

    return view


def _dolly_zoom(moment: float) -> View:
    """Vertigo: the frame tightens while it breathes out once, as if lens and dolly worked against each other."""
    return View(zoom=_between(1.0, 1.42, moment) * (1 - 0.07 * math.sin(2 * math.pi * moment)))


def _bolt(moment: float) -> View:
    """A robot arm: rest, a very fast push with a swing, rest."""
    burst = 1 / (1 + math.exp(-18 * (moment - 0.5)))
    return View(x=_between(-0.1, 0.06, burst), zoom=_between(1.12, 1.62, burst))


_GENTLE_PUSH = _magnify(1.0, 1.22)

_MOVES: dict[Concept, Move] = {
    Concept.TRUCK_LEFT: _slide(-0.22, 0.0),
    Concept.TRUCK_RIGHT: _slide(0.22, 0.0),
    Concept.PAN_LEFT: _slide(-0.17, 0.0, 1.22),
    Concept.PAN_RIGHT: _slide(0.17, 0.0, 1.22),
    Concept.PEDESTAL_UP: _slide(0.0, -0.22),
    Concept.PEDESTAL_DOWN: _slide(0.0, 0.22),
    Concept.TILT_UP: _slide(0.0, -0.17, 1.22),
    Concept.TILT_DOWN: _slide(0.0, 0.17, 1.22),
    Concept.ROLL_LEFT: _roll(10.0),
    Concept.ROLL_RIGHT: _roll(-10.0),
    Concept.ZOOM_IN: _magnify(1.0, 1.5),
    Concept.ZOOM_OUT: _magnify(1.5, 1.0),
    Concept.PUSH_IN: _magnify(1.0, 1.35),
    Concept.PULL_OUT: _magnify(1.35, 1.0),
    Concept.DOLLY_ZOOM: _dolly_zoom,
    Concept.ORBIT_LEFT: _orbit(-1.0),
    Concept.ORBIT_RIGHT: _orbit(1.0),
    Concept.CRANE_UP: _crane(-1.0),
    Concept.CRANE_DOWN: _crane(1.0),
    Concept.AERIAL: _fly(2.0),
    Concept.AERIAL_DRONE: _fly(4.0),
    Concept.LOW_ANGLE: _magnify(1.05, 1.3, y=-0.12),
    Concept.HIGH_ANGLE: _magnify(1.05, 1.3, y=0.12),
    Concept.EYE_LEVEL: _magnify(1.0, 1.15),
    Concept.GROUND_LEVEL: _magnify(1.05, 1.3, y=0.18),
    Concept.OVER_THE_SHOULDER: _magnify(1.05, 1.35, x=0.15, y=-0.05),
    Concept.POV: _shake(0.012, 1.35),
    Concept.SELFIE: _shake(0.016, 1.16),
    Concept.HANDHELD: _shake(0.020, 1.10),
    Concept.STATIC: _magnify(1.0, 1.02),
    Concept.BOLT_CAM: _bolt,
    Concept.OVERHEAD: _fly(3.0),
    Concept.ELEVATOR_DOORS: _slide(0.0, -0.25, 1.34),
    Concept.TINY_PLANET: lambda moment: View(roll=_between(0.0, 24.0, moment), zoom=_between(1.6, 1.2, moment)),
}


def _eased(moment: float) -> float:
    """Starts and stops softly, as a camera on rails does; almost even in between."""
    soft = moment * moment * (3 - 2 * moment)
    return 0.4 * moment + 0.6 * soft


def _there_and_back(moment: float) -> float:
    return (1 - math.cos(2 * math.pi * moment)) / 2


def plan_views(concepts: Sequence[Concept], *, frame_count: int, aspect: float, loop: bool = False) -> list[View]:
    """Plans one view per frame, none of which leaves the picture.

    Several concepts are played together. With `loop` the last view is the first one again.
    """
    moves = [_MOVES[concept] for concept in dict.fromkeys(concepts)] or [_GENTLE_PUSH]
    views = []
    for frame in range(frame_count):
        moment = frame / max(1, frame_count - 1)
        progress = _there_and_back(moment) if loop else _eased(moment)
        view = View()
        for move in moves:
            view += move(progress)
        views.append(view)
    # One common magnification keeps every corner of every frame on the picture, so that no border ever shows.
    reach = max(max(abs(x), abs(y)) for view in views for (x, y) in view.corners(aspect))
    shrink = min(1.0, 1.0 / reach)
    return [
        View(x=view.x * shrink, y=view.y * shrink, zoom=view.zoom / shrink, roll=view.roll, lean=view.lean)
        for view in views
    ]
