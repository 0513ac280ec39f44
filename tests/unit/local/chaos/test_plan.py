"""The plan is the same for the same seed, gives every fault its share, and puts none behind one that ends the job."""

import pytest

from stillmotion_local.chaos.plan import MIN_SEEN, SPARE_FROM_JOBS, number_in, plan_of, planned
from stillmotion_local.chaos.variants import Group
from stillmotion_local.vendors.faults import faults_in

SEEDS = range(1, 9)


def test_the_same_seed_is_the_same_plan_and_another_is_not() -> None:
    assert plan_of(80, 3) == plan_of(80, 3)
    assert plan_of(80, 3) != plan_of(80, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_has_one_more_than_its_share_in_a_large_run(seed: int) -> None:
    assert min(planned(plan_of(SPARE_FROM_JOBS, seed)).values()) > MIN_SEEN


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_and_twenty_jobs_are_enough_for_every_fault(seed: int) -> None:
    assert min(planned(plan_of(120, seed)).values()) >= MIN_SEEN


@pytest.mark.parametrize("jobs", [1, 7, 100, 333])
def test_each_job_is_played_once(jobs: int) -> None:
    assert sorted(play.number for play in plan_of(jobs, 1)) == list(range(jobs))


def test_every_prompt_can_be_read_back() -> None:
    for play in plan_of(300, 1):
        assert number_in(play.prompt) == play.number
        written = [variant.fault for variant in play.variants if variant.fault]
        assert [fault.name for fault in faults_in(play.prompt)] == written


def test_nothing_follows_a_fault_that_ends_the_job_but_the_news_of_it() -> None:
    for play in plan_of(300, 1):
        for place, variant in enumerate(play.variants[:-1]):
            if play.shape.vendor in variant.ends_here:
                assert {later.group for later in play.variants[place + 1 :]} <= {Group.WEBHOOK}


def test_a_job_has_no_fault_twice() -> None:
    for play in plan_of(300, 1):
        faults = [variant.fault for variant in play.variants if variant.fault]
        assert len(faults) == len(set(faults))


def test_of_two_faults_of_a_video_that_pass_the_second_strikes_the_second_fetch() -> None:
    found = 0
    for play in plan_of(300, 1):
        passing = [
            text
            for text, variant in zip(play.texts, play.variants, strict=True)
            if variant.group is Group.VIDEO and variant.passes and variant.fault
        ]
        found += len(passing) == 2
        assert [f"times={number}" in text for number, text in enumerate(passing, 1)] == [True] * len(passing)
    assert found > 0


def test_a_generation_that_is_to_fail_fails_at_the_submission_that_is_taken_too() -> None:
    for play in plan_of(300, 1):
        groups = [variant.group for variant in play.variants]
        if Group.POST in groups and Group.ENDING in groups:
            assert "times=1" not in play.texts[groups.index(Group.ENDING)]


def test_what_takes_long_begins_early() -> None:
    plays = plan_of(200, 1)
    assert not any(play.is_long for play in plays[100:])
