"""SGLang by release: the static share, its default, and the pools that it is dealt to.

Right values of 0.5.23 were found by running its own resolution of arguments and its pool configurator without a GPU.
"""

from dataclasses import replace
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.setup import resolve_setup
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart
from llm_calc.core.engines import MemoryPlan, Setup
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.engines.sglang_rules import usual_kernels
from llm_calc.core.engines.sglang_share import captured_batches, captured_chunks, card_class, tower_factor
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.parallelism import Layout
from llm_calc.library import estimate, memory_plan
from tests.builders import mixtral
from tests.core.engines.setups import GIB, engine, recurrent, setup, sliding

H100, H200, B200 = "h100-80gb-sxm", "h200-141gb-sxm", "b200-180gb-sxm"


def sglang(version: str | None = None, **options: Any) -> Sglang:
    found = build_engine("sglang", version, **options)
    assert isinstance(found, Sglang)
    return found


def catalog(model: str, gpu: str, tensor: int = 1, kv_cache: str = "auto") -> Setup:
    return resolve_setup(
        load_catalogs(),
        model=ModelPart(name=model),
        precision=PrecisionPart(kv_cache=kv_cache),
        hardware=HardwarePart(gpu=gpu, count=tensor),
        parallelism=ParallelismPart(tensor=tensor),
        engine="sglang",
    ).setup


@pytest.mark.parametrize(
    ("model", "gpu", "tensor", "share"),
    [
        ("llama-3.1-8b", H100, 1, 0.828),
        ("deepseek-v3", H200, 8, 0.885),
        ("qwen3.5-27b", H100, 2, 0.7648),
        ("gemma-4-31b", H100, 2, 0.7578),
        ("kimi-k2.6", H200, 8, 0.8051),
        ("llama-3.1-8b", "rtx-4090", 1, 0.699),
        ("llama-3.1-70b", "rtx-4090", 4, 0.674),
        ("llama-3.1-8b", "l40s", 1, 0.841),
        ("llama-3.1-8b", B200, 1, 0.853),
        ("gpt-oss-120b", B200, 2, 0.852),
        ("deepseek-v3", B200, 8, 0.843),
        ("qwen3-vl-8b", B200, 1, 0.7916),
    ],
)
def test_the_default_share(model: str, gpu: str, tensor: int, share: float) -> None:
    # a thousandth: the catalog's memory of a card is not to the MiB what the engine was told
    assert sglang().static_fraction(catalog(model, gpu, tensor)) == pytest.approx(share, abs=0.0011)


MI300X = "mi300x"
# 0.5.23 arg_groups/attention_hook.py, handle_attention_backend_compatibility: x 0.85 beside aiter above 8192 tokens;
# get_default_attn_backend: aiter on ROCm, of latent attention with 16 or 128 heads a GPU; gemma4.py: triton
AITER_SHARES = [
    ("llama-3.1-8b", MI300X, 1, {}, 0.765),
    ("llama-3.1-8b", MI300X, 1, {"context_length": 8193}, 0.765),
    ("llama-3.1-8b", MI300X, 1, {"context_length": 8192}, 0.9),
    ("llama-3.1-8b", MI300X, 1, {"attention_backend": "triton"}, 0.9),
    ("gpt-oss-20b", MI300X, 1, {}, 0.765),
    ("gemma-4-31b", MI300X, 1, {}, 0.9),
    ("gemma-4-31b", MI300X, 1, {"attention_backend": "aiter"}, 0.765),
    ("deepseek-v3", MI300X, 8, {}, 0.765),  # 128 heads over 8 GPUs
    ("deepseek-v3", MI300X, 4, {}, 0.9),  # 32 heads a GPU
    ("kimi-k2", MI300X, 8, {}, 0.9),  # 8 heads a GPU
    ("deepseek-v3.2", MI300X, 8, {}, 0.9),  # sparse: kernels of its own
    ("llama-3.1-8b", H100, 1, {}, 0.9),
]


