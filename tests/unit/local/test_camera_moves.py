"""Camera moves stay on the picture, and each concept has one."""

import pytest

from stillmotion_local.vendors.moves import Concept, View, plan_views

WIDE = 16 / 9


@pytest.mark.parametrize("aspect", [WIDE, 9 / 16, 21 / 9])
@pytest.mark.parametrize("concept", list(Concept))
def test_no_view_ever_leaves_the_picture(concept: Concept, aspect: float) -> None:
    for view in plan_views([concept], frame_count=48, aspect=aspect):
        assert all(abs(x) <= 1 + 1e-9 and abs(y) <= 1 + 1e-9 for (x, y) in view.corners(aspect))


@pytest.mark.parametrize("concept", list(Concept))
def test_every_concept_moves(concept: Concept) -> None:
    views = plan_views([concept], frame_count=48, aspect=WIDE)
    assert views[0] != views[-1]


@pytest.mark.parametrize("concept", list(Concept))
def test_a_loop_ends_where_it_began(concept: Concept) -> None:
    views = plan_views([concept], frame_count=48, aspect=WIDE, loop=True)
    (first, last) = (views[0], views[-1])
    assert (last.x, last.y, last.zoom, last.roll, last.lean) == pytest.approx(
        (first.x, first.y, first.zoom, first.roll, first.lean), abs=1e-6
    )


def test_all_34_concepts_are_known() -> None:
    assert len(Concept) == 34


@pytest.mark.parametrize(
    ("concept", "axis", "sign"),
    [
        (Concept.TRUCK_LEFT, "x", -1),
        (Concept.PAN_RIGHT, "x", 1),
        (Concept.PEDESTAL_UP, "y", -1),
        (Concept.TILT_DOWN, "y", 1),
        (Concept.CRANE_UP, "y", -1),
        (Concept.PUSH_IN, "zoom", 1),
        (Concept.PULL_OUT, "zoom", -1),
    ],
)
def test_a_concept_moves_the_way_it_says(concept: Concept, axis: str, sign: int) -> None:
    views = plan_views([concept], frame_count=48, aspect=WIDE)
    assert sign * (getattr(views[-1], axis) - getattr(views[0], axis)) > 0


def test_no_concept_is_a_gentle_push_in_from_the_whole_picture() -> None:
    views = plan_views([], frame_count=48, aspect=WIDE)
    assert views[0] == View()
    assert 1.1 < views[-1].zoom < 1.4


def test_two_concepts_are_played_together() -> None:
    views = plan_views([Concept.PUSH_IN, Concept.ROLL_LEFT], frame_count=48, aspect=WIDE)
    assert views[-1].zoom > views[0].zoom
    assert views[-1].roll > views[0].roll
