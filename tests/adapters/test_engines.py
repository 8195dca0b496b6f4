"""The engines' catalog: options under their own names, constants, versions."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engine_catalog import load_engine_releases
from llm_calc.adapters.engines import (
    build_engine,
    engine_from,
    engine_rules,
    version_warnings,
)
from llm_calc.adapters.operations import SERVING_ESTIMATE
from llm_calc.adapters.wire.engines import (
    ENGINE_PARTS,
    EnginePart,
    GenericEngine,
    LlamaCppEngine,
    SglangEngine,
    TrtllmEngine,
    VllmEngine,
)
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.core.engines import ENGINES
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.errors import CatalogError, InvalidInputError, UnknownNameError
from tests.builders import llama
from tests.core.engines.setups import setup

ROOT = Path(__file__).resolve().parents[2] / "catalogs"


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_says_where_its_rules_come_from(name: str) -> None:
    rules = engine_rules(name)
    assert rules.name == name
    assert rules.version
    assert all(link.startswith("https://") for link in rules.links)
    assert all(option.meaning for option in rules.options)
    assert all(constant.basis and constant.logs >= 0 for constant in rules.constants)


@pytest.mark.parametrize("name", ENGINES)
def test_defaults_make_an_engine(name: str) -> None:
    engine = build_engine(name)
    for option, default in engine_rules(name).defaults.items():
        assert getattr(engine, option) == default


def test_given_options_replace_defaults_and_none_does_not() -> None:
    engine = build_engine("vllm", gpu_memory_utilization=0.5, max_model_len=None)
    assert isinstance(engine, Vllm)
    assert (engine.gpu_memory_utilization, engine.max_model_len) == (0.5, None)


def test_a_request_part_is_an_engine_with_its_options() -> None:
    engine = engine_from(SglangEngine(mem_fraction_static=0.7, page_size=64))
    assert isinstance(engine, Sglang)
    assert (engine.mem_fraction_static, engine.page_size, engine.swa_full_tokens_ratio) == (0.7, 64, None)


@pytest.mark.parametrize(
    "part", [VllmEngine(), LlamaCppEngine(), SglangEngine(), TrtllmEngine(), GenericEngine()]
)
def test_all_fields_of_a_request_part_are_options(part: VllmEngine) -> None:
    chosen_before = {"name", "version", "preset", "further", "further_values", "mm_processor_kwargs"}
    own = set(type(part).model_fields) - chosen_before - homed_flags(part.name)
    assert own == set(engine_rules(part.name).defaults)
    taken = {field.name for field in fields(ENGINES[part.name])} - {"overheads", "rules"}
    assert taken == set(engine_rules(part.name).defaults)


def test_other_versions_are_warned_of() -> None:
    assert version_warnings(VllmEngine()) == []
    assert version_warnings(VllmEngine(version="v0.11.1rc1")) == []
    [warning] = version_warnings(VllmEngine(version="0.6"))
    assert warning.startswith(
        "engine.version: the nearest known rules are those of vLLM 0.11.0; 0.6 is older: "
    )
    [warning] = version_warnings(VllmEngine(version="9.1"))
    assert "; 9.1 is newer: " in warning
    assert warning.endswith("(rules are known of 0.11 to 0.33)")
    # between two that are known, the ends of what is known say nothing
    [warning] = version_warnings(LlamaCppEngine(version="b8000"))
    assert "rules are known of" not in warning
    assert "b8000 is newer: the fit of context and layers" in warning
    # a number of another program's is taken for a later tag, and says which tags there are
    [warning] = version_warnings(LlamaCppEngine(version="0.33"))
    assert warning.endswith("(rules are known of b6000 to b11549, and of tags v0.3 to v0.5)")


# What servers of xllamacpp's wheels did with a small model: slots, the default context of all of them, rows of logits
BUILDS = [  # build, slots, cells of a model of 8192 positions, rows of logits of a step
    ("b7200", 1, 8192, 512),
    ("b8672", 4, 8192, 512),
    ("b9294", 4, 8192, 512),
    ("b9538", 4, 8192, 4),
    ("b10229", 4, 8192, 4),
    ("b10809", 4, 8192, 4),
    ("b11063", 4, 32_768, 4),
    ("v0.5.0", 4, 32_768, 4),
    ("b11549", 4, 8192, 4),
]


@pytest.mark.parametrize(("version", "slots", "cells", "rows"), BUILDS)
def test_builds_of_llama_cpp(version: str, slots: int, cells: int, rows: int) -> None:
    assert version_warnings(LlamaCppEngine(version=version)) == []
    model = replace(llama(vocab=1_000_000), context_length_tokens=8192)
    plan = build_engine("llama.cpp", version).plan(setup(model, memory_gib=400))
    assert (plan.limits.max_sequences, plan.tokens_per_replica) == (slots, cells)
    logits = rows * (1_000_000 + model.hidden) * 4
    assert (plan.budget.activation_peak_bytes >= logits) == (rows == 512 or logits < 10**8)


DIRECTIONS = [  # engine, version, what is said of it
    ("vllm", "0.10.2", "older: earlier releases profiled the step differently and kept more"),
    ("vllm", "v0.34.0", "newer: what changed since is not known, so that the answer may be off either way"),
    ("sglang", "0.5.3", "older: older releases reserve other memory by card"),
    ("sglang", "0.5.24", "newer: what changed since is not known"),
    ("trtllm", "0.21.0", "older: what changed in between is not known"),
    ("trtllm", "1.3.0rc1", "newer: release candidates of 1.3 and 1.4 have a second manager of the cache"),
    ("llama.cpp", "b5000", "older: what changed in between is not known"),
    ("llama.cpp", "b8000", "newer: .* four slots by default came before b8672, so that more may start"),
    ("llama.cpp", "b8600", "older: .* came before b8672, so that less may start"),
    ("llama.cpp", "b9400", "newer: .* compute buffers may be smaller"),
    ("llama.cpp", "b9500", "older: .* compute buffers may be larger"),
    ("llama.cpp", "b10900", "newer: .* may be four times as large"),
    ("llama.cpp", "b11000", "older: .* may be a fourth as large"),
    ("llama.cpp", "b12000", "newer: what changed since is not known"),
    ("llama.cpp", "v0.4.0", "may be"),
    ("mlx", "0.28", "older: the server's kv_bits and a bound on kept prompts came in between"),
    ("mlx", "0.33", "newer: what changed since is not known"),
]


@pytest.mark.parametrize(("engine", "version", "said"), DIRECTIONS)
def test_the_direction_in_which_an_unknown_release_may_be_off(engine: str, version: str, said: str) -> None:
    part = cast("EnginePart", ENGINE_PARTS[engine](version=version))
    [warning] = version_warnings(part)
    assert warning.startswith("engine.version: the nearest known rules are those of ")
    assert re.search(said, warning)


@pytest.mark.parametrize(
    "version", ["newest", "nightly", "latest", "main", "", "v", "0.11.", "b7200", "0.11 x", "1" * 40]
)
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(
        InvalidInputError, match=r"engine\.version: .* is no release; accepted is one such as"
    ):
        engine_from(VllmEngine(version=version))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"engine\.name: unknown engine 'ollama'"):
        build_engine("ollama")
    with pytest.raises(InvalidInputError, match=r"engine\.n_ctx: vllm has no such option; it has gpu_memory"):
        build_engine("vllm", n_ctx=4096)


def written(folder: Path, name: str, change: tuple[str, str]) -> Path:
    """A catalog with one engine's file, changed."""
    (folder / "gpus").mkdir(parents=True)
    (folder / "engines").mkdir()
    text = (ROOT / "engines" / f"{name}.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (folder / "engines" / f"{name}.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('name = "vllm"', 'name = "sglang"'), "name: 'sglang' is not the file's"),
        (("enforce_eager = false", "eager = false"), "defaults: no options: eager"),
        (("enforce_eager = [true]", "eager = [true]"), "untimed: no options: eager"),
        (('name = "context_bytes"', 'name = "contexts"'), "constants: not known: contexts"),
        (('version = "', 'versions = "'), "version"),
        (('since = "0.11"', 'since = "eleven"'), "not versions in their order"),
        (('since = "0.11"', 'since = "0.99"'), "0.11.0 is not in 0.99 to 0.11"),
        (
            ("[releases.rules]", "[releases.rules]\nnone = 1"),
            "rules: not known: none",
        ),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    with pytest.raises(CatalogError) as refusal:
        load_engine_releases(written(tmp_path / "catalogs", "vllm", change))
    assert "vllm.toml" in str(refusal.value)
    assert fault in str(refusal.value)


@pytest.mark.parametrize(
    ("said", "named"),
    [({}, False), ({"enable_chunked_prefill": True}, False), ({"enable_chunked_prefill": False}, True)],
)
def test_prompts_that_vllm_does_not_cut_are_named_as_untimed(said: dict[str, Any], named: bool) -> None:
    """Its schedule was measured with chunked prefill alone, which is its default."""
    load = {"input_tokens": 3000, "output_tokens": 200, "concurrency": 32}
    asked = {
        "model": "llama-3.1-8b",
        "hardware": "h100",
        "engine": {"name": "vllm", **said},
        "workload": load,
    }
    found = SERVING_ESTIMATE.answered(asked, load_catalogs())
    assert (
        any("engine.enable_chunked_prefill: leaves prompts whole" in each for each in found.warnings) is named
    )
    assert (found.basis.kind == "formula_only") is named