@pytest.mark.parametrize(("model", "gpu", "tensor", "options", "share"), AITER_SHARES)
def test_aiter_takes_less_of_a_stated_share(
    model: str, gpu: str, tensor: int, options: dict[str, Any], share: float
) -> None:
    found = sglang(mem_fraction_static=0.9, **options)
    assert found.static_fraction(catalog(model, gpu, tensor)) == pytest.approx(share)
    notes = [note for note in found.plan(catalog(model, gpu, tensor)).notes if "0.85 of mem_fraction" in note]
    assert len(notes) == (share < 0.9)


def test_aiter_takes_less_of_its_own_share() -> None:
    long, short = (sglang(context_length=length) for length in (8193, 8192))
    card = catalog("llama-3.1-8b", MI300X)
    assert long.static_fraction(card) == pytest.approx(0.85 * short.static_fraction(card))


# 0.5.23: raised in arg_groups/attention_hook.py and overrides.py; choices.py lists kernels by vendor
STRANGE = [
    ("llama-3.1-8b", H100, "aiter", True),
    ("llama-3.1-8b", MI300X, "fa3", True),
    ("llama-3.1-8b", MI300X, "triton", False),
    ("llama-3.1-8b", "a100-80gb-sxm", "trtllm_mha", True),
    ("llama-3.1-8b", H100, "trtllm_mha", False),
    ("deepseek-v3", H200, "trtllm_mla", True),
    ("deepseek-v3", "rtx-pro-6000-blackwell-server", "trtllm_mla", False),
    ("deepseek-v3", "rtx-pro-6000-blackwell-server", "cutedsl_mla", True),
    ("deepseek-v3", B200, "cutedsl_mla", False),
    ("llama-3.1-8b", B200, "fa3", True),
    ("llama-3.1-8b", "a100-80gb-sxm", "fa3", False),
    ("deepseek-v3", "a100-80gb-sxm", "fa3", True),
    ("deepseek-v3", H200, "fa3", False),
]


@pytest.mark.parametrize(("model", "gpu", "kernels", "refused"), STRANGE)
def test_kernels_of_other_cards_do_not_start(model: str, gpu: str, kernels: str, refused: bool) -> None:
    found = sglang(attention_backend=kernels).plan(catalog(model, gpu)).refusals
    assert any(f"attention_backend: {kernels} does not run on {gpu}" in words for words in found) == refused


# 0.5.23: raised in layers/attention/attention_registry.py
@pytest.mark.parametrize(
    ("model", "kernels", "said"),
    [
        ("llama-3.1-8b", "trtllm_mla", "alone"),
        ("llama-3.1-8b", "cutedsl_mla", "alone"),
        ("deepseek-v3", "trtllm_mha", "is not for latent"),
    ],
)
def test_kernels_of_other_attention_do_not_start(model: str, kernels: str, said: str) -> None:
    found = sglang(attention_backend=kernels).plan(catalog(model, B200)).refusals
    assert any(f"attention_backend: {kernels} " in words and said in words for words in found)


def test_the_reserve_by_hand() -> None:
    # 512 + 1.5 x 8192 + 128 + 2 x 256 + 8 x 58 = 13 904 MiB of 80 GiB
    assert sglang().static_fraction(setup(memory_gib=80)) == round(1 - 13_904 / 81_920, 3)
    # 0.5.4 without graphs of prompts: 13 440 MiB
    assert sglang("0.5.4").static_fraction(setup(memory_gib=80)) == round(1 - 13_440 / 81_920, 3)
    # without any graphs: 512 + 12 288 + 128 = 12 928 MiB
    share = sglang(disable_cuda_graph=True).static_fraction(setup(memory_gib=80))
    assert share == round(1 - 12_928 / 81_920, 3)


@pytest.mark.parametrize(
    ("tower", "factor"),
    [
        (None, 1.0),
        ((24, 1024), 0.95),
        ((27, 1152), 0.95 * (1 - 0.1 * 0.423828125)),
        ((32, 3584), 0.76),
        ((1, 8), 0.9975),
    ],
)
def test_the_factor_of_a_tower(tower: tuple[int, int] | None, factor: float) -> None:
    assert tower_factor(tower) == pytest.approx(factor)


