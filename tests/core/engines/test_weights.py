"""Weights on one device: padding of vocabulary and experts, tables, towers, ends of the stack."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.engines.weights import (
    ExpertPadding,
    WeightRules,
    device_weights_bytes,
    padded_rows,
    rotary_table_bytes,
)
from llm_calc.core.formats import NumberFormat
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.weights import Weight
from tests.builders import deepseek_v3, llama, mixtral, plain_recipe
from tests.core.engines.setups import llama_3_8b, sliding

MXFP4 = NumberFormat(name="mxfp4", element_bits=4, group_size=32, scale_bits=8)
NVFP4 = NumberFormat(name="nvfp4", element_bits=4, group_size=16, scale_bits=8)
ONE = Layout()
NO_RULES = WeightRules()


def device(model: Model, layout: Layout = ONE, rules: WeightRules = NO_RULES, stage: int = 0) -> float:
    return device_weights_bytes(model, plain_recipe(), layout, stage, rules)


@pytest.mark.parametrize("model", [llama(), mixtral(), deepseek_v3(), llama(tied=True)])
def test_one_gpu_without_rules_holds_the_file(model: Model) -> None:
    assert device(model) == pytest.approx(weights_bytes(model, plain_recipe()))


@pytest.mark.parametrize(
    ("vocab", "ways", "multiple", "rows"),
    [
        (32000, 1, 64, 32000),
        (32001, 1, 64, 32064),
        (50257, 4, 64, 50304),
        (50257, 1, 1, 50257),
        (32001, 7, 1, 32004),
    ],
)
def test_vocabulary_rows(vocab: int, ways: int, multiple: int, rows: int) -> None:
    assert padded_rows(vocab, ways, multiple) == rows


@given(vocab=st.integers(1, 300_000), ways=st.integers(1, 64), multiple=st.sampled_from([1, 64, 128]))
def test_padding_is_least(vocab: int, ways: int, multiple: int) -> None:
    rows = padded_rows(vocab, ways, multiple)
    assert rows >= vocab
    assert rows % ways == 0
    assert rows < vocab + multiple + ways


def test_padded_rows_are_held() -> None:
    odd = llama(vocab=32001)
    more = device(odd, rules=WeightRules(vocab_multiple=64)) - device(odd)
    assert more == 2 * 63 * 4096 * 2


def test_the_first_and_last_stage_hold_the_ends() -> None:
    stages = [device(llama(), Layout(pipeline=4), stage=stage) for stage in range(4)]
    table, norm = 32000 * 4096 * 2, 4096 * 2
    assert stages[0] - stages[1] == table
    assert stages[3] - stages[1] == table + norm
    assert sum(stages) == pytest.approx(weights_bytes(llama(), plain_recipe()))


def test_a_tied_head_is_stored_again_on_the_last_stage() -> None:
    whole = weights_bytes(llama(tied=True), plain_recipe())
    stages = sum(device(llama(tied=True), Layout(pipeline=2), stage=stage) for stage in range(2))
    assert stages - whole == 32000 * 4096 * 2


def test_ends_stay_whole_with_data_parallel_attention() -> None:
    layout = Layout(tensor=2, data=4)
    cut, whole = device(mixtral(), layout), device(mixtral(), layout, WeightRules(whole_ends=True))
    assert whole - cut == 2 * 32000 * 4096 * 2 / 2


def test_the_rotary_table_of_llama_3_1_takes_32_mib() -> None:
    """131072 positions of 128 in 16 bits: what lies between 14.957 GiB of parameters and the 14.989 logged."""
    model = replace(llama_3_8b(), context_length_tokens=131_072)
    assert rotary_table_bytes(model) == 32 * 2**20
    logged = device(model, rules=WeightRules(vocab_multiple=64, rotary_table=True)) / 2**30
    assert logged == pytest.approx(14.9889, abs=2e-4)


def test_rotary_tables_by_head_width() -> None:
    assert rotary_table_bytes(replace(deepseek_v3(), context_length_tokens=1000)) == 1000 * 64 * 2
    assert rotary_table_bytes(replace(sliding(2, 2), context_length_tokens=1000)) == 1000 * 128 * 2
    assert rotary_table_bytes(llama()) == 0


def test_the_decompression_of_a_latent_cache_is_kept_twice() -> None:
    more = device(deepseek_v3(), Layout(tensor=8), WeightRules(absorbed_copy=True))
    assert more - device(deepseek_v3(), Layout(tensor=8)) == 61 * 512 * 128 * (128 + 128) * 2 / 8


def test_towers_are_cut_where_the_engine_does() -> None:
    tower = Weight(name="fc1", component="vision", rows=1024, cols=4096, used=0)
    model = replace(llama(), outside=(*llama().outside, tower))
    kept = device(model, Layout(tensor=4))
    assert kept - device(model, Layout(tensor=4), WeightRules(cut_towers=True)) == tower.params * 2 * 3 / 4


@pytest.mark.parametrize(
    ("number", "padding", "ratio"),
    [
        (MXFP4, ExpertPadding(format="mxfp4", hidden=5000), 5000 / 4096),
        (MXFP4, ExpertPadding(format="mxfp4", hidden=5000, gated=15000), 5000 * 15000 / (4096 * 14336)),
        (MXFP4, ExpertPadding(format="nvfp4", hidden=5000), 1.0),
        (NVFP4, ExpertPadding(format="nvfp4", gated=1000, plain=100_000), 15000 / 14336),
    ],
)
def test_experts_are_padded(number: NumberFormat, padding: ExpertPadding, ratio: float) -> None:
    recipe = plain_recipe(number)
    plain = device_weights_bytes(mixtral(), recipe, ONE, 0, WeightRules())
    padded = device_weights_bytes(mixtral(), recipe, ONE, 0, WeightRules(paddings=(padding,)))
    experts = 32 * 8 * 3 * 4096 * 14336 * number.bytes_per_element
    assert padded - plain == pytest.approx(experts * (ratio - 1), rel=1e-6, abs=1)


@given(tensor=st.sampled_from([1, 2, 4, 8]), pipeline=st.integers(1, 8), data=st.integers(1, 4))
def test_all_gpus_together_hold_at_least_the_file(tensor: int, pipeline: int, data: int) -> None:
    layout = Layout(tensor=tensor, pipeline=pipeline, data=data)
    held = sum(device(mixtral(), layout, stage=stage) for stage in range(pipeline)) * tensor * data
    assert held >= weights_bytes(mixtral(), plain_recipe()) * (1 - 1e-9)
