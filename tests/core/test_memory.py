"""Parameters, weights and caches against published counts and hand arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core import memory
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.stages import stage_caches, unlike_stages
from llm_calc.core.weights import Cache, Weight
from tests.builders import INT4, deepseek_v3, llama, mixtral, plain_recipe

GIB = 2**30
LLAMA = llama()
LLAMA_70B = llama(hidden=8192, intermediate=28672, layers=80, heads=64, kv_heads=8)


@pytest.mark.parametrize(
    ("model", "total", "active"),
    [
        # Counted on the transformers 5.23.0 classes; a published checkpoint's index says the same.
        (LLAMA, 6_738_415_616, 6_738_415_616),
        (LLAMA_70B, 68_976_648_192, 68_976_648_192),
        (mixtral(), 46_702_792_704, 12_879_925_248),
        (deepseek_v3(), 671_026_404_352, 37_552_282_624),
    ],
)
def test_parameters_equal_the_reference_classes(model: Model, total: int, active: int) -> None:
    assert memory.total_parameters(model) == total
    assert memory.active_parameters(model) == active


def test_components_add_up_and_a_tied_head_counts_once() -> None:
    untied, tied = memory.parameters_by_component(LLAMA), memory.parameters_by_component(llama(tied=True))
    assert untied["lm_head"] == 32000 * 4096
    assert tied["lm_head"] == 0
    assert sum(untied.values()) - sum(tied.values()) == 32000 * 4096
    with pytest.raises(TypeError):
        tied["lm_head"] = 1  # type: ignore[index]


def test_weights_of_llama_2_7b_in_16_bits_take_12_55_gib() -> None:
    assert memory.weights_bytes(LLAMA, plain_recipe()) / GIB == pytest.approx(12.5513, abs=1e-4)


def test_int4_groups_store_their_scales() -> None:
    # 4 bits + (16 + 4) bits for every 128 numbers
    assert memory.weights_bytes(LLAMA, plain_recipe(INT4)) == pytest.approx(6_738_415_616 * 4.15625 / 8)


def test_layers_in_formats_of_their_own_add_up_to_the_byte() -> None:
    """Layers of 4 x 64 x 64 + 3 x 64 x 176 = 50176 in matrices, with 4, 8 and 16 bits: 1.5 and 1 byte less than 16."""
    model = llama(hidden=64, intermediate=176, layers=3, heads=4, kv_heads=4)
    formats = [NumberFormat(name=f"int{bits}", element_bits=bits) for bits in (4, 8)]
    rules = tuple(
        RecipeRule(format=each, components=frozenset({"attention", "mlp"}), layers=frozenset({layer}))
        for layer, each in enumerate(formats)
    )
    recipe = replace(plain_recipe(), rules=rules)
    expected = 2 * memory.total_parameters(model) - (1.5 + 1.0) * 50176
    assert memory.weights_bytes(model, recipe) == pytest.approx(expected, abs=0.01)
    assert memory.stage_weights_bytes(model, recipe, Layout(), 0) == pytest.approx(expected, abs=0.01)


def test_a_share_of_a_matrix_has_its_share_of_the_bias_which_no_format_makes_smaller() -> None:
    """12 x 8 and a bias of 4: of 30 elements 28.8 have half a byte, and 1.2 have two: 14.4 + 2.4 = 16.8 bytes."""
    weight = Weight(name="w", component="attention", rows=12, cols=8, bias=4)
    number, vectors = NumberFormat(name="int4", element_bits=4), NumberFormat(name="bf16", element_bits=16)
    assert memory.weight_bytes(weight, 30, number, vectors) == pytest.approx(16.8)
    assert memory.weight_bytes(weight, 30, NumberFormat(name="none", element_bits=0), vectors) == 0


@pytest.mark.parametrize(
    ("model", "per_token"),
    [
        (LLAMA, 2 * 32 * 32 * 128 * 2),
        (LLAMA_70B, 2 * 80 * 8 * 128 * 2),
        (deepseek_v3(), 61 * (512 + 64) * 2),
    ],
)
def test_cache_grows_by_the_known_bytes_a_token(model: Model, per_token: int) -> None:
    assert memory.kv_cache_bytes_per_token(model) == per_token
    assert memory.kv_cache_bytes(model, 2048) == 2048 * per_token


def test_llama_2_7b_keeps_one_gib_at_2048_tokens() -> None:
    assert memory.kv_cache_bytes(LLAMA, 2048) == GIB


def test_a_windowed_cache_stops_growing() -> None:
    model = llama(window=1024)
    assert memory.kv_cache_bytes(model, 5000) == memory.kv_cache_bytes(model, 1024)
    assert memory.kv_cache_bytes_per_token(model, beyond_windows=True) == 0


def test_state_has_its_own_width_where_the_layer_says_so() -> None:
    state = Cache(kind="state", state_elements=100, state_bits=32)
    free = Cache(kind="state", state_elements=100)
    formats = CacheFormat(bytes_per_element=1, state_bytes_per_element=2)
    assert memory.cache_bytes(state, 10**6, formats) == 400
    assert memory.cache_bytes(free, 10**6, formats) == 200


def test_compressed_caches_hold_one_entry_for_several_tokens() -> None:
    cache = Cache(kind="compressed", elements_per_token=4, tokens_per_entry=128)
    assert memory.cached_tokens(cache, 1) == 128
    assert memory.cached_tokens(cache, 129) == 256


def test_activations_are_the_stream_the_widest_layer_and_one_row_of_logits() -> None:
    # stream and normalised copy, gate, up and their product, in 16 bits; float32 logits of one position
    whole = 2048 * (2 * 4096 + 3 * 11008) * 2 + 32000 * 4
    assert memory.activation_bytes(LLAMA, 1, 2048, 2) == whole
    halves = 2048 * (2 * 4096 + 3 * 11008 / 2) * 2 + 16000 * 4
    assert memory.activation_bytes(LLAMA, 1, 2048, 2, tensor=2) == halves


@given(
    batch=st.integers(1, 4096),
    tokens=st.integers(1, 2_000_000),
    more=st.integers(0, 1_000_000),
    window=st.sampled_from([None, 1, 1024, 4096]),
)
def test_memory_never_falls_as_batch_or_context_grow(
    batch: int, tokens: int, more: int, window: int | None
) -> None:
    model = llama(window=window, layers=2)
    assert memory.kv_cache_bytes(model, tokens + more, batch) >= memory.kv_cache_bytes(model, tokens, batch)
    assert memory.kv_cache_bytes(model, tokens, batch + 1) >= memory.kv_cache_bytes(model, tokens, batch)
    assert memory.activation_bytes(model, batch, tokens + more, 2) >= memory.activation_bytes(
        model, batch, tokens, 2
    )


@given(tokens=st.lists(st.integers(1, 10**6), min_size=1, max_size=8), batch=st.integers(1, 10**6))
def test_arrays_give_what_scalars_give(tokens: list[int], batch: int) -> None:
    array = np.array(tokens, dtype=np.float64)
    for model in (LLAMA, deepseek_v3(), llama(window=4096)):
        many = memory.kv_cache_bytes(model, array, batch)
        assert np.allclose(
            many, [float(memory.kv_cache_bytes(model, each, batch)) for each in tokens], rtol=1e-12
        )
        wide = memory.activation_bytes(model, batch, array, 2)
        assert np.allclose(wide, [float(memory.activation_bytes(model, batch, each, 2)) for each in tokens])


def test_huge_products_do_not_overflow() -> None:
    tokens = np.array([1e6])
    assert memory.kv_cache_bytes(LLAMA_70B, tokens, 2e6)[0] == pytest.approx(2e6 * 1e6 * 327_680)  # type: ignore[index]


@given(
    tensor=st.sampled_from([1, 2, 4, 8, 16, 32, 64]),
    pipeline=st.integers(1, 8),
    model=st.sampled_from([LLAMA_70B, mixtral(), deepseek_v3()]),
)
def test_shares_of_all_gpus_hold_at_least_the_whole(tensor: int, pipeline: int, model: Model) -> None:
    layout, recipe = Layout(tensor=tensor, pipeline=pipeline), plain_recipe()
    stages = [memory.stage_weights_bytes(model, recipe, layout, stage) for stage in range(pipeline)]
    assert tensor * sum(stages) >= memory.weights_bytes(model, recipe) * (1 - 1e-12)
    assert memory.weights_bytes_per_gpu(model, recipe, layout) == max(stages)
    caches = [memory.stage_kv_cache_bytes(model, layout, stage, 4096, 8) for stage in range(pipeline)]
    assert tensor * sum(float(each) for each in caches) >= float(memory.kv_cache_bytes(model, 4096, 8))
    assert memory.kv_cache_bytes_per_gpu(model, layout, 4096, 8) == max(caches)


def test_kv_heads_are_replicated_and_latent_vectors_never_split() -> None:
    eight, sixteen = (memory.kv_cache_bytes_per_gpu(LLAMA_70B, Layout(tensor=t), 1, 1) for t in (8, 16))
    assert eight == sixteen == 2 * 80 * 128 * 2
    assert memory.kv_cache_bytes_per_gpu(deepseek_v3(), Layout(tensor=8), 1, 1) == 61 * 576 * 2


def test_attention_data_parallelism_splits_sequences() -> None:
    model = deepseek_v3()
    spread = memory.kv_cache_bytes_per_gpu(model, Layout(data=8, expert=8), 100, 64)
    assert spread == 8 * memory.kv_cache_bytes(model, 100)


def test_stages_that_hold_the_same_are_counted_together() -> None:
    """7 stages of 32 layers: four hold 5 and three hold 4."""
    found = unlike_stages(llama(), Layout(pipeline=7))
    assert sorted(count for _, count in found) == [3, 4]
    each = [stage_caches(llama(), Layout(pipeline=7), stage) for stage in range(7)]
    assert sum(each.count(each[first]) for first, _ in found) == 7


class CountedRecipe(WeightRecipe):
    """Counts how often a weight's format is looked up."""

    lookups = 0

    def format_of(self, weight: Weight, layer: int = 0) -> NumberFormat:
        type(self).lookups += 1
        return super().format_of(weight, layer)


@pytest.mark.parametrize("layers", [10, 1000])
def test_layers_in_one_format_are_not_looked_at_one_by_one(layers: int) -> None:
    """A file may state ten thousand layers, on as many stages."""
    model, plain = llama(layers=layers), plain_recipe()
    recipe = CountedRecipe(name=plain.name, default=plain.default, vectors=plain.vectors, rules=plain.rules)
    CountedRecipe.lookups = 0
    assert memory.weights_bytes(model, recipe) == 2 * memory.total_parameters(model)
    stages = [memory.stage_weights_bytes(model, recipe, Layout(pipeline=2), stage) for stage in range(2)]
    assert sum(stages) >= memory.weights_bytes(model, recipe)
    assert CountedRecipe.lookups <= 3 * len(model.placed)
