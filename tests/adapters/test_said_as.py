"""Errors of rows name the fields of the request that lists them."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.fit import answer_fit
from llm_calc.adapters.said_as import said_as
from llm_calc.adapters.sweep.targets import TARGETS
from llm_calc.adapters.wire.calibrate import CalibrateRequest
from llm_calc.adapters.wire.fitting import FitRequest
from llm_calc.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"formats": ["zz9"]}, "formats"),
        ({"cache_types": ["zz9"]}, "cache_types"),
        ({"cache_types": ["fp8"]}, "cache_types"),
    ],
)
def test_a_list_of_formats_is_named_as_it_is(part: dict[str, Any], field: str) -> None:
    body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}, **part}
    with pytest.raises(InvalidInputError, match=f"^{field}: ") as refused:
        answer_fit(FitRequest.model_validate(body), load_catalogs())
    assert refused.value.details["field"] == field


def test_other_fields_stay_as_they_are() -> None:
    with (
        pytest.raises(InvalidInputError, match=r"^model\.name"),
        said_as({"precision.weights": "formats"}),
    ):
        raise InvalidInputError("model.name: none", field="model.name")


def test_what_a_sweeps_base_contradicts_is_named_within_it() -> None:
    target = TARGETS["serving_estimate"]
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "engine": {"name": "vllm", "tensor_parallel_size": 2},
        "parallelism": {"tensor": 4},
    }
    with pytest.raises(InvalidInputError, match=r"^base\.engine\.tensor_parallel_size: 2 makes") as found:
        target.validated(body)
    assert found.value.field == "base.engine.tensor_parallel_size"


def test_what_a_measurement_contradicts_is_named_with_its_place() -> None:
    sound = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "measured": {"tpot_s": 0.01},
    }
    wrong = {**sound, "engine": {"name": "vllm", "tensor_parallel_size": 2}, "parallelism": {"tensor": 4}}
    with pytest.raises(InvalidInputError, match=r"^measurements\[1\]\.engine\.tensor_parallel_size: 2 makes"):
        CalibrateRequest.model_validate({"measurements": [sound, wrong]})
