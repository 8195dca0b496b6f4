"""The documented parallelism as a split."""

from typing import Any

import pytest

from llm_calc.adapters.documented.splits import requested_split, strategy_name
from llm_calc.adapters.wire.documented_requests import RequestedParallelism
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.footprint import Split
from llm_calc.core.parallelism import Layout
from tests.builders import llama, mixtral


@pytest.mark.parametrize(
    ("wanted", "split"),
    [
        ({}, Split()),
        ({"num_gpus": 4}, Split(layout=Layout(tensor=4))),
        ({"tp_size": 2, "pp_size": 4}, Split(layout=Layout(tensor=2, pipeline=4))),
        ({"strategy": "tensor_pipeline", "num_gpus": 16}, Split(layout=Layout(tensor=8, pipeline=2))),
        ({"strategy": "tensor_pipeline", "num_gpus": 8}, Split(layout=Layout(tensor=4, pipeline=2))),
        (
            {"strategy": "tensor_pipeline", "num_gpus": 8, "tp_size": 2},
            Split(layout=Layout(tensor=2, pipeline=4)),
        ),
        (
            {"strategy": "tensor_pipeline", "num_gpus": 8, "pp_size": 2},
            Split(layout=Layout(tensor=4, pipeline=2)),
        ),
        ({"strategy": "sequence", "num_gpus": 8}, Split(sequence=8)),
        ({"strategy": "expert", "tp_size": 8, "num_gpus": 8}, Split(layout=Layout(data=8, expert=8))),
    ],
)
def test_sizes_left_out_follow_from_the_others(wanted: dict[str, Any], split: Split) -> None:
    found = requested_split(RequestedParallelism(**wanted), mixtral())
    assert found == split
    assert strategy_name(found) == wanted.get("strategy", strategy_name(split))


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"strategy": "sequence", "tp_size": 2, "num_gpus": 8}, "num_gpus"),
        ({"strategy": "expert", "tp_size": 2, "num_gpus": 8}, "num_gpus"),
        ({"strategy": "tensor", "pp_size": 2}, "pp_size"),
        ({"strategy": "none", "tp_size": 2}, "tp_size"),
        ({"tp_size": 3}, "tp_size"),
        ({"pp_size": 33}, "pp_size"),
    ],
)
def test_contradictions_are_refused_by_the_field_of_the_request(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^parallelism\.{field}: "):
        requested_split(RequestedParallelism(**wanted), llama())
