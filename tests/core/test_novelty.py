"""Which held-out errors a question gets, by how new it is to the fit."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from llm_calc.core.calibration import HeldOutError
from llm_calc.core.novelty import Newness, errors_told, widened


def error(held_out: str, low: float, high: float, **of: str) -> HeldOutError:
    return HeldOutError(
        load="closed_loop",
        metric="tpot_s",
        held_out=held_out,
        measurements=50,
        mean_fraction=0.1,
        median_fraction=0.1,
        low_log=low,
        high_log=high,
        **of,
    )


ERRORS = [
    error("row", -0.1, 0.1),
    error("row", -0.6, 0.05, pair="sglang/cdna3"),
    error("model", -0.2, 0.3),
    error("gpu", -0.15, 0.2),
    error("vendor", -0.3, 0.4),
    error("vendor", -0.3, 0.4, maker="nvidia"),
    error("vendor", 0.0, 1.5, maker="other"),
]
NVIDIA = Newness(place="gpu", pair="vllm/hopper", maker="nvidia")


def bounds(new: Newness, errors: Sequence[HeldOutError] = ERRORS) -> tuple[float, float]:
    (told,) = errors_told(errors, new)
    return told.low_log, told.high_log


def test_a_place_has_a_range_of_its_own() -> None:
    assert bounds(NVIDIA) == (-0.15, 0.2)


@pytest.mark.parametrize(("maker", "expected"), [("nvidia", (-0.3, 0.4)), ("other", (0.0, 1.5))])
def test_a_vendor_that_an_engine_never_ran_on_gets_what_its_maker_showed(
    maker: str, expected: tuple[float, float]
) -> None:
    assert bounds(replace(NVIDIA, place="vendor", maker=maker)) == expected


def test_a_maker_of_which_no_error_is_known_is_half_as_much_again_besides() -> None:
    """ln(1.5) = 0.405 beside 0.3 and beside 0.4: independent errors add up as squares."""
    nvidia = [each for each in ERRORS if each.maker != "other"]
    low, high = bounds(replace(NVIDIA, place="vendor", maker="other"), nvidia)
    assert (low, high) == pytest.approx((-0.505, 0.570), abs=1e-3)


def test_what_is_newer_is_never_surer_than_known_rows_of_the_same_engine_and_chips() -> None:
    """A GPU beside measured ones of a class whose very rows scatter down to -0.6."""
    assert bounds(replace(NVIDIA, pair="sglang/cdna3", maker="other")) == (-0.6, 0.2)


def test_a_model_that_was_measured_nowhere_widens() -> None:
    assert bounds(replace(NVIDIA, known_model=False)) == (-0.2, 0.3)
    assert bounds(replace(NVIDIA, place="row")) == (-0.1, 0.1)
    assert bounds(replace(NVIDIA, place="row", pair="sglang/cdna3", known_model=False)) == (-0.6, 0.3)


def test_an_engine_that_hardly_any_model_was_measured_with_is_as_a_new_vendor() -> None:
    assert bounds(replace(NVIDIA, few_models=True)) == (-0.3, 0.4)


def test_widened_takes_the_outer_ends() -> None:
    both = widened(error("gpu", -0.1, 0.5), error("row", -0.2, 0.1))
    assert (both.held_out, both.low_log, both.high_log) == ("gpu", -0.2, 0.5)
