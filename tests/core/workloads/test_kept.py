"""Contexts that are kept between turns, in blocks of 16 tokens, by hand."""

import pytest

from llm_calc.core.workloads.kept import Kept, LowerTier
from llm_calc.core.workloads.stream import Tier


def kept(*tokens: float) -> Kept:
    """Contexts 0, 1, ... of so many tokens, the first the least recently used."""
    found = Kept(16.0)
    for key, each in enumerate(tokens):
        found.keep(key, each)
    return found


@pytest.mark.parametrize(
    ("most", "left"),
    [
        (97.0, {0: 48.0, 1: 48.0}),
        (96.0, {0: 48.0, 1: 48.0}),
        (95.0, {0: 32.0, 1: 48.0}),  # a token too many takes a block from the end of the first
        (80.0, {0: 32.0, 1: 48.0}),
        (79.0, {0: 16.0, 1: 48.0}),
        (64.0, {0: 16.0, 1: 48.0}),
        (63.0, {1: 48.0}),
        (48.0, {1: 48.0}),
        (47.0, {1: 32.0}),
        (16.0, {1: 16.0}),
        (15.0, {}),
        (0.0, {}),
        (-5.0, {}),
    ],
)
def test_the_least_recently_used_leave_from_their_ends(most: float, left: dict[int, float]) -> None:
    found = kept(48.0, 48.0)
    found.trim(most)
    assert (found.lengths, found.total) == (left, sum(left.values()))


def test_who_is_used_again_leaves_last() -> None:
    found = kept(16.0, 32.0)
    found.keep(0, 48.0)
    assert (list(found.lengths), found.total) == ([1, 0], 80.0)
    found.trim(48.0)
    assert found.lengths == {0: 48.0}


def test_nothing_is_not_kept_and_what_is_not_there_is_nothing() -> None:
    found = kept(0.0, 16.0)
    assert (found.lengths, found.total) == ({1: 16.0}, 16.0)
    assert (found.take(7), found.take(1), found.take(1), found.total) == (0.0, 16.0, 0.0, 0.0)


def test_a_tier_of_a_group_has_its_share_of_room_and_of_speed() -> None:
    """Of 128 tokens and 1000 a second, four sessions that move as one have 32 each, and 4 ms a token."""
    tier = LowerTier(Tier(name="host", capacity_tokens=128.0, tokens_per_s=1000.0), 16.0, 4.0)
    assert (tier.capacity, tier.seconds_per_token) == (32.0, 0.004)
    tier.store(1, 32.0)
    tier.store(1, 16.0)  # what is there stays
    assert tier.kept.lengths == {1: 32.0}
    tier.store(2, 16.0)
    assert tier.kept.lengths == {1: 16.0, 2: 16.0}
