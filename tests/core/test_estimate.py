"""The flat roofline, footprints, layouts that fit, strategies compared."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.blocks import Custom
from llm_calc.core.blocks.parts import Parts
from llm_calc.core.errors import DoesNotFitError
from llm_calc.core.estimate import Scenario, demand, speed, tokens_per_s_by_gpu
from llm_calc.core.footprint import Overheads, Split, gpu_footprint, whole_footprint
from llm_calc.core.hardware import Link
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.recommend import fits, smallest_fit, tensor_sizes
from llm_calc.core.scaling import communication_s, compare_strategies
from llm_calc.core.throughput import Columns, Roofs, roofline
from llm_calc.core.traffic import decode_cache_bytes, decode_weight_bytes, touched_fraction
from llm_calc.core.weights import vector
from tests.builders import deepseek_v3, llama, mixtral, plain_numbers

LLAMA, NUMBERS, NONE = llama(), plain_numbers(), Overheads()
ALONE = Split()
A100 = Roofs(flops_per_s=312e12, bytes_per_s=1555e9, efficiency_fraction=0.3)
LINK = Link(kind="test", bytes_per_s_per_gpu_each_way=450e9, latency_s=10e-6)


def scenario(batch: int = 1, tokens: int = 2048, split: Split = ALONE) -> Scenario:
    return Scenario(model=LLAMA, numbers=NUMBERS, split=split, batch=batch, tokens=tokens)


def test_decode_of_llama_2_7b_on_an_a100_stays_under_115_tokens_per_s() -> None:
    case = scenario(tokens=1)
    timing = speed(case, demand(case), A100)
    # 1555e9 bytes/s over 13.2e9 bytes of layers and head
    assert 1 / timing.step.seconds == pytest.approx(1555e9 / (2 * (6_738_415_616 - 32000 * 4096)), rel=1e-3)
    assert timing.step.bound == "memory"


def test_without_bandwidth_only_compute_is_known() -> None:
    timing = roofline(1e12, 1e9, Roofs(flops_per_s=1e12, bytes_per_s=None, efficiency_fraction=0.5))
    assert timing.seconds == 2
    assert timing.bound == "compute_only"


def test_a_step_reads_the_experts_that_its_tokens_touch() -> None:
    assert touched_fraction(8, 2, 1) == 0.25
    assert touched_fraction(8, 2, 1000) == pytest.approx(1)
    one = decode_weight_bytes(mixtral(), NUMBERS, Split(), 1)
    assert one == pytest.approx(2 * (12_879_925_248 - 32000 * 4096))


def test_a_tied_head_is_read_although_it_is_stored_once() -> None:
    untied = decode_weight_bytes(LLAMA, NUMBERS, Split(), 1)
    assert decode_weight_bytes(llama(tied=True), NUMBERS, Split(), 1) == untied


@given(batch=st.integers(1, 2048), tokens=st.integers(1, 100_000), tensor=st.sampled_from([1, 2, 4, 8]))
def test_no_step_is_faster_than_its_bytes(batch: int, tokens: int, tensor: int) -> None:
    split = Split(layout=Layout(tensor=tensor))
    case = scenario(batch, tokens, split)
    needs = demand(case)
    timing = speed(
        case, needs, Roofs(flops_per_s=312e12, bytes_per_s=1555e9, efficiency_fraction=1, gpus=tensor)
    )
    moved = decode_weight_bytes(LLAMA, NUMBERS, split, batch) + decode_cache_bytes(
        LLAMA, NUMBERS, split, batch, tokens
    )
    assert timing.step.seconds >= moved / 1555e9
    assert timing.prefill.seconds >= needs.prefill.total / (tensor * 312e12)


@given(
    batch=st.integers(1, 4096),
    tokens=st.integers(1, 100_000),
    tensor=st.sampled_from([1, 2, 8]),
    efficiency=st.sampled_from([0.01, 0.3, 1.0]),
)
def test_many_gpus_at_once_give_what_each_gives(
    batch: int, tokens: int, tensor: int, efficiency: float
) -> None:
    case = scenario(batch, tokens, Split(layout=Layout(tensor=tensor)))
    needs = demand(case)
    # An A100, an H100, a T4, and a P40, whose peak in fp16 is a sixty-fourth of that in fp32.
    columns = Columns((312e12, 989e12, 65e12, 0.18e12), (1555e9, 3350e9, 320e9, 346e9))
    rates = tokens_per_s_by_gpu(case, needs, columns, efficiency)
    for rate, peak, bandwidth in zip(rates, columns.peaks, columns.bandwidths, strict=True):
        roofs = Roofs(flops_per_s=peak, bytes_per_s=bandwidth, efficiency_fraction=efficiency, gpus=tensor)
        # The product of gpus, efficiency and peak is rounded in the same order.
        assert rate == batch / float(speed(case, needs, roofs).step.seconds)


def test_footprints_of_one_gpu_are_those_of_the_whole() -> None:
    assert gpu_footprint(LLAMA, NUMBERS, Split(), 4, 100) == whole_footprint(LLAMA, NUMBERS, 4, 100)


@given(
    batch=st.integers(1, 64),
    tokens=st.integers(1, 32768),
    tensor=st.sampled_from([1, 2, 4, 8]),
    pipeline=st.sampled_from([1, 2, 3, 7, 17, 31]),
    model=st.sampled_from([LLAMA, llama(vocab=256_000, layers=33, kv_heads=8), mixtral(), deepseek_v3()]),
)
def test_splitting_never_needs_less_in_all(
    batch: int, tokens: int, tensor: int, pipeline: int, model: Model
) -> None:
    split = Split(layout=Layout(tensor=tensor, pipeline=pipeline))
    part = gpu_footprint(model, NUMBERS, split, batch, tokens)
    whole = whole_footprint(model, NUMBERS, batch, tokens)
    assert split.gpus * float(part.weights_bytes) >= float(whole.weights_bytes) * (1 - 1e-12)
    assert split.gpus * float(part.kv_cache_bytes) >= float(whole.kv_cache_bytes) * (1 - 1e-12)


def test_sequence_parallelism_shares_the_cache_and_not_the_weights() -> None:
    part = gpu_footprint(LLAMA, NUMBERS, Split(sequence=4), 1, 4096)
    whole = whole_footprint(LLAMA, NUMBERS, 1, 4096)
    assert part.weights_bytes == whole.weights_bytes
    assert part.kv_cache_bytes == whole.kv_cache_bytes / 4


@pytest.mark.parametrize(
    ("usable_gib", "layout"),
    [(24, Layout()), (12, Layout(tensor=2)), (6, Layout(tensor=4)), (1, Layout(tensor=8, pipeline=2))],
)
def test_the_smallest_layout_that_fits(usable_gib: int, layout: Layout) -> None:
    split, _ = smallest_fit(LLAMA, NUMBERS, NONE, batch=1, tokens=2048, usable_bytes=usable_gib * 2**30)
    assert split.layout == layout
    assert fits(gpu_footprint(LLAMA, NUMBERS, split, 1, 2048), NONE, usable_gib * 2**30)


def test_what_fits_nowhere_is_refused_with_the_numbers() -> None:
    with pytest.raises(DoesNotFitError) as caught:
        smallest_fit(LLAMA, NUMBERS, NONE, batch=1, tokens=2048, usable_bytes=1e6)
    assert caught.value.needed_bytes > caught.value.available_bytes == 1e6


def test_tensor_sizes_divide_all_heads() -> None:
    assert tensor_sizes(llama(heads=32), 8) == [1, 2, 4, 8]
    assert tensor_sizes(llama(hidden=1536, heads=12), 8) == [1, 2, 4]


def test_strategies_are_compared_at_the_fewest_gpus() -> None:
    options = {
        each.strategy: each
        for each in compare_strategies(
            deepseek_v3(), NUMBERS, NONE, batch=8, tokens=4096, usable_bytes=80 * 2**30, link=LINK
        )
    }
    assert set(options) == {"tensor", "pipeline", "sequence", "tensor_pipeline", "expert"}
    assert options["sequence"].split is None
    assert options["sequence"].communication is None
    assert "does not fit" in options["sequence"].reason
    for name in ("tensor", "pipeline", "tensor_pipeline", "expert"):
        option = options[name]
        assert option.split is not None
        assert option.footprint is not None
        assert fits(option.footprint, NONE, 80 * 2**30)
        assert option.communication in ("low", "medium", "high")


def test_dense_models_have_no_expert_strategy() -> None:
    options = compare_strategies(LLAMA, NUMBERS, NONE, batch=1, tokens=128, usable_bytes=2**35, link=LINK)
    assert "expert" not in {each.strategy for each in options}


def test_communication_follows_the_ring() -> None:
    # 64 all-reduces of 2 x 7/8 x 4096 x 2 bytes
    split = Split(layout=Layout(tensor=8))
    expected = 64 * (10e-6 + 2 * 7 / 8 * 4096 * 2 / 450e9)
    assert communication_s(LLAMA, split, 1, 2, LINK) == pytest.approx(expected)
    assert communication_s(LLAMA, Split(), 1, 2, LINK) == 0


def test_tokens_are_exchanged_once_a_mixture_layer_however_many_tensors_route() -> None:
    model = mixtral()
    gate = Custom(name="gate", content=Parts(weights=(vector("gate", "router", 8),)))
    (group,) = model.groups
    gated = replace(model, groups=(replace(group, blocks=(*group.blocks, gate)),))
    split = Split(layout=Layout(data=8, expert=8))
    # there and back in 32 layers: 7/8 of two copies of 4096 x 2 bytes, dealt over eight GPUs
    expected = 2 * 32 * (10e-6 + 7 / 8 * 2 * 4096 * 2 / 8 / 450e9)
    assert communication_s(model, split, 1, 2, LINK) == pytest.approx(expected)
    assert communication_s(gated, split, 1, 2, LINK) == pytest.approx(expected)