def test_a_given_share_is_taken_as_it_is() -> None:
    assert sglang(mem_fraction_static=0.5).static_fraction(setup()) == 0.5


def test_data_parallel_attention_enlarges_the_reserve() -> None:
    assert sglang().static_fraction(setup(data=4, shared=True)) < sglang().static_fraction(setup(tensor=4))


@pytest.mark.parametrize(
    ("version", "memory_gib", "tensor", "expected"),
    [
        ("0.5.23", 16, 1, (2048, 8)),
        ("0.5.23", 24, 2, (4096, 48)),
        ("0.5.23", 24, 4, (4096, 160)),
        ("0.5.12", 24, 2, (2048, 24)),
        ("0.5.4", 24, 2, (2048, 16)),
        ("0.5.4", 24, 4, (2048, 80)),
        ("0.5.23", 48, 1, (4096, 32)),
        ("0.5.23", 180, 8, (16384, 512)),
    ],
)
def test_card_classes(version: str, memory_gib: float, tensor: int, expected: tuple[int, int]) -> None:
    assert card_class(setup(memory_gib=memory_gib, tensor=tensor), sglang(version).rules) == expected


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [(8, 4), (24, 7), (48, 10), (80, 14), (160, 24), (256, 36), (512, 52), (1024, 68), (50, 11)],
)
def test_captured_batches(largest: int, sizes: int) -> None:
    assert captured_batches(largest) == sizes


@pytest.mark.parametrize(("largest", "sizes"), [(32, 8), (2048, 42), (4096, 50), (8192, 58), (16384, 74)])
def test_captured_chunks(largest: int, sizes: int) -> None:
    assert captured_chunks(largest) == sizes


