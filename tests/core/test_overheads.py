"""Memory beside weights and cache, against figures that engines printed."""

import numpy as np
import pytest

from llm_calc.core.overheads import (
    OverheadConstants,
    forward_peak_bytes,
    framework_bytes,
    graph_bytes,
    layer_peak_width,
    profiled_peak_bytes,
    sampler_peak_bytes,
)
from tests.builders import deepseek_v3, llama, mixtral

GIB = 2**30
CONSTANTS = OverheadConstants(
    sampler_bytes_per_logit=38.4, context_bytes=0.13 * GIB, group_bytes=0.15 * GIB, peer_bytes=0.26 * GIB
)


def test_gate_up_and_their_product_are_the_widest() -> None:
    assert layer_peak_width(llama()) == 3 * 11008
    assert layer_peak_width(llama(), 2) == 3 * 11008 / 2


def test_experts_count_as_often_as_a_token_visits_them() -> None:
    assert layer_peak_width(mixtral()) == 3 * 14336 * 2


def test_latent_attention_may_be_the_widest() -> None:
    queries, keys = 1536 + 128 * 192, 576 + 128 * 256
    assert layer_peak_width(deepseek_v3()) == max(queries + keys + 128 * 128, 3 * 18432, 3 * 2048 * 8)


def test_a_step_of_32768_tokens_of_qwen_2_5_1_5b() -> None:
    """vLLM without chunked prefill printed a peak of 2.02 GiB for 32768 tokens."""
    model = llama(hidden=1536, intermediate=8960, layers=28, vocab=151936, heads=12, kv_heads=2)
    assert forward_peak_bytes(model, 32768, 2.0) / GIB == pytest.approx(2.02, rel=0.01)


def test_the_sampler_decides_with_many_sequences() -> None:
    """vLLM printed 1.19 GiB for Llama-3.1-8B with 256 sequences, 4.76 GiB with 1024 (and 8192 tokens)."""
    model = llama(intermediate=14336, vocab=128256, kv_heads=8)
    for sequences, tokens, printed in ((256, 2048, 1.19), (1024, 8192, 4.76)):
        peak = profiled_peak_bytes(
            model, tokens=tokens, sequences=sequences, bytes_per_element=2.0, tensor=1, overheads=CONSTANTS
        )
        assert peak == sampler_peak_bytes(model, tokens, sequences, 2.0, 38.4)
        assert float(peak) / GIB == pytest.approx(printed, rel=0.01)


@pytest.mark.parametrize(("group", "gib"), [(1, 0.13), (2, 0.54), (8, 2.10)])
def test_communication_grows_with_the_group(group: int, gib: float) -> None:
    assert framework_bytes(group, CONSTANTS) / GIB == pytest.approx(gib)


def test_graphs_grow_with_layers_and_sizes() -> None:
    constants = OverheadConstants(graph_bytes_per_layer=1000)
    assert graph_bytes(32, 67, constants) == 32 * 67 * 1000


def test_arrays_are_taken() -> None:
    tokens = np.array([1.0, 1000.0, 100_000.0])
    peaks = profiled_peak_bytes(
        llama(), tokens=tokens, sequences=16, bytes_per_element=2.0, tensor=1, overheads=CONSTANTS
    )
    scalars = [
        profiled_peak_bytes(
            llama(), tokens=each, sequences=16, bytes_per_element=2.0, tensor=1, overheads=CONSTANTS
        )
        for each in tokens
    ]
    assert np.asarray(peaks).tolist() == scalars
