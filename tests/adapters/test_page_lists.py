"""What the page offers for choice, against what the service takes."""

import json
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.links import link_defaults_text, requests_of
from llm_calc.adapters.page_lists import page_table_text
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.library import estimate

TABLE: dict[str, Any] = json.loads(page_table_text(load_catalogs()))
LISTS = TABLE["lists"]


def test_every_engine_is_offered_with_formats_that_it_is_given() -> None:
    assert {name for name, _ in LISTS["engines"]} == {*ENGINE_PARTS, "ollama"} == set(TABLE["engine_flags"])
    assert LISTS["engines"][-1][0] == "generic"
    assert {"q4_k_m", "iq4_xs", "mxfp4_moe"} <= set(LISTS["weights"]["llama.cpp"])
    assert not {"fp8", "int4-awq"} & set(LISTS["weights"]["llama.cpp"])
    assert {"fp8", "int4-awq", "nvfp4"} <= set(LISTS["weights"]["vllm"])
    assert not {"q4_k_m", "mlx-4bit"} & set(LISTS["weights"]["vllm"])


def test_errors_of_every_kind_that_a_fit_has_not_seen_have_words() -> None:
    fits = (
        json.loads(file.read_text(encoding="utf-8")) for file in catalog_root().glob("calibration/*.json")
    )
    kinds = {error["held_out"] for fit in fits for error in fit["errors"]}
    assert {"row", "all"} <= kinds <= set(LISTS["unseen"])


# A small model whose sizes every format divides, on a GPU on which each engine runs.
@pytest.mark.parametrize(
    ("engine", "cache"), [(e, c) for e, caches in LISTS["caches"].items() for c in caches]
)
def test_every_cache_that_is_offered_is_taken(engine: str, cache: str) -> None:
    gpu = "m3-max" if engine == "mlx" else "b200-180gb-sxm"
    answer = estimate(
        model="llama-3.1-8b", hardware=gpu, engine={"name": engine}, precision={"kv_cache": cache}
    )
    assert cache == "auto" or answer.resolved.kv_cache == cache


@pytest.mark.parametrize("preset", LISTS["presets"], ids=lambda each: each["name"])
def test_a_load_by_name_is_that_of_the_catalog_in_a_context_that_holds_it(preset: dict[str, Any]) -> None:
    link = "&".join(f"{key}={value}" for key, value in preset["set"].items())
    (asked,) = requests_of(f"?v=1&m=llama-3.1-8b&n=1&{link}")
    said = asked.serving_estimate["workload"]
    name = preset["name"].lower().replace(" ", "_")
    given = {"offline": True} if "offline" in said else {"concurrency": said["concurrency"]}
    by_name = estimate(**{**asked.serving_estimate, "workload": {"preset": name, **given}})
    assert estimate(**asked.serving_estimate).ttft_s == by_name.ttft_s


def test_engines_whose_prompt_caches_are_not_modelled_are_given_the_mean_turn() -> None:
    # Chat: 10 turns from 2000 tokens, 1887 more and an answer of 343 each: 2000 + 4.5 x 2230 = 12 035 tokens,
    # as its source says; (2000 + 9 x 1887) / 10 = 1898 of them are new, 15.8 %.
    chat, batch = (
        next(each for each in LISTS["presets"] if each["name"] == name) for name in ("Chat", "Batch")
    )
    assert chat["turn"] == {"load": "c", "i": "12035", "o": "343", "px": "0.84"}
    assert batch["turn"] == {}
    assert LISTS["without_sessions"] == ["llama.cpp", "mlx", "ollama"]


def test_chips_are_listed_with_the_engines_that_run_on_them() -> None:
    assert "apple-m4-max" in LISTS["runs"]["llama.cpp"]
    assert "apple-m4-max" not in LISTS["runs"]["vllm"]
    assert "mi300x" not in LISTS["runs"]["trtllm"]


def test_turns_of_a_coding_agent_end_at_the_tokens_of_its_source() -> None:
    """Up to 66k tokens at turn 50 (catalogs/workloads/presets.toml), which 2^17 is the next power of two above."""
    (agent,) = [each["set"] for each in LISTS["presets"] if each["name"] == "Coding agent"]
    assert int(agent["i"]) + 49 * (int(agent["sg"]) + int(agent["o"])) == pytest.approx(66_000, rel=0.01)
    assert agent["len"] == "131072"


@pytest.mark.parametrize("start", TABLE["starts"], ids=lambda each: each["name"])
def test_every_beginning_is_answered_and_fits(start: dict[str, Any]) -> None:
    link = "&".join(f"{key}={value}" for key, value in {"w": "", **start["set"]}.items())
    (asked,) = requests_of(f"?v=1&{link}")
    assert set(start["set"]) <= set(json.loads(link_defaults_text())["defaults"])
    assert estimate(**asked.serving_estimate).ttft_s > 0


def test_smaller_formats_are_those_that_an_engine_is_given() -> None:
    for engine, (weights, cache) in LISTS["smaller"].items():
        assert not weights or weights in LISTS["weights"][engine], engine
        assert not cache or cache in LISTS["caches"][engine], engine
    assert LISTS["own"] == ["llama.cpp", "mlx", "ollama"]
    assert set(LISTS["logged"]) == {"vllm", "sglang", "llama.cpp"}  # catalogs/engines/startup_logs.csv


def test_every_key_of_a_link_has_a_name() -> None:
    further = {field["key"] for group in TABLE["further"] for field in group["fields"]}
    assert set(LISTS["labels"]) | further == set(TABLE["defaults"])
