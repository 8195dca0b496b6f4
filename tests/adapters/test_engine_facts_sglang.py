"""What releases of SGLang from 0.5.4 to 0.5.23 do by themselves, as their own code says at the file and line named."""

from dataclasses import replace
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.setup import resolve_setup
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart
from llm_calc.core.engines import Setup
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.errors import CalcError

H200 = "h200-141gb-sxm"

# MiB that are kept out of the static share: server_args.py up to 0.5.18, then arg_groups/memory_hook.py.
# 8192 tokens a step are 12 288, largest graphs of 256 are 512 (of 512: 1024), GPUs 128 each, and 512 for all.
PLAIN = 512 + 12_288 + 128 + 512
EIGHT = 512 + 12_288 + 8 * 128 + 1024
RESERVES: list[tuple[str, str, dict[str, Any], dict[str, Any], int]] = [
    # graphs that are switched off, 0.5.12 server_args.py:1550 and 0.5.15 server_args.py:3638
    ("0.5.9", "llama-3.1-8b", {}, {"disable_cuda_graph": True}, PLAIN),
    ("0.5.15", "llama-3.1-8b", {}, {"disable_cuda_graph": True}, PLAIN - 512),
    # 58 sizes of prompts' graphs, 50 where the context holds 4096: 0.5.13 (server_args.py:1582) to 0.5.16 look
    ("0.5.12", "llama-3.1-8b", {}, {"context_length": 4096}, PLAIN + 8 * 58),
    ("0.5.13", "llama-3.1-8b", {}, {"context_length": 4096}, PLAIN + 8 * 50),
    ("0.5.16", "llama-3.1-8b", {}, {"context_length": 4096}, PLAIN + 8 * 50),
    ("0.5.17", "llama-3.1-8b", {}, {"context_length": 4096}, PLAIN + 8 * 58),
    # all from 0.5.10 on count the pool's most tokens (0.5.10 server_args.py:1264, 0.5.23 memory_hook.py:256)
    ("0.5.10", "llama-3.1-8b", {}, {"max_total_tokens": 4096}, PLAIN + 8 * 50),
    ("0.5.23", "llama-3.1-8b", {}, {"max_total_tokens": 4096}, PLAIN + 8 * 50),
    # largest graph and requests: 0.5.22 memory_hook.py:83
    ("0.5.21", "llama-3.1-8b", {}, {"max_running_requests": 56}, PLAIN + 8 * 58),
    ("0.5.22", "llama-3.1-8b", {}, {"max_running_requests": 56}, PLAIN + 8 * 58 - 400),
    # stages: barred up to 0.5.14 and again from 0.5.19 (cuda_graph_hook.py, apply_cuda_graph_compatibility)
    ("0.5.14", "llama-3.1-8b", {"pipeline": 2}, {}, PLAIN + 128),
    ("0.5.18", "llama-3.1-8b", {"pipeline": 2}, {}, PLAIN + 128 + 8 * 58),
    ("0.5.23", "llama-3.1-8b", {"pipeline": 2}, {}, PLAIN + 128),
    # contexts dealt over GPUs: 0.5.15 has no such rule, 0.5.16 (server_args.py, decode context parallel) has
    ("0.5.15", "llama-3.1-70b", {"tensor": 16}, {"dcp_size": 2}, EIGHT + 1024 + 8 * 58),
    ("0.5.16", "llama-3.1-70b", {"tensor": 16}, {"dcp_size": 2}, EIGHT + 1024),
    # latent attention: 1536 for all graphs, none with 0.5.15 and 0.5.16, dense ones with 0.5.17 neither
    ("0.5.14", "deepseek-v3", {"tensor": 8}, {}, EIGHT + 1536),
    ("0.5.15", "deepseek-v3", {"tensor": 8}, {}, EIGHT),
    ("0.5.17", "deepseek-v3", {"tensor": 8}, {}, EIGHT),
    ("0.5.17", "deepseek-v3.2", {"tensor": 8}, {}, EIGHT + 1536),
    ("0.5.18", "deepseek-v3", {"tensor": 8}, {}, EIGHT + 1536),
    # types: piecewise_cuda_graph_disabled_model_archs of configs/model_config.py, which breakable graphs do not read
    ("0.5.12", "deepseek-v3.2", {"tensor": 8}, {}, EIGHT),
    ("0.5.13", "deepseek-v3.2", {"tensor": 8}, {}, EIGHT + 1536),
    ("0.5.14", "qwen3-next-80b-a3b", {"tensor": 8}, {}, EIGHT),
    ("0.5.15", "qwen3-next-80b-a3b", {"tensor": 8}, {}, EIGHT + 8 * 58),
    ("0.5.16", "nemotron-3-nano-30b-a3b", {"tensor": 2}, {}, PLAIN + 128 + 8 * 58),
    ("0.5.17", "nemotron-3-nano-30b-a3b", {"tensor": 2}, {}, PLAIN + 128),
]


@pytest.mark.parametrize(("version", "model", "layout", "options", "reserve"), RESERVES)
def test_what_sglang_keeps_out_of_its_share(
    version: str, model: str, layout: dict[str, Any], options: dict[str, Any], reserve: int
) -> None:
    asked = sglang_setup(model, layout)
    memory = asked.memory_bytes / 2**20
    engine = build_engine("sglang", version, **options)
    assert isinstance(engine, Sglang)
    assert engine.static_fraction(asked) == round((memory - reserve) / memory, 3)


