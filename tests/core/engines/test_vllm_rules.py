"""Where releases of vLLM changed their caches, as read in each one's own code (config, v1/kv_cache_interface.py)."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engines import build_engine
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.errors import UnsupportedError
from tests.core.engines.setups import setup


def vllm(version: str | None = None, **options: Any) -> Vllm:
    found = build_engine("vllm", version, **options)
    assert isinstance(found, Vllm)
    return found


STATES = [  # release, blocks of state a sequence of a hybrid by default
    ("0.17.0", 1),  # prefixes of hybrids are not cached unless that is asked for
    ("0.27.0", 1),
    ("0.28.0", 2),
    ("0.31.0", 2),
    ("0.32.0", 2),  # only Mamba-2 layers export a checkpoint
    ("0.33.0", 3),
]


@pytest.mark.parametrize(("version", "blocks"), STATES)
def test_states_of_gated_delta_layers_by_release(version: str, blocks: int) -> None:
    claims = (
        vllm(version, max_model_len=8192)
        .plan(setup(read_config(load_catalogs().model("qwen3.5-9b").config, name="qwen3.5-9b").model))
        .pools[0]
        .claims
    )
    assert {claim.blocks(8192) for claim in claims if claim.kind == "state"} == {blocks}


def test_releases_take_over_where_their_code_changed() -> None:
    """Nearly equal kinds of layers from 0.12 on, modes of states from 0.15 on, the null block from 0.29 on."""
    assert [vllm(v).rules.nearly_equal for v in ("0.11", "0.12", "0.17", "0.18")] == [1.0, 1.25, 1.25, 1.5]
    assert [bool(vllm(v).rules.mamba_cache_modes) for v in ("0.14", "0.15")] == [False, True]
    assert [vllm(v).rules.null_block for v in ("0.28", "0.29")] == [False, True]
    assert [vllm(v).rules.steps_in_flight for v in ("0.25", "0.26")] == [False, True]
    assert [vllm(v).rules.tokens_by_concurrency for v in ("0.20", "0.22")] == [False, True]
    assert ["all" in vllm(v).rules.mamba_cache_modes for v in ("0.31", "0.32")] == [True, False]


@pytest.mark.parametrize(
    ("gpu", "kv_cache", "row"),
    [
        ("h200-141gb-sxm", "fp8", 656),
        ("b200-180gb-sxm", "fp8", 576),
        ("rtx-pro-6000-blackwell-server", "auto", 656),
        ("mi355x", "fp8", 576),
        ("mi355x", "auto", 2 * 576),
    ],
)
def test_rows_of_sparse_latent_caches_by_card(gpu: str, kv_cache: str, row: int) -> None:
    """vLLM 0.33.0: DeepSeek V3.2's 61 layers, with 132 bytes of the index beside each row."""
    plan = llm_calc.memory_plan(
        model="deepseek-v3.2",
        precision={"kv_cache": kv_cache},
        hardware=f"8x {gpu}",
        parallelism={"tensor": 8},
        engine="vllm",
    )
    assert plan.kv_cache.allocated.bytes_per_token == 61 * (row + 132)


def test_compute_capability_12_keeps_sparse_latents_in_fp8_alone() -> None:
    with pytest.raises(UnsupportedError, match=r"keeps the cache of deepseek_v32 in fp8 on"):
        llm_calc.memory_plan(
            model="deepseek-v3.2",
            precision={"kv_cache": "bf16"},
            hardware="8x rtx-pro-6000-blackwell-server",
            parallelism={"tensor": 8},
            engine="vllm",
        )