def test_the_share_without_weights_is_the_pool() -> None:
    plan = sglang(mem_fraction_static=0.8).plan(setup(memory_gib=79.18))
    budget = plan.budget
    pool = (79.18 * GIB - budget.framework_bytes) * 0.8 - budget.weights_bytes
    assert plan.available_bytes == pytest.approx(pool, rel=1e-6)
    assert plan.tokens_per_replica == int(plan.available_bytes // 131_072)


def test_pages_round_the_pool_down() -> None:
    assert sglang(page_size=64).plan(setup()).tokens_per_replica % 64 == 0


@pytest.mark.parametrize(
    ("model", "gpu", "options", "page"),
    [
        ("llama-3.1-8b", H100, {}, 1),
        ("llama-3.1-8b", B200, {}, 64),
        ("llama-3.1-8b", B200, {"page_size": 32}, 32),
        ("llama-3.1-8b", B200, {"attention_backend": "fa4"}, 128),
        ("llama-3.1-8b", B200, {"attention_backend": "triton"}, 1),
        ("deepseek-v3", B200, {}, 64),
        ("deepseek-v3", H200, {"attention_backend": "flashmla"}, 64),
        ("deepseek-v3.2", H200, {}, 64),
        ("glm-5.2", B200, {}, 64),
        ("deepseek-v4-flash", H200, {}, 256),
    ],
)
def test_pages(model: str, gpu: str, options: dict[str, Any], page: int) -> None:
    assert sglang(**options).page(catalog(model, gpu)) == page


def one_pool_of(model: str, share: float) -> MemoryPlan:
    return sglang(mem_fraction_static=share).plan(catalog(model, H100, 2))


@pytest.mark.parametrize(("model", "tokens"), [("gemma-2-27b", 226_677), ("olmo3-32b", 287_538)])
def test_windows_of_other_models_keep_all_tokens(model: str, tokens: int) -> None:
    plan = one_pool_of(model, 0.833)
    assert [pool.name for pool in plan.pools] == ["full"]
    assert plan.tokens_per_replica == tokens


def test_what_vision_models_allocate_later_is_kept_out() -> None:
    plan = one_pool_of("gemma-3-27b", 0.833)
    # 62 layers x 4096 bytes of each token; 100 MiB are 412 tokens. The figure is of 163840 positions: the rotary
    # table of the release's 131072 is 32768 rows of 128 numbers of 2 bytes shorter
    kept = 100 * 2**20 - (163_840 - 131_072) * 128 * 2
    assert plan.tokens_per_replica == pytest.approx(167_195 - kept / (62 * 4096), abs=2)


def test_named_architectures_pool_their_windows() -> None:
    plan = sglang().plan(catalog("gpt-oss-120b", H100, 2))
    full, window = plan.pools
    assert (full.name, window.name) == ("full", "sliding")
    assert plan.bytes_per_token == 18 * 1024 + 0.8 * 18 * 1024
    assert window.capacity_bytes / full.capacity_bytes == pytest.approx(0.8, rel=1e-4)
    assert window.sequence_bytes(100_000) == (128 + 1) * 18 * 1024
    alone = sglang(disable_hybrid_swa_memory=True).plan(catalog("gpt-oss-120b", H100, 2))
    assert [pool.name for pool in alone.pools] == ["full"]


def test_without_prefix_caching_windows_have_room_for_the_requests_asked_for() -> None:
    plan = sglang(disable_radix_cache=True, max_running_requests=64).plan(catalog("gpt-oss-120b", H100, 2))
    _, window = plan.pools
    # 64 x (128 + 128 + 2) + 2 x 8192 + 1 tokens of 18 x 1024 bytes
    assert window.capacity_bytes == (64 * 258 + 2 * 8192 + 1) * 18 * 1024


def test_a_model_of_windows_alone_keeps_them_in_the_one_pool() -> None:
    (only,) = sglang().plan(setup(sliding(0, 4))).pools
    assert only.name == "full"


@pytest.mark.parametrize(
    ("model", "gpu", "tensor", "share", "slots", "runs", "slot_bytes"),
    [
        ("nemotron-3-nano-30b-a3b", H100, 1, 0.834, 68, 13, 49_082_368),
        ("nemotron-3-super-120b-a12b", H100, 4, 0.823, 83, 16, 42_557_440),
        ("qwen3.5-27b", H100, 2, 0.833, 259, 51, 76_972_032),
        ("qwen3-next-80b-a3b", H100, 4, 0.823, 699, 139, 19_316_736),
    ],
)
def test_a_running_request_holds_five_slots(
    model: str, gpu: str, tensor: int, share: float, slots: int, runs: int, slot_bytes: float
) -> None:
    plan = sglang(mem_fraction_static=share).plan(catalog(model, gpu, tensor))
    state = next(pool for pool in plan.pools if pool.name == "state")
    assert state.claims[0].block_bytes == 5 * slot_bytes
    # the bytes that were dealt are the engine's to 0.3 %
    assert state.capacity_bytes / slot_bytes == pytest.approx(slots, abs=2)
    assert plan.limits.max_sequences == pytest.approx(runs, abs=1)


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ({}, 5),
        ({"disable_radix_cache": True}, 1),
        ({"disable_overlap_schedule": True}, 3),
        ({"mamba_radix_cache_strategy": "no_buffer"}, 3),
        ({"mamba_radix_cache_strategy": "extra_buffer"}, 5),
        ({"mamba_radix_cache_strategy": "extra_buffer", "disable_overlap_schedule": True}, 4),
        ({"mamba_radix_cache_strategy": "extra_buffer_lazy"}, 4),
    ],
)
def test_slots_a_request(options: dict[str, Any], held: int) -> None:
    (slots,) = (pool for pool in sglang(**options).plan(setup(recurrent(2, 6))).pools if pool.name == "state")
    assert slots.sequence_bytes(1) == slots.sequence_bytes(10**6) == held * 6 * 400_000


@pytest.mark.parametrize(
    ("version", "slots", "padding"),
    [
        ("0.5.4", 3, 0),
        ("0.5.9", 3, 0),
        ("0.5.12", 3, 0),
        ("0.5.13", 3, 0),
        ("0.5.14", 5, 0),
        ("0.5.16", 5, 0),
        ("0.5.17", 5, 1),
        ("0.5.19", 5, 1),
        ("0.5.23", 5, 1),
    ],
)
def test_slots_of_a_request_by_release(version: str, slots: int, padding: int) -> None:
    """Read in the wheels: the strategy is chosen from 0.5.14 on, the padding slot counted from 0.5.17 on."""
    built = sglang(version)
    (states,) = (pool for pool in built.plan(setup(recurrent(2, 6))).pools if pool.name == "state")
    assert states.sequence_bytes(1) == slots * 6 * 400_000
    assert built.rules.padding_slots == padding


