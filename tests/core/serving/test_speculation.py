"""Proposed tokens by hand: three of them, of which each is accepted half of the time."""

import pytest

from llm_calc.core.serving.speculation import NO_DRAFT, Draft, acceptance_of

THREE = Draft(tokens=3, acceptance=0.5, cost_fraction=0.1)


def test_three_tokens_that_are_accepted_half_of_the_time() -> None:
    """1 + 1/2 + 1/4 + 1/8 = 1.875 tokens a step, of four that are checked, in 1.3 times its time."""
    assert (THREE.checked_tokens, THREE.tokens_per_step) == (4.0, 1.875)
    assert THREE.step_factor == pytest.approx(1.3)
    assert THREE.seconds_per_token(0.030) == pytest.approx(0.030 * 1.3 / 1.875)


@pytest.mark.parametrize(
    ("draft", "gained"),
    [
        (NO_DRAFT, 1.0),
        (Draft(tokens=3), 1.0),  # none is accepted
        (Draft(tokens=1, acceptance=0.5), 1.5),
        (Draft(tokens=3, acceptance=0.999999), 4.0),
        (Draft(tokens=3, acceptance=1.0), 4.0),
        (Draft(tokens=3, acceptance=0.5, gained_tokens=2.2), 2.2),  # as measured
    ],
)
def test_tokens_of_a_step(draft: Draft, gained: float) -> None:
    assert draft.tokens_per_step == pytest.approx(gained, rel=1e-5)


def test_without_a_draft_a_step_is_a_token() -> None:
    assert (NO_DRAFT.checked_tokens, NO_DRAFT.step_factor, NO_DRAFT.seconds_per_token(0.02)) == (1, 1, 0.02)


@pytest.mark.parametrize(
    ("gained", "tokens", "acceptance"), [(1.875, 3, 0.5), (1.0, 3, 0.0), (4.0, 3, 1.0), (1.25, 1, 0.25)]
)
def test_the_acceptance_behind_a_gain(gained: float, tokens: int, acceptance: float) -> None:
    # Near 1, 1 - a^4 over 1 - a loses 1e-16 / (1 - a) to rounding, as much as is missing at 1e-8 from 1.
    assert acceptance_of(gained, tokens) == pytest.approx(acceptance, abs=1e-7)