@pytest.mark.parametrize(
    ("version", "graphs"), [("0.5.16", False), ("0.5.17", True), ("0.5.19", True), ("0.5.23", True)]
)
def test_prompts_have_graphs_beside_dealt_attention(version: str, graphs: bool) -> None:
    """Breakable graphs do without the rule from 0.5.17 on; 4.5 x 512 x 8 MiB go to attention itself."""
    asked = sglang_setup("qwen3-235b-a22b", {"data": 8, "expert": 8})
    memory = asked.memory_bytes / 2**20
    reserve = EIGHT + 4.5 * 512 * 8 + (8 * 58 if graphs else 0)
    engine = build_engine("sglang", version)
    assert isinstance(engine, Sglang)
    assert engine.static_fraction(asked) == round((memory - reserve) / memory, 3)


@pytest.mark.parametrize(
    ("version", "reserve"), [("0.5.9", 2048), ("0.5.10", 4096), ("0.5.13", 4096), ("0.5.14", 0)]
)
def test_sglang_kept_memory_for_drafts(version: str, reserve: int) -> None:
    """0.5.9 server_args.py:1057, 0.5.13 server_args.py:1633; 0.5.14 takes none; 0.5.10 has no prompts' graphs then."""
    asked = sglang_setup("deepseek-v3", {"tensor": 8})
    drafted = replace(asked, drafted_tokens=3, model=replace(asked.model, draft_layers=1))
    memory = asked.memory_bytes / 2**20
    whole = EIGHT + reserve + (1536 if version in ("0.5.13", "0.5.14") else 0)
    engine = build_engine("sglang", version)
    assert isinstance(engine, Sglang)
    assert engine.static_fraction(drafted) == round((memory - whole) / memory, 3)


def test_sglang_deals_contexts_from_0_5_15_on() -> None:
    """``dcp_size`` is no argument of 0.5.14 (server_args.py)."""
    with pytest.raises(
        CalcError, match=r"dcp_size: SGLang 0\.5\.14 has no such option; these have: 0\.5\.15"
    ):
        llm_calc.memory_plan(
            model="llama-3.1-8b",
            hardware=f"2x {H200}",
            parallelism={"tensor": 2},
            engine={"name": "sglang", "version": "0.5.14", "dcp_size": 2},
        )


@pytest.mark.parametrize(("version", "share"), [("0.5.16", 0.1), ("0.5.23", 0.1)])
def test_pools_of_inkling_are_small(version: str, share: float) -> None:
    """0.5.16 overrides.py:851 and 0.5.23 model_overrides/inkling.py:41: a tenth of the others' tokens and bytes."""
    asked = sglang_setup("inkling-975b", {"tensor": 16})
    found = build_engine("sglang", version).plan(asked)
    pools = {pool.name: pool for pool in found.pools}
    tokens = {
        name: pools[name].capacity_bytes
        / sum(each.block_bytes / each.block_tokens for each in pools[name].claims)
        for name in ("full", "sliding")
    }
    assert tokens["sliding"] / tokens["full"] == pytest.approx(share, rel=0.001)  # whole pages
    slot = pools["state"].claims[0].block_bytes / 5
    most = found.available_bytes * share / (1 + share)
    assert (
        most - 2 * slot < pools["state"].capacity_bytes <= most
    )  # whole slots, of which one may serve nobody


@pytest.mark.parametrize(("version", "pools"), [("0.5.6", 1), ("0.5.7", 2)])
def test_windows_of_mimo_have_a_pool_from_0_5_7_on(version: str, pools: int) -> None:
    """0.5.7 configs/model_config.py:1153, the first model but Llama 4 that ``is_hybrid_model`` names."""
    found = build_engine("sglang", version).plan(sglang_setup("mimo-v2-flash", {"tensor": 8}))
    assert len(found.pools) == pools


@pytest.mark.parametrize(
    ("version", "overlap", "tokens"),
    [
        ("0.5.13", True, None),
        ("0.5.14", True, 64 * (128 + 128 + 2) + 2 * 8192 + 1),
        ("0.5.23", True, 64 * (128 + 128 + 2) + 2 * 8192 + 1),
        ("0.5.23", False, 64 * (128 + 128 + 2) + 8192 + 1),
    ],
)
def test_requests_bound_the_pool_of_windows(version: str, overlap: bool, tokens: int | None) -> None:
    """``SWAChunkCapPoolConfigurator`` came with 0.5.14; 0.5.20 pool_configurator.py:845: one chunk without overlap."""
    options = {
        "max_running_requests": 64,
        "disable_radix_cache": True,
        "disable_overlap_schedule": not overlap,
    }
    found = build_engine("sglang", version, **options).plan(sglang_setup("gpt-oss-120b", {"tensor": 2}))
    full, sliding = (
        pool.capacity_bytes / sum(each.block_bytes / each.block_tokens for each in pool.claims)
        for pool in found.pools
    )
    assert sliding == pytest.approx(0.8 * full if tokens is None else tokens, rel=1e-5)  # whole tokens


def sglang_setup(model: str, layout: dict[str, Any]) -> Setup:
    parts = ParallelismPart(**layout)
    count = parts.tensor * parts.pipeline * parts.data
    return resolve_setup(
        load_catalogs(),
        model=ModelPart(name=model),
        precision=PrecisionPart(),
        hardware=HardwarePart(gpu=H200, count=count),
        parallelism=parts,
        engine="sglang",
    ).setup
