"""What strategies of several GPUs cost in communication, by hand, and how the fewest that do are found."""

import pytest

from llm_calc.core.footprint import Overheads, Split
from llm_calc.core.hardware import Link
from llm_calc.core.parallelism import Layout
from llm_calc.core.scaling import Option, communication_s, compare_strategies, first_index
from tests.builders import llama, mixtral, plain_numbers

LINK = Link(kind="test", bytes_per_s_per_gpu_each_way=1e9, latency_s=1e-5)
LLAMA = llama()
MESSAGE_S = 2 * 4096 * 2 / 1e9
"""Two tokens of 4096 numbers in two bytes over a gigabyte a second."""


@pytest.mark.parametrize(
    ("split", "seconds"),
    [
        # Two all-reduces a layer of 2 x 3/4 of it.
        (Split(layout=Layout(tensor=4)), 64 * (1e-5 + 1.5 * MESSAGE_S)),
        # One hand-over between two stages each.
        (Split(layout=Layout(pipeline=4)), 3 * (1e-5 + MESSAGE_S)),
        # Partial results once a layer from three of four.
        (Split(sequence=4), 32 * (1e-5 + 0.75 * MESSAGE_S)),
        (Split(layout=Layout(tensor=4, pipeline=4)), 64 * (1e-5 + 1.5 * MESSAGE_S) + 3 * (1e-5 + MESSAGE_S)),
        (Split(), 0.0),
    ],
)
def test_collectives_of_a_step(split: Split, seconds: float) -> None:
    assert communication_s(LLAMA, split, 2, 2.0, LINK) == pytest.approx(seconds)


def test_levels_of_communication() -> None:
    """Below a quarter of a millisecond low, above two high."""
    times = {0.0: "low", 2.4e-4: "low", 2.6e-4: "medium", 1.9e-3: "medium", 2.1e-3: "high", None: None}
    for seconds, level in times.items():
        option = Option(strategy="tensor", split=None, footprint=None, communication_s=seconds)
        assert option.communication == level


@pytest.mark.parametrize("count", [1, 2, 3, 10, 33])
def test_the_first_that_holds_is_found_in_few_tries(count: int) -> None:
    for first in range(count + 1):
        tried: list[int] = []

        def holds(index: int, first: int = first, tried: list[int] = tried) -> bool:
            tried.append(index)
            return index >= first

        assert first_index(holds, count) == first
        assert len(tried) <= 2 * count.bit_length() + 2
        assert all(0 <= index < count for index in tried)


def test_each_strategy_at_the_fewest_gpus_that_hold_it() -> None:
    """Llama-2-7B in 16 bits: 6 738 415 616 x 2 bytes are 13.48 GB; on cards of 4 GB four, of 2 GB eight by tensors.

    Stages are whole layers: 32 of 202.4 million parameters (405 MB) with ends of 262 MB; of 4 GB a card takes
    nine layers: four stages; of 2 GB four layers: eight stages and the ends, nine.
    """
    none = Overheads(weights=1.0, kv_cache=1.0, activations=1.0, system=1.0)
    found = {}
    for usable in (4e9, 2e9):
        options = compare_strategies(
            LLAMA, plain_numbers(), none, batch=1, tokens=16, usable_bytes=usable, link=LINK
        )
        found[usable] = {each.strategy: each.split and each.split.gpus for each in options}
    assert found[4e9] == {"tensor": 4, "pipeline": 4, "sequence": None, "tensor_pipeline": 8}
    assert found[2e9]["tensor"] == 8
    assert (found[2e9]["pipeline"] or 0) in (8, 9)
    assert found[2e9]["tensor_pipeline"] == 8


def test_experts_are_dealt_in_numbers_that_divide_them() -> None:
    """Eight experts of 47 billion parameters in all, 16 bits: 93.4 GB; on 16 GB eight GPUs with an expert each.

    45.1 billion are experts, 1.6 attention, embedding and head, which every GPU has: 2 x (5.6 + 1.6) = 14.5 GB.
    """
    none = Overheads(weights=1.0, kv_cache=1.0, activations=1.0, system=1.0)
    options = compare_strategies(
        mixtral(), plain_numbers(), none, batch=1, tokens=16, usable_bytes=16e9, link=LINK
    )
    (expert,) = [each for each in options if each.strategy == "expert"]
    assert expert.split is not None
    assert expert.split.layout == Layout(data=8, expert=8)


def test_what_no_number_of_gpus_holds_is_said_with_the_most_that_were_tried() -> None:
    """32 heads and layers: 32 by tensors or stages, 8 x 32 by both, 1024 by sequences; a layer alone is 405 MB."""
    none = Overheads(weights=1.0, kv_cache=1.0, activations=1.0, system=1.0)
    options = compare_strategies(
        LLAMA, plain_numbers(), none, batch=1, tokens=16, usable_bytes=1e6, link=LINK
    )
    tried = {each.strategy: int(each.reason.rsplit(" ", 1)[1]) for each in options}
    assert tried == {"tensor": 32, "pipeline": 32, "sequence": 1024, "tensor_pipeline": 256}
    assert all(each.split is None for each in options)
