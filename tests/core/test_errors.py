"""What refusals say and carry, also through a pickle, as processes send them."""

import pickle

import pytest

from llm_calc.core.errors import CalcError, DoesNotFitError, InvalidInputError, UnknownNameError


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UnknownNameError("gpu", "h10"), "gpu: unknown gpu 'h10'"),
        (UnknownNameError("gpu", "h10", ["h100", "h200"]), "gpu: unknown gpu 'h10'; nearest: h100, h200"),
        (UnknownNameError("gpu", "h10", field="gpus.0"), "gpus.0: unknown gpu 'h10'"),
        (
            UnknownNameError("gpu", "h10", iter(["h100"]), hint="ask /gpus"),
            "gpu: unknown gpu 'h10'; nearest: h100; ask /gpus",
        ),
    ],
)
def test_an_unknown_name_says_its_place_and_the_nearest(error: UnknownNameError, says: str) -> None:
    assert error.message == str(error) == says
    assert error.details["nearest"] == list(error.nearest)


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (InvalidInputError("no", field="batch", most=8), {"field": "batch", "most": 8}),
        (InvalidInputError("no", most=8), {"most": 8}),
        (UnknownNameError("gpu", "h10", ["h100"], field="gpu"), {"field": "gpu", "nearest": ["h100"]}),
        (
            DoesNotFitError("short", needed_bytes=2.0, available_bytes=1.0),
            {"needed_bytes": 2.0, "available_bytes": 1.0},
        ),
    ],
)
def test_an_error_arrives_as_it_was_sent(error: CalcError, details: dict[str, object]) -> None:
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again):
        assert (each.details, str(each), type(each)) == (details, error.message, type(error))
    assert vars(again) == vars(error)
