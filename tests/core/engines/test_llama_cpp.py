"""llama.cpp: what goes to which device, cells, and the compute buffer."""

from dataclasses import replace

import pytest

from llm_calc.core.engines.llama_cpp_split import devices, layer_bytes
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.memory import weights_bytes
from llm_calc.core.weights import Weight
from tests.builders import llama, plain_recipe
from tests.core.engines.setups import GIB, engine, llama_3_8b, recurrent, setup, sliding

MIB = 2**20


def test_the_input_embedding_stays_with_the_host() -> None:
    budget = engine("llama.cpp").plan(setup(llama())).budget
    assert budget.host_weights_bytes == 32000 * 4096 * 2
    assert budget.weights_bytes + budget.host_weights_bytes == weights_bytes(llama(), plain_recipe())


def test_a_tied_head_is_on_the_device_and_in_the_file_once() -> None:
    budget = engine("llama.cpp").plan(setup(llama(tied=True))).budget
    assert budget.weights_bytes == weights_bytes(llama(tied=True), plain_recipe())
    assert budget.host_weights_bytes == 32000 * 4096 * 2  # both copies exist


def test_towers_are_not_in_the_file() -> None:
    tower = Weight(name="patch", component="vision", rows=1000, cols=1000, used=0)
    seeing = replace(llama(), outside=(*llama().outside, tower))
    assert layer_bytes(seeing, plain_recipe()).file_bytes == layer_bytes(llama(), plain_recipe()).file_bytes
    assert "mmproj" in " ".join(engine("llama.cpp").plan(setup(seeing)).notes)


@pytest.mark.parametrize(
    ("offloaded", "count", "expected"),
    [
        (33, 1, [(0, 32, True)]),
        (1, 1, [(32, 32, True)]),
        (17, 1, [(16, 32, True)]),
        (0, 1, [(32, 32, False)]),
        (33, 2, [(0, 17, False), (17, 32, True)]),
        (99, 3, [(0, 11, False), (11, 22, False), (22, 32, True)]),
    ],
)
def test_the_last_layers_are_offloaded_in_equal_runs(
    offloaded: int, count: int, expected: list[tuple[int, int, bool]]
) -> None:
    found = devices(32, offloaded, count)
    assert [(device.layers.start, device.layers.stop, device.output) for device in found] == expected


def test_partial_offload_leaves_layers_and_their_cache_with_the_host() -> None:
    whole = engine("llama.cpp", n_ctx=4096).plan(setup(llama())).budget
    half = engine("llama.cpp", n_ctx=4096, n_gpu_layers=17).plan(setup(llama())).budget
    assert half.kv_cache_bytes == whole.kv_cache_bytes / 2
    both = whole.weights_bytes + whole.host_weights_bytes
    assert half.weights_bytes + half.host_weights_bytes == pytest.approx(both)
    assert half.weights_bytes < 0.55 * whole.weights_bytes


@pytest.mark.parametrize(
    ("context", "flash", "vocab", "expected_mib"),
    [
        (
            4096,
            False,
            32000,
            256 + 8 + 32,
        ),  # scores of 32 heads, mask, four residual tensors: 296.0 as printed
        (8192, True, 128256, 258.5),  # Llama-3-8B with flash attention: 258.50 as printed
    ],
)
def test_compute_buffers_as_llama_cpp_prints_them(
    context: int, flash: bool, vocab: int, expected_mib: float
) -> None:
    model = llama(vocab=vocab)
    options = {"version": "b7200", "n_ctx": context, "flash_attn": flash}
    found = engine("llama.cpp", **options).plan(setup(model)).budget.activation_peak_bytes / MIB
    assert found == pytest.approx(expected_mib, abs=0.02)  # printed with two digits


def test_cells_come_in_256s() -> None:
    """Llama-2-7B keeps 0.5 MiB a token: 256 MiB for 512 cells as printed, as much for 300."""
    assert engine("llama.cpp", n_ctx=512).plan(setup(llama())).budget.kv_cache_bytes == 256 * MIB
    assert engine("llama.cpp", n_ctx=300).plan(setup(llama())).budget.kv_cache_bytes == 256 * MIB


