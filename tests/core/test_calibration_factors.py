"""Which factors a caller's measurements are fitted to, and how they become scales."""

import numpy as np
import pytest

from llm_calc.core.calibration_factors import FACTORS, scales_of

PRIORS = {factor.name: factor.prior for factor in FACTORS}


def test_five_factors_that_share_no_efficiency() -> None:
    """As the page of planning says."""
    names = [name for factor in FACTORS for name in factor.efficiencies]
    assert len(FACTORS) == 5
    assert len(set(names)) == len(names)


def test_what_hardware_fixes_is_held_closer_than_what_software_does() -> None:
    """From a fifth to a half, as the page of planning says: bandwidth first, the server before a first token last."""
    order = [
        "memory bandwidth",
        "arithmetic",
        "time of collectives",
        "time of the server before a first token",
    ]
    widths = [PRIORS[name] for name in order]
    assert (widths[0], widths[-1]) == (0.2, 0.5)
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)


def test_scales_are_powers_of_e_within_their_bounds() -> None:
    logs = np.log([2.0, 0.5, 1.0, 10.0, 0.01])
    scales = scales_of(logs, 4.0)
    for factor, wanted in zip(FACTORS, (2.0, 0.5, 1.0, 4.0, 0.25), strict=True):
        for name in factor.efficiencies:
            assert scales[name] == pytest.approx(wanted)
            assert 0.25 <= scales[name] <= 4.0
