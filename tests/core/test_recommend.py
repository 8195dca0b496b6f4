"""The layouts that are tried, and the one that is taken, against bytes worked out by hand."""

from itertools import pairwise

import pytest

from llm_calc.core.errors import DoesNotFitError
from llm_calc.core.footprint import Overheads, Split, gpu_footprint
from llm_calc.core.parallelism import Layout
from llm_calc.core.recommend import MAX_STAGES, allowed, candidate_layouts, fits, smallest_fit, tensor_sizes
from tests.builders import llama, mixtral, plain_numbers

NONE = Overheads(weights=1.0, kv_cache=1.0, activations=1.0, system=1.0)


@pytest.mark.parametrize(
    ("heads", "node", "sizes"),
    [
        (32, 8, [1, 2, 4, 8]),
        (32, 7, [1, 2, 4]),  # eight are more than the node has
        (32, 1, [1]),
        (12, 8, [1, 2, 4]),  # 12 heads cannot be dealt over eight
        (6, 8, [1, 2]),
        (7, 8, [1]),
    ],
)
def test_widths_are_powers_of_two_that_divide_all_heads(heads: int, node: int, sizes: list[int]) -> None:
    model = llama(hidden=64 * heads, heads=heads, kv_heads=heads)
    assert tensor_sizes(model, node) == sizes


@pytest.mark.parametrize(("layers", "deepest"), [(1, 1), (2, 2), (3, 3), (32, 32), (33, 32)])
def test_layouts_from_one_gpu_to_the_widest_times_stages(layers: int, deepest: int) -> None:
    """Two GPUs a node: one, two, then two in each of 2, 3, ... stages, no more than layers and than 32."""
    found = list(candidate_layouts(llama(layers=layers), 2))
    stages = [Layout(tensor=2, pipeline=each) for each in range(2, deepest + 1)]
    assert found == [Layout(), Layout(tensor=2), *stages]
    assert MAX_STAGES == 32


def test_the_first_layout_whose_bytes_are_within_what_is_usable() -> None:
    """To the byte: what one GPU holds fits one; a byte less takes two, and so on."""
    model, numbers = llama(), plain_numbers()
    asked = {"batch": 1, "tokens": 128, "gpus_per_node": 2}
    layouts = (Layout(), Layout(tensor=2), Layout(tensor=2, pipeline=2))
    for layout, wider in pairwise(layouts):
        footprint = gpu_footprint(model, numbers, Split(layout=layout), 1, 128)
        needed = float(footprint.system_bytes(NONE))
        assert fits(footprint, NONE, needed)
        assert not fits(footprint, NONE, needed - 1)
        assert smallest_fit(model, numbers, NONE, usable_bytes=needed, **asked)[0].layout == layout
        split, held = smallest_fit(model, numbers, NONE, usable_bytes=needed - 1, **asked)
        assert split.layout == wider
        assert held.system_bytes(NONE) < needed


def test_one_layer_holds_all_of_a_shallow_model() -> None:
    """Of one layer on a node of two GPUs there is nothing beyond two GPUs: the refusal says what each would need."""
    model = llama(layers=1)
    needed = float(
        gpu_footprint(model, plain_numbers(), Split(layout=Layout(tensor=2)), 1, 1).system_bytes(NONE)
    )
    with pytest.raises(DoesNotFitError, match="no layout of up to 2 GPUs") as refused:
        smallest_fit(model, plain_numbers(), NONE, batch=1, tokens=1, usable_bytes=1.0, gpus_per_node=2)
    assert (refused.value.needed_bytes, refused.value.available_bytes) == (needed, 1.0)


def test_layouts_that_a_model_can_be_divided_by() -> None:
    assert allowed(mixtral(), Layout(tensor=8))
    assert not allowed(mixtral(), Layout(tensor=3))
    assert allowed(mixtral(), Layout(pipeline=32))
    assert not allowed(mixtral(), Layout(pipeline=33))