def test_sliding_layers_keep_their_window_and_a_micro_batch() -> None:
    cells = -(-(1024 + 512) // 256) * 256
    model = replace(sliding(2, 10), model_type="gemma3")
    plan = engine("llama.cpp", n_ctx=8192, n_parallel=1).plan(setup(model))
    assert plan.budget.kv_cache_bytes == (2 * 8192 + 10 * cells) * 2048
    whole = engine("llama.cpp", n_ctx=8192, n_parallel=1, swa_full=True).plan(setup(model))
    assert whole.budget.kv_cache_bytes == 12 * 8192 * 2048


def test_windows_that_llama_cpp_has_not_built_do_not_cut_the_cache() -> None:
    plan = engine("llama.cpp", n_ctx=8192, n_parallel=1).plan(
        setup(replace(sliding(2, 10), model_type="phi3"))
    )
    assert plan.budget.kv_cache_bytes == 12 * 8192 * 2048


def test_states_are_float32_one_a_slot() -> None:
    one = engine("llama.cpp", n_ctx=256, n_parallel=1).plan(setup(recurrent(2, 6))).budget.kv_cache_bytes
    four = engine("llama.cpp", n_ctx=256, n_parallel=4).plan(setup(recurrent(2, 6))).budget.kv_cache_bytes
    assert four - one == 3 * 6 * 100_000 * 4


def test_unified_memory_counts_what_the_host_keeps() -> None:
    apart, shared = setup(gpu="rtx-4090"), setup(gpu="apple-m4-max")
    assert shared.gpu.unified_memory
    plan = engine("llama.cpp", n_ctx=1024).plan(shared)
    fixed = plan.budget.weights_bytes + plan.budget.activation_peak_bytes + plan.budget.framework_bytes
    assert plan.host is not None
    assert plan.host.weights_bytes == plan.budget.host_weights_bytes
    assert plan.available_bytes == pytest.approx(shared.memory_bytes - fixed - plan.host.needed_bytes)
    assert engine("llama.cpp").plan(apart).budget.usable_bytes == apart.memory_bytes


def test_a_context_that_is_too_long_is_refused() -> None:
    assert engine("llama.cpp", n_ctx=8192).plan(setup(llama_3_8b(), memory_gib=24)).starts
    plan = engine("llama.cpp", n_ctx=1 << 20, fit=False).plan(setup(llama_3_8b(), memory_gib=24))
    assert not plan.starts
    assert plan.budget.kv_cache_bytes == 128 * GIB
    assert plan.budget.unallocated_bytes < 0


def test_places_that_are_made_at_start_hold_as_many_as_they_are_made_for() -> None:
    plan = engine("llama.cpp", n_ctx=8192).plan(setup(llama_3_8b(), memory_gib=24))
    # 8192 cells that four slots share: one request of 8192, two of 4096, never more than four; memory would hold nine.
    assert [plan.sequences(tokens) for tokens in (8192, 4096, 1024)] == [1, 2, 4]
    short = engine("llama.cpp", n_ctx=1 << 20, fit=False).plan(setup(llama_3_8b(), memory_gib=24))
    # 128 KiB a token, 4 GiB for 32768 of them: what is left of memory, not the million cells, is the limit.
    assert short.sequences(32768) == pytest.approx(short.available_bytes / (4 * GIB))


@pytest.mark.parametrize(("tensor", "expert"), [(2, 1), (2, 2)])
def test_only_layers_are_dealt(tensor: int, expert: int) -> None:
    with pytest.raises(UnsupportedError, match="use pipeline instead"):
        engine("llama.cpp").plan(setup(tensor=tensor, expert=expert))


def test_several_devices_keep_four_copies_of_their_inputs() -> None:
    """Llama-3.1-8B at 8192 cells on two devices, as v0.5.0 plans it."""
    options = {"n_ctx": 8192, "n_parallel": 1}
    plan = engine("llama.cpp", **options).plan(setup(llama_3_8b(), pipeline=2))
    expected = {0: 180_396_032, 1: 213_950_976}[plan.stage]
    assert plan.budget.activation_peak_bytes == pytest.approx(expected, rel=5e-4)


@pytest.mark.parametrize(
    ("n_ctx", "n_parallel", "cells", "slot"),
    [(10_000, 3, 10_752, 3584), (8192, 64, 16_384, 256), (32_768, 1, 32_768, 32_768), (1024, 8, 2048, 256)],
)
def test_each_slot_is_padded(n_ctx: int, n_parallel: int, cells: int, slot: int) -> None:
    plan = engine("llama.cpp", n_ctx=n_ctx, n_parallel=n_parallel).plan(setup(llama_3_8b()))
    assert (plan.tokens_per_replica, plan.max_model_len_tokens) == (cells, slot)


def test_a_request_longer_than_its_slot_is_refused() -> None:
    plan = engine("llama.cpp", n_ctx=32_768, n_parallel=4, kv_unified=False).plan(setup(llama_3_8b()))
    assert plan.max_model_len_tokens == 8192
    assert plan.max_concurrency(8192) == 4
    assert plan.max_concurrency(13_000) == 0
    shared = engine("llama.cpp", n_ctx=32_768).plan(setup(llama_3_8b()))
    assert shared.max_concurrency(13_000) == 2
    assert shared.max_concurrency(100) == 4


def test_n_batch_caps_the_micro_batch() -> None:
    few = engine("llama.cpp", n_ctx=8192, n_ubatch=2048, n_batch=512).plan(setup(llama_3_8b()))
    assert few.budget == engine("llama.cpp", n_ctx=8192).plan(setup(llama_3_8b())).budget


@pytest.mark.parametrize(("memory_gib", "layers_off"), [(24, 0), (17, 0), (12, 8)])
def test_context_is_fitted_before_layers(memory_gib: float, layers_off: int) -> None:
    """Llama-3-8B in 16 bits without an n_ctx: the context goes down to 4096 before any layer leaves the card."""
    plan = engine("llama.cpp").plan(
        setup(replace(llama_3_8b(), context_length_tokens=131_072), memory_gib=memory_gib)
    )
    assert plan.starts
    off = any("stay with the host" in note for note in plan.notes)
    assert off == bool(layers_off)
    assert (plan.tokens_per_replica == 4096) == bool(layers_off)
    assert plan.budget.unallocated_bytes >= 0.99 * GIB


def test_what_the_options_say_is_not_fitted() -> None:
    said = {"n_ctx": 8192, "n_gpu_layers": 33}
    plan = engine("llama.cpp", **said).plan(setup(llama_3_8b(), memory_gib=12))
    assert not plan.starts
    assert (
        not engine("llama.cpp", version="b7200", n_ctx=8192).plan(setup(llama_3_8b(), memory_gib=12)).starts
    )


def test_more_devices_than_it_knows_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="at most 16 devices; it is 17"):
        engine("llama.cpp").plan(setup(pipeline=17))
