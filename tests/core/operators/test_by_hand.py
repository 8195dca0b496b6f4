"""Calls of collectives counted by hand on models whose layers their papers give."""

import pytest

from llm_calc.core.memory import CacheFormat
from llm_calc.core.operators import step_work, summed
from llm_calc.core.operators.collectives import collective_works, layer_counts
from llm_calc.core.parallelism import Layout
from tests.builders import deepseek_v3, llama, mixtral, plain_recipe


def test_layers_are_those_of_the_papers() -> None:
    # DeepSeek-V3 (arXiv:2412.19437, 4.2): 61 layers, experts in all but the first three, latent attention in all.
    v3 = layer_counts(deepseek_v3())
    assert (v3.layers, v3.expert_layers, v3.latent_layers) == (61, 58, 61)
    assert (v3.sparse_layers, v3.recurrent_layers) == (0, 0)
    # Mixtral 8x7B (arXiv:2401.04088, table 1): 32 layers, all with experts.
    eights = layer_counts(mixtral())
    assert (eights.layers, eights.expert_layers, eights.latent_layers) == (32, 32, 0)


@pytest.mark.parametrize(
    ("layout", "calls"),
    [
        (Layout(), []),
        # One behind each mixer and each feed-forward part: 2 x 61.
        (Layout(tensor=8), [("all-reduce", 122, 8)]),
        # The 58 layers with experts have theirs over the experts' GPUs: 61 + 3, and 58.
        (Layout(tensor=8, expert=8), [("all-reduce", 64, 8), ("expert all-reduce", 58, 8)]),
        # Attention of eight groups needs none; tokens go to their experts and back.
        (Layout(data=8, expert=8), [("expert dispatch and combine", 58, 8)]),
    ],
)
def test_calls_of_a_step_of_deepseek_v3(layout: Layout, calls: list[tuple[str, int, int]]) -> None:
    model = deepseek_v3()
    works = collective_works(model, layer_counts(model), layout)
    assert [(work.name, work.calls, work.ranks) for work in works] == calls
    assert {work.bytes_per_token for work in works} <= {
        7168 * 2.0
    }  # a vector of the hidden size, 16 bits each


def test_a_dense_model_has_two_all_reduces_a_layer_on_any_stage() -> None:
    (work,) = collective_works(llama(), layer_counts(llama()), Layout(tensor=2, pipeline=2))
    assert (work.calls, work.ranks) == (2 * 32, 2)


def test_what_tokens_move_between_the_experts_of_mixtral() -> None:
    """Two of eight experts, three matrices of 4096 x 14336 in each of 32 layers, numbers of two bytes in and out."""
    whole = 32 * 2 * 3 * (4096 + 14336) * 2
    for layout, share in ((Layout(), 1), (Layout(tensor=8, expert=8), 8)):
        work = summed(step_work(mixtral(), plain_recipe(), layout, CacheFormat()))
        (experts,) = [each for each in work.linear if each.group == "experts"]
        assert experts.activation_bytes_per_token == whole / share


def test_matrices_alone_multiply() -> None:
    """A table that tokens are looked up in, and vectors, are none: 32 x (4 x 4096 + 3 x 11008) x 4096 and the head."""
    work = step_work(llama(), plain_recipe(), Layout(), CacheFormat())
    whole = 32 * (4 * 4096 + 3 * 11008) * 4096 + 32000 * 4096
    assert sum(each.flops_per_token for each in work.linear) == 2 * whole
    # In and out of each matrix: four of 4096 and 4096, three of 4096 and 11008, the head of 4096 and 32 000.
    ends = 32 * (4 * 2 * 4096 + 3 * (4096 + 11008)) + 4096 + 32000
    assert sum(each.activation_bytes_per_token for each in work.linear) == 2 * ends