@pytest.mark.parametrize(("version", "held"), [("0.5.15", 3), ("0.5.16", 5)])
def test_kimi_linear_has_tracking_slots_from_0_5_16_on(version: str, held: int) -> None:
    plan = sglang(version).plan(catalog("kimi-linear-48b-a3b", H100, 2))
    (states,) = (pool for pool in plan.pools if pool.name == "state")
    assert states.slots_a_request == held


@pytest.mark.parametrize("model", ["mamba2-2.7b", "falcon-mamba-7b"])
def test_models_of_states_alone_hold_three(model: str) -> None:
    """They are not among the architectures with tracking slots."""
    (states,) = (pool for pool in sglang().plan(catalog(model, H100)).pools if pool.name == "state")
    assert states.slots_a_request == 3


@pytest.mark.parametrize(
    ("model", "version", "pooled"),
    [
        ("gpt-oss-20b", "0.5.4", False),
        ("gpt-oss-20b", "0.5.8", True),
        ("llama-4-scout", "0.5.9", True),
        ("mimo-v2-flash", "0.5.9", True),
        ("gemma-4-31b", "0.5.10", False),
        ("gemma-4-31b", "0.5.11", True),
        ("mimo-v2.5", "0.5.11", True),
        ("mimo-v2.5", "0.5.23", True),
        ("laguna-xs.2", "0.5.11", False),
        ("laguna-xs.2", "0.5.12", True),
        ("step-3.5-flash", "0.5.9", True),
        ("step-3.7-flash", "0.5.13", True),
        ("mellum2-12b-a2.5b", "0.5.16", True),
        ("inkling-975b", "0.5.23", True),
        ("muse-glimmer-30b", "0.5.17", False),
        ("muse-glimmer-30b", "0.5.18", True),
        ("dots3-note-prev", "0.5.19", True),
        ("gemma-2-27b", "0.5.23", False),
        ("gemma-3-27b", "0.5.23", False),
        ("olmo3-32b", "0.5.23", False),
        ("command-r7b", "0.5.23", False),
        ("exaone-4.0-32b", "0.5.23", False),
        ("ministral-8b", "0.5.23", False),
    ],
)
def test_which_windows_have_a_pool_by_release(model: str, version: str, pooled: bool) -> None:
    """``is_hybrid_swa_model`` of each wheel, and ``is_hybrid_swa`` of ``configs/dots3.py``."""
    pools = sglang(version).plan(catalog(model, H200, 8 if "scout" in model else 4)).pools
    assert ({"full", "sliding"} <= {pool.name for pool in pools}) == pooled


def test_the_number_of_slots_may_be_given() -> None:
    plan = sglang(max_mamba_cache_size=50).plan(setup(recurrent(2, 6)))
    assert plan.pools[-1].capacity_bytes == 50 * 6 * 400_000
    assert plan.limits.max_sequences == 10


def test_states_are_float32_unless_the_file_or_the_option_says_otherwise() -> None:
    held = sglang().plan(catalog("qwen3-next-80b-a3b", H100, 4)).pools[-1].claims[0].block_bytes
    narrow = (
        sglang(mamba_ssm_dtype="bfloat16").plan(catalog("qwen3-next-80b-a3b", H100, 4)).pools[-1].claims[0]
    )
    assert held == 5 * 19_316_736
    assert narrow.block_bytes == 5 * 9_879_552
    stated = (
        sglang(mamba_ssm_dtype="bfloat16").plan(catalog("nemotron-3-nano-30b-a3b", H100)).pools[-1].claims[0]
    )
    assert stated.block_bytes == 5 * 23 * (36_864 + 2 * 524_288)


