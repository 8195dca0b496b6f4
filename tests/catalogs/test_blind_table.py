"""Held-out errors by collection: which measurements a range that others give holds."""

import numpy as np

from tools.calibrate.blind import held_by_others


def test_a_group_is_held_by_the_range_of_the_others() -> None:
    """Nine groups within 0.1 hold each other; the tenth, far off, is held by none of them."""
    spread = np.linspace(-0.1, 0.1, 20)
    residuals = np.concatenate([np.tile(spread, 9), np.full(20, 2.0)])
    groups = np.repeat([f"group {number}" for number in range(10)], 20)
    held = held_by_others(residuals, groups)
    assert held[:180].mean() > 0.75
    assert not held[180:].any()


def test_one_group_alone_is_held_by_nobody() -> None:
    assert not held_by_others(np.zeros(5), np.array(["one"] * 5)).any()
