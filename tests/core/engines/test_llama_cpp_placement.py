"""Where the parts of a mixture of four layers lie between devices and host, in shares counted by hand."""

from dataclasses import replace

import pytest

from llm_calc.core.blocks import Attention, Block, Experts, Norm
from llm_calc.core.engines.llama_cpp_fit import Loading
from llm_calc.core.engines.llama_cpp_loading import host_patterns
from llm_calc.core.engines.llama_cpp_placement import devices_of, placement_of, stage_shares
from llm_calc.core.engines.llama_cpp_split import EXPERTS, Onward, first_layers, no_host_tensors
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import Model
from llm_calc.core.serving.placement import Placement
from tests.builders import decoder
from tests.core.engines.setups import setup

LAYERS = 4


def mixture() -> Model:
    """All layers alike, so that shares of bytes are shares of layers; a router is in the group of dense matrices."""
    blocks: tuple[Block, ...] = (
        Norm(width=64, count=2),
        Attention(hidden=64, heads=4, kv_heads=2, head_dim=16),
        Experts(hidden=64, experts=4, top_k=2, intermediate=128),
    )
    return decoder([blocks] * LAYERS, hidden=64, vocab=100)


WHOLE = Loading(n_ctx=256, layers=(LAYERS + 1,), host=no_host_tensors(LAYERS))


def placed(loading: Loading, *, cache_on_device: bool = True) -> Placement:
    question = setup(mixture())
    return placement_of(question, loading, devices_of(question, loading), cache_on_device=cache_on_device)


def test_a_model_on_its_device_leaves_the_host_nothing() -> None:
    assert placed(WHOLE) == Placement(
        fractions=(0.0, 0.0, 0.0, 0.0),
        cache_fraction=0.0,
        layers_fraction=0.0,
        expert_layers=0.0,
        crossings=0,
    )


def test_three_of_five_offloaded_are_two_layers_and_the_output() -> None:
    """The last two layers and the head; of the first of these the experts stay: three quarters of all experts.

    Back to the device once behind the host's layers, and there and back for the experts of one layer.
    """
    loading = replace(WHOLE, layers=(3,), host=first_layers(LAYERS, 3, EXPERTS))
    assert placed(loading) == Placement(
        fractions=(0.5, 0.5, 0.75, 0.0),
        cache_fraction=0.5,
        layers_fraction=0.5,
        expert_layers=1.0,
        crossings=3,
    )


def test_a_cache_with_the_host_is_met_there_and_back_in_each_layer_of_the_device() -> None:
    found = placed(replace(WHOLE, layers=(3,)), cache_on_device=False)
    assert (found.cache_fraction, found.layers_fraction, found.crossings) == (1.0, 0.5, 1 + 2 * 2)
    assert placed(WHOLE, cache_on_device=False).crossings == 2 * 4


@pytest.mark.parametrize(("offloaded", "head", "crossings"), [(0, 1.0, 0), (1, 0.0, 1)])
def test_a_host_that_has_all_layers_has_the_head_but_where_that_alone_is_offloaded(
    offloaded: int, head: float, crossings: int
) -> None:
    found = placed(replace(WHOLE, layers=(offloaded,)))
    assert found.fractions == (1.0, 1.0, 1.0, head)
    assert (found.cache_fraction, found.layers_fraction, found.crossings) == (1.0, 1.0, crossings)


def test_experts_of_every_layer_with_the_host_are_met_there_and_back_in_each() -> None:
    found = placed(replace(WHOLE, host=first_layers(LAYERS, 4, EXPERTS)))
    assert (found.fractions, found.expert_layers, found.crossings) == ((0.0, 0.0, 1.0, 0.0), 4.0, 8)


def shares(loading: Loading) -> list[tuple[tuple[float, ...], float]]:
    found = stage_shares(setup(mixture(), pipeline=2), loading)
    return [(tuple(round(share, 12) for share in each.groups), each.layers) for each in found]


def test_two_devices_have_half_each_and_the_second_the_head() -> None:
    assert shares(replace(WHOLE, layers=(2, 3))) == [((0.5, 0.5, 0.5, 0.0), 0.5), ((0.5, 0.5, 0.5, 1.0), 0.5)]


def test_a_matrix_that_lies_onward_counts_where_it_lies() -> None:
    """Twelve matrices of experts: the first device has six of them less one, the second that one more."""
    moved = Onward(layer=1, device=1, names=frozenset({"ffn_down_exps"}))
    (first, _), (second, _) = shares(replace(WHOLE, layers=(2, 3), onward=(moved,)))
    assert (first[2], second[2]) == (round(5 / 12, 12), round(7 / 12, 12))
    assert (first[0], second[0]) == (0.5, 0.5)
    # With those of the first layer kept by the host nine are left: two and seven.
    kept = replace(WHOLE, layers=(2, 3), host=first_layers(LAYERS, 1, EXPERTS), onward=(moved,))
    (first, _), (second, _) = shares(kept)
    assert (first[2], second[2]) == (round(2 / 9, 12), round(7 / 9, 12))


def test_devices_without_any_layer_share_none() -> None:
    assert shares(replace(WHOLE, layers=(0, 0))) == [((0.0,) * 4, 0.5), ((0.0,) * 4, 0.5)]


@pytest.mark.parametrize("pattern", ["a" * 201, "a*b*c*d*", "(ab)*", "(a+)+", "[", "a{2}b{2}c{2}d{2}"])
def test_a_pattern_that_may_search_for_long_is_refused(pattern: str) -> None:
    """Too long, of more than three repeats, or of one over a group; each alone is enough."""
    with pytest.raises(InvalidInputError, match="cannot be used as a pattern"):
        host_patterns(f"{pattern}=CPU")


@pytest.mark.parametrize("pattern", ["a" * 200, "a*b*c*", r"blk\.(1|2)\.ffn_.*_exps", r"a\*b\*c\*d\*e"])
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    assert host_patterns(f"{pattern}=CPU") == (pattern,)