def test_deepseek_v4_has_pools_of_its_own() -> None:
    plan = sglang().plan(catalog("deepseek-v4-flash", H200, 4))
    assert plan.bytes_per_token == 7086.75
    assert plan.limits.max_sequences == 256
    full, window = plan.pools
    # 21 x (585 / 4 + 132 / 4) + 20 x 864 / 128 bytes a token; 43 x 585 + 21 x 8 / 256 x 4 x 640 x 4 of the window
    assert full.claims[0].bytes_per_token == 21 * 179.25 + 20 * 6.75
    assert window.claims[0].bytes_per_token == 43 * 585 + 21 * 320
    # rings of what is compressed to one entry of 128: (256 + 2) x 128 + 1 rows, padded, of 2 x 512 float32, 20 layers
    rings = 33_152 * 2 * 512 * 4 * 20
    assert plan.tokens_per_replica == int((plan.available_bytes - rings) // 7086.75) // 256 * 256


@pytest.mark.parametrize(
    ("model", "gpu", "row"),
    [
        ("deepseek-v3.2", H200, 656),
        ("deepseek-v3.2", B200, 576),
        ("deepseek-v3.2", "rtx-pro-6000-blackwell-server", 576),
        ("glm-5.2", "rtx-pro-6000-blackwell-server", 656),
        ("deepseek-v3.2", "mi355x", 576),
    ],
)
def test_rows_of_sparse_latent_caches_in_fp8(model: str, gpu: str, row: int) -> None:
    """0.5.23: scales beside the latent on Hopper and, of GLM, on compute capability 12; plain rows elsewhere."""
    plan = sglang().plan(catalog(model, gpu, 8, "fp8"))
    indexed = {"deepseek-v3.2": 61, "glm-5.2": 21}[model]
    assert plan.bytes_per_token == {"deepseek-v3.2": 61, "glm-5.2": 78}[model] * row + indexed * 132


@pytest.mark.parametrize(
    ("gpu", "kept"),
    [(H200, "bf16"), (B200, "fp8"), ("rtx-pro-6000-blackwell-server", "fp8"), ("mi355x", "bf16")],
)
def test_the_default_cache_of_sparse_latent_attention(gpu: str, kept: str) -> None:
    assert catalog("deepseek-v3.2", gpu, 8).numbers.cache.name == kept


def test_the_pool_may_be_capped() -> None:
    assert sglang(max_total_tokens=10_000).plan(setup()).tokens_per_replica == 10_000


def test_requests_at_once_follow_from_the_pool() -> None:
    few = sglang(max_total_tokens=1000, context_length=500).plan(setup())
    assert few.limits.max_sequences == 500
    many = sglang(context_length=64).plan(setup())
    assert many.limits.max_sequences == 4096
    assert sglang(max_running_requests=7).plan(setup()).limits.max_sequences == 7


def test_the_engine_starts_with_less_than_a_whole_context() -> None:
    assert sglang(context_length=10**6).plan(setup(memory_gib=32)).starts
    assert not sglang().plan(setup(memory_gib=12)).starts


def test_attention_is_replicated_and_experts_are_not() -> None:
    alone = sglang().plan(setup(mixtral())).budget.weights_bytes
    spread = sglang().plan(setup(mixtral(), data=4, shared=True)).budget.weights_bytes
    experts = 32 * 8 * 3 * 4096 * 14336 * 2
    assert spread == pytest.approx(alone - experts * 3 / 4)


def test_graphs_can_be_switched_off() -> None:
    assert sglang(disable_cuda_graph=True).plan(setup()).budget.cuda_graphs_bytes == 0


def test_the_newest_release_is_taken_where_none_is_named() -> None:
    assert engine("sglang") == sglang("0.5.23")


def test_dealt_contexts_hold_more_in_larger_pages() -> None:
    """16 GPUs hold two copies of each of 8 KV heads, over which tokens can be dealt; of a latent cache all 16."""
    plain, dealt = (
        sglang(page_size=16, dcp_size=size, disable_prefill_cuda_graph=True).plan(setup(tensor=16))
        for size in (1, 2)
    )
    assert float(dealt.tokens_per_replica) == 2 * float(plain.tokens_per_replica)
    assert dealt.pools[0].capacity_bytes == plain.pools[0].capacity_bytes
    assert [pool.claims[0].block_tokens for pool in (plain.pools[0], dealt.pools[0])] == [16, 32]
    assert not sglang(dcp_size=2).plan(setup(tensor=8)).starts
    latent = catalog("deepseek-v3", H200, 8)
    wide = [
        float(sglang(dcp_size=size, disable_prefill_cuda_graph=True).plan(latent).tokens_per_replica)
        for size in (1, 8)
    ]
    assert wide[1] == pytest.approx(8 * wide[0], rel=1e-3)


def test_contexts_are_dealt_by_newer_releases_alone_and_not_of_every_cache() -> None:
    with pytest.raises(InvalidInputError, match=r"engine\.dcp_size: SGLang 0\.5\.12 has no such option"):
        llm_calc.memory_plan(
            model="deepseek-v3",
            hardware="8x h200-141gb-sxm",
            engine={"name": "sglang", "version": "0.5.12", "dcp_size": 2},
        )
    for model in ("deepseek-v3.2", "deepseek-v4-flash", "gemma-3-27b"):
        found = sglang(dcp_size=2).plan(catalog(model, H200, 8))
        assert any("engine.dcp_size" in each for each in found.refusals)


@pytest.mark.parametrize(("data", "option", "tokens"), [(1, None, 8192), (8, None, 1024), (4, 16_384, 4096)])
def test_attention_that_is_dealt_cuts_the_chunk(data: int, option: int | None, tokens: int) -> None:
    """0.5.23 ``handle_data_parallelism``: ``chunked_prefill_size // dp_size``, after the share was reckoned."""
    found = sglang(chunked_prefill_size=option)
    assert found.limits(setup(data=data, shared=True)).max_batched_tokens == tokens
    assert found.plan(setup(data=data, shared=True)).limits.max_batched_tokens == tokens
    # 512 + 1.5 x the whole chunk + 128 a GPU + 2 x largest graph + what attention itself takes (and no prefill graphs)
    graph = 256 if data < 4 else 512
    reserve = 512 + 1.5 * tokens * data + 128 * data + 2 * graph + 8 * captured_chunks(tokens * data)
    reserve += 4.5 * graph * data if data > 1 else 0
    assert found.static_fraction(setup(data=data, shared=True, memory_gib=80)) == round(
        1 - reserve / 81_920, 3
    )


@pytest.mark.parametrize("options", [{}, {"max_running_requests": 7}, {"mem_fraction_static": 0.7}])
def test_servers_of_their_own_plan_as_one_alone(options: dict[str, Any]) -> None:
    """``dp_size`` without attention's own groups starts the same server again, of dense models and of mixtures."""
    for model in (None, mixtral()):
        alone = sglang(**options).plan(setup(model, tensor=2, memory_gib=180))
        several = sglang(**options).plan(setup(model, tensor=2, data=4, shared=False, memory_gib=180))
        assert several == replace(alone, replicas=4)


@pytest.mark.parametrize("data", [1, 4])
def test_prompts_that_are_left_whole_fill_a_step_of_the_most_prefill_tokens(data: int) -> None:
    """0.5.23 ``handle_gpu_memory_settings`` and ``PrefillAdder``: 16,384 tokens of work in place of the chunk, in each
    group; ``generate_prefill_cuda_graph_batch_sizes(-1)`` is empty."""
    found = sglang(chunked_prefill_size=-1)
    assert found.limits(setup(data=data, shared=True)).max_batched_tokens == 16_384
    graph = 256 if data < 4 else 512
    reserve = 512 + 1.5 * 16_384 + 128 * data + 2 * graph + (4.5 * graph * data if data > 1 else 0)
    assert found.static_fraction(setup(data=data, shared=True, memory_gib=80)) == round(
        1 - reserve / 81_920, 3
    )
    assert any("leaves prompts whole" in note for note in found.plan(setup(data=data, shared=True)).notes)


def test_less_caution_lets_more_in_where_the_cache_is_short() -> None:
    load = {"input_tokens": 2000, "output_tokens": 6000, "concurrency": 256}
    soon, late = (
        llm_calc.estimate(
            model="llama-3.1-8b",
            hardware="h100-80gb-sxm",
            engine={"name": "sglang", "schedule_conservativeness": part},
            workload=load,
        )
        for part in (0.3, 1.6)
    )
    assert soon.ttft_s < late.ttft_s


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({"page_size": 64}, True),
        ({"page_size": 3, "chunked_prefill_size": 8190}, True),
        ({"page_size": 3, "chunked_prefill_size": -1}, True),
        ({"page_size": 3}, False),
        ({"page_size": 64, "chunked_prefill_size": 1000}, False),
    ],
)
def test_pages_go_into_a_chunk(options: dict[str, Any], taken: bool) -> None:
    """Its start checks that the chunk, 8192 on such a card, is whole pages, where prompts are cut at all."""
    found = sglang(**options)
    if taken:
        assert found.plan(catalog("llama-3.1-8b", "h100-80gb-sxm")).starts
        return
    with pytest.raises(InvalidInputError, match=r"^engine\.page_size: .* give \d+ or \d+, or another"):
        found.plan(catalog("llama-3.1-8b", "h100-80gb-sxm"))


@pytest.mark.parametrize(
    ("share", "starts", "warned"), [(0.9, True, False), (0.99, True, True), (1.0, False, True)]
)
def test_a_share_leaves_room_for_graphs_and_steps(share: float, starts: bool, warned: bool) -> None:
    """All of the card for the share leaves none for graphs; a hundredth, 0.8 GiB, none for steps of 8192 tokens."""
    question: dict[str, Any] = {
        "model": "llama-3.1-8b",
        "hardware": H100,
        "engine": {"name": "sglang", "mem_fraction_static": share},
    }
    plan, times = memory_plan(**question), estimate(**question)
    assert plan.starts is starts
    for warnings in (plan.warnings, times.warnings) if starts else (plan.warnings,):
        assert any("CUDA graphs" in each for each in warnings) is warned
    assert ("engine.mem_fraction_static" in plan.reason) is not starts


# 0.5.23 arg_groups/model_overrides: falcon_h1.py, granitemoehybrid.py, beam.py, qwen3_5.py, deepseek_v4.py
OWN_KERNELS = [
    ("falcon-h1-7b", B200, {"triton"}),
    ("falcon-h1-7b", H100, {"fa3"}),
    ("granite-4.0-h-small", B200, {"flashinfer"}),
    ("granite-4.0-micro", B200, {"trtllm_mha"}),  # no layer of it is recurrent
    ("beam-1.0-501b-a23b", H200, {"trtllm_mha"}),
    ("qwen3-next-80b-a3b", B200, {"trtllm_mha", "triton"}),
    ("deepseek-v4.1-flash", B200, {"dsv4"}),
]


@pytest.mark.parametrize(("model", "gpu", "kernels"), OWN_KERNELS)
def test_types_take_kernels_of_their_own(model: str, gpu: str, kernels: set[str]) -> None:
    assert usual_kernels(catalog(model, gpu)) == kernels


def test_the_fourth_deepseeks_successor_is_served_by_its_class() -> None:
    """Pages of 256, 256 requests, no pipeline stages and no drafts but DSpark's (deepseek_v4_hook.py)."""
    card = catalog("deepseek-v4.1-flash", B200, 8)
    assert sglang().page(card) == 256
    assert sglang().plan(card).limits.max_sequences == 256
    staged = replace(card, layout=Layout(tensor=4, pipeline=2))
    assert any("without pipeline stages" in words for words in sglang().plan(staged).refusals)
    drafted = replace(card, drafted_tokens=3)
    assert any("DSpark" in words for words in sglang().plan(drafted).refusals)
    older = replace(catalog("deepseek-v4-flash", B200, 8), layout=Layout(tensor=4, pipeline=2))
    assert not sglang().plan(older).refusals
