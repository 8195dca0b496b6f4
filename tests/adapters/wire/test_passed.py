"""Options that people pass to engines: each is used, refused with its home, or named as one that nothing counts."""

import json
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import llm_calc
from llm_calc.adapters.engines import engine_rules
from llm_calc.adapters.passed_options import load_passed_options, passed_options
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
from llm_calc.adapters.wire.passed import BY_LEVEL
from llm_calc.adapters.wire.trtllm_parts import CACHE
from llm_calc.core.engines import ENGINES, traits_of
from llm_calc.core.errors import CalcError, InvalidInputError

RECORDED = json.loads((Path(__file__).parents[2] / "golden" / "engine_options.json").read_text())
"""All options of each engine's command or arguments, listed from the release's own code."""
LOAD = {"input_tokens": 512, "output_tokens": 64, "concurrency": 1}


def plan(
    engine: str = "vllm", model: str = "llama-3.1-8b", gpu: str = "h100-80gb-sxm", **options: Any
) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(model=model, hardware=gpu, engine={"name": engine, **options})


@pytest.mark.parametrize("engine", RECORDED)
def test_every_option_of_a_release_is_known_in_one_way(engine: str) -> None:
    known, release = load_passed_options()[engine], RECORDED[engine]
    used = {*ENGINE_PARTS[engine].model_fields, *homed_flags(engine), *known.aliases}
    used |= {CACHE} if engine == "trtllm" else set()
    refused, passed = {*known.homes, *traits_of(engine).options.refused}, known.passed
    assert release["release"] == known.release
    assert set(release["options"]) - used - refused - passed == set()
    assert not used & refused
    assert not used & passed
    assert not refused & passed
    assert not {*known.nothing} & {*known.uncounted}
    assert {*known.aliases.values()} <= {*ENGINE_PARTS[engine].model_fields}


@pytest.mark.parametrize("engine", ENGINE_PARTS)
def test_what_is_read_as_a_switch_is_an_option_of_the_engine(engine: str) -> None:
    """A switch that no engine holds is never off, whatever a request says."""
    options = traits_of(engine).options
    switch, _ = options.prefix_switch or (None, None)
    read = {switch, options.cache_share, options.contexts, *options.cache_sizes, *options.words} - {None}
    read |= {*engine_rules(engine).untimed, options.context}
    assert read <= {*ENGINE_PARTS[engine].model_fields} & {each.name for each in fields(ENGINES[engine])}
    assert not read & passed_options(engine).passed


@pytest.mark.parametrize(
    ("engine", "option"),
    [(engine, option) for engine, known in load_passed_options().items() for option in known.homes],
)
def test_what_has_its_home_elsewhere_is_refused_with_it(engine: str, option: str) -> None:
    with pytest.raises(CalcError, match=rf"^engine\.{option}: .{{12}}"):
        plan(engine, **{option: "x"})


# What commands of today hold, as their users copy them
PASSED = [
    ("vllm", {"trust_remote_code": True, "served_model_name": "m", "port": 8000, "api_key": "k"}, False),
    (
        "vllm",
        {"enable_auto_tool_choice": True, "tool_call_parser": "hermes", "reasoning_parser": "qwen3"},
        False,
    ),
    ("vllm", {"attention_backend": "FLASHINFER"}, True),
    ("vllm", {"all2all_backend": "deepep_low_latency", "stream_interval": 4, "enable_dbo": True}, True),
    ("sglang", {"trust_remote_code": True, "schedule_policy": "lpm", "random_seed": 1}, None),
    (
        "sglang",
        {"moe_runner_backend": "triton", "moe_a2a_backend": "deepep", "enable_two_batch_overlap": True},
        True,
    ),
    ("trtllm", {"tool_parser": "qwen3", "num_postprocess_workers": 2}, False),
    ("trtllm", {"print_iter_log": True, "enable_iter_perf_stats": True}, False),
    ("trtllm", {"moe_config": {"backend": "TRTLLM"}, "stream_interval": 20, "scheduler_config": {}}, True),
    ("llama.cpp", {"jinja": True, "alias": "m", "host": "0.0.0.0"}, False),
    ("llama.cpp", {"threads": 8, "cont_batching": False, "cache_ram": 4096, "mmproj": "m.gguf"}, True),
]


@pytest.mark.parametrize(("engine", "options", "warned"), PASSED)
def test_what_nothing_counts_is_named_and_changes_no_figure(
    engine: str, options: dict[str, Any], warned: bool | None
) -> None:
    plain, found = plan(engine), plan(engine, **options)
    assert found.per_gpu == plain.per_gpu
    for option in options:
        assert any(f"engine.{option}" in words for words in (*found.assumptions, *found.warnings))
        if warned is not None:
            assert (
                any(words.startswith(f"engine.{option}: not counted") for words in found.warnings) == warned
            )
    estimate = llm_calc.estimate(
        model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": engine, **options}, workload=LOAD
    )
    for option in options:
        assert any(f"engine.{option}" in words for words in (*estimate.assumptions, *estimate.warnings))


def test_what_a_command_says_is_not_called_unused() -> None:
    """A plan's command listens on the port that is said."""
    said = [words for words in plan(port=9000).assumptions if "engine.port" in words]
    words = "engine.port: nothing of memory or times is known to follow from it; it changes no figure here"
    assert said == [words]


# Values that say what the release does anyway, as copied commands do, and others of the same options
USUAL = [
    ("vllm", {"scheduling_policy": "fcfs"}, {"scheduling_policy": "priority"}),
    ("vllm", {"api_server_count": 1}, {"api_server_count": 4}),
    ("sglang", {"device": "cuda"}, {"device": "cpu"}),
    ("sglang", {"schedule_policy": "fcfs"}, {"schedule_policy": "lpm"}),
    ("sglang", {"weight_cache_mode": "off"}, {"weight_cache_mode": "daemon"}),
    ("llama.cpp", {"threads": -1, "cont_batching": True}, {"cont_batching": False}),
]


@pytest.mark.parametrize(("engine", "usual", "other"), USUAL)
def test_defaults_are_not_called_uncounted(engine: str, usual: dict[str, Any], other: dict[str, Any]) -> None:
    load: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": LOAD}
    said, unlike = (
        llm_calc.estimate(engine={"name": engine, **options}, **load) for options in (usual, other)
    )
    assert not any("not counted" in words for words in said.warnings)
    assert all(any(f"engine.{option}" in words for words in said.assumptions) for option in usual)
    assert any("not counted" in words for words in unlike.warnings)


# Whose effect is known to be one: SGLang 0.5.23 arg_groups/fields (every operation runs eagerly; answers leave the
# prefix cache; a daemon holds weights in the GPU's memory); vLLM 0.33.0 entrypoints/common/cli_args.py
@pytest.mark.parametrize(
    ("engine", "option", "value"),
    [
        ("sglang", "debug_cuda_graph", True),
        ("sglang", "strip_thinking_cache", True),
        ("sglang", "load_balance_method", "total_tokens"),
        ("vllm", "hf_config_path", "someone/config"),
        ("vllm", "api_server_count", 4),
    ],
)
def test_what_changes_times_is_not_said_to_change_nothing(engine: str, option: str, value: Any) -> None:
    assert any(
        words.startswith(f"engine.{option}: not counted")
        for words in plan(engine, **{option: value}).warnings
    )


def test_counts_are_read_as_vllm_does() -> None:
    """``human_readable_int`` of vLLM 0.33.0: small letters are powers of 1,000."""
    for option, said, number in (
        ("max_model_len", "8k", "8000"),
        ("max_model_len", "8K", "8192"),
        ("kv_cache_memory_bytes", "20G", str(20 * 2**30)),
        ("max_num_batched_tokens", "25.6k", "25600"),
    ):
        with pytest.raises(InvalidInputError, match=rf"engine\.{option}: .*\({number} for '{said}'\)"):
            plan(**{option: said})


# An option under the name of a command line, and under the one of a request
ALIKE = [
    (
        "llama.cpp",
        {"ctx_size": 8192, "parallel": 2, "ubatch_size": 256},
        {"n_ctx": 8192, "n_parallel": 2, "n_ubatch": 256},
    ),
    ("llama.cpp", {"flash_attn": "off", "kv_offload": False}, {"flash_attn": False, "offload_kqv": False}),
    ("llama.cpp", {"flash_attn": "auto"}, {}),
    ("llama.cpp", {"flash_attn": "disabled"}, {"flash_attn": False}),
    ("llama.cpp", {"flash_attn": "1"}, {"flash_attn": True}),
    ("llama.cpp", {"fit": "0"}, {"fit": False}),
    ("llama.cpp", {"n_gpu_layers": "all", "n_ctx": 4096}, {"n_gpu_layers": 33, "n_ctx": 4096}),
    ("llama.cpp", {"gpu_layers": -2, "n_ctx": 4096}, {"n_gpu_layers": 33, "n_ctx": 4096}),
    ("llama.cpp", {"n_gpu_layers": "auto"}, {}),
    ("llama.cpp", {"n_gpu_layers": "-1"}, {}),
    ("llama.cpp", {"n_gpu_layers": "-2", "n_ctx": 4096}, {"n_gpu_layers": 33, "n_ctx": 4096}),
    ("llama.cpp", {"n_gpu_layers": "20", "n_ctx": 4096}, {"n_gpu_layers": 20, "n_ctx": 4096}),
    ("llama.cpp", {"parallel": -1}, {}),
    ("llama.cpp", {"parallel": "-1"}, {}),
    ("vllm", {"compilation_config": {"cudagraph_mode": "piecewise"}}, {"cudagraph_mode": "PIECEWISE"}),
    ("trtllm", {"kv_cache_free_gpu_memory_fraction": 0.5}, {"free_gpu_memory_fraction": 0.5}),
    ("sglang", {"cuda_graph_max_bs_decode": 32}, {"cuda_graph_max_bs": 32}),
    ("vllm", {"compilation_config": {"cudagraph_mode": "PIECEWISE"}}, {"cudagraph_mode": "PIECEWISE"}),
    (
        "vllm",
        {"compilation_config": '{"cudagraph_capture_sizes": [1, 8]}'},
        {"cudagraph_capture_sizes": [1, 8]},
    ),
    ("vllm", {"compilation_config": {"max_cudagraph_capture_size": 64}}, {"max_cudagraph_capture_size": 64}),
    ("vllm", {"optimization_level": 2}, {}),
    ("vllm", {"optimization_level": 1}, {"cudagraph_mode": "PIECEWISE"}),
    ("vllm", {"optimization_level": 0}, {"enforce_eager": True}),
    ("vllm", {"dtype": "auto", "enable_lora": False, "swap_space": 0}, {}),
    ("vllm", {"prefill_context_parallel_size": 1, "cp_kv_cache_interleave_size": 1}, {}),
    ("sglang", {"attn_cp_size": 1, "moe_dp_size": 1}, {}),
    ("trtllm", {"max_beam_width": 1, "context_parallel_size": 1, "moe_tensor_parallel_size": None}, {}),
]


@pytest.mark.parametrize(("engine", "said", "same"), ALIKE)
def test_names_of_a_command_are_those_of_a_request(
    engine: str, said: dict[str, Any], same: dict[str, Any]
) -> None:
    assert plan(engine, **said).per_gpu == plan(engine, **same).per_gpu


# llama.cpp common/arg.cpp: its number of slots is an integer, its layers one or a word.
@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [
        ("n_gpu_layers", -3, "a count, auto, -1, all, -2"),
        ("n_gpu_layers", "some", "a count, auto, -1, all, -2"),
        ("n_parallel", "auto", "a count, -1"),
        ("n_parallel", -2, "a count, -1"),
    ],
)
def test_what_stands_for_nothing_is_refused_with_what_is_taken(
    option: str, value: Any, accepted: str
) -> None:
    with pytest.raises(InvalidInputError, match=rf"engine\.{option}: .*accepted are {accepted}$"):
        plan("llama.cpp", **{option: value})


def test_what_else_a_compilation_config_holds_is_named() -> None:
    found = plan(
        compilation_config={"pass_config": {"fuse_allreduce_rms": True}, "cudagraph_mode": "PIECEWISE"}
    )
    assert any(words.startswith("engine.compilation_config: not counted") for words in found.warnings)
    found = plan(optimization_level=0)
    assert any(words.startswith("engine.optimization_level: not counted") for words in found.warnings)
    assert set(BY_LEVEL) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("engine", "options", "words"),
    [
        ("llama.cpp", {"ctx_size": 8192, "n_ctx": 4096}, "engine.n_ctx"),
        (
            "vllm",
            {"compilation_config": {"cudagraph_mode": "NONE"}, "cudagraph_mode": "FULL"},
            "engine.cudagraph_mode",
        ),
        ("vllm", {"compilation_config": "{"}, "must be a JSON object"),
        ("vllm", {"optimization_level": 7}, "must be 0, 1, 2 or 3"),
        ("vllm", {"further": ["no_such"]}, "no option that is known"),
        ("vllm", {"further": "seed"}, "must be a list"),
        ("vllm", {"no_such": 1}, "no_such"),
    ],
)
def test_what_cannot_be_meant_is_refused(engine: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        plan(engine, **options)


MISTYPED: dict[str, tuple[Any, ...]] = {
    "optimization_level": (True, 1.5, "3", [1], [], {}, {"a": [{}]}),
    "compilation_config": (True, False, [1], 1.5, "[1]", "true", "{"),
    "eplb_config": (True, 1, [1], "[1]", 1.5),
    "further": (True, 1, "x", {}, [["a"]], [{}], [1], [None]),
    "further_values": (True, 1, "x", [], [["a"]], {"no_such": 1}),
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in MISTYPED.items() for value in values]
)
def test_values_of_another_type_are_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        plan(**{option: value})
    assert refused.value.field == f"engine.{option}"


WRONG: tuple[Any, ...] = (True, 1.5, "x", "{", [["a"]], [{}], {"a": [{}]}, 10**30)


@pytest.mark.parametrize("engine", ENGINE_PARTS)
def test_no_value_of_any_option_is_more_than_refused(engine: str) -> None:
    known = load_passed_options().get(engine)
    named = () if known is None else (*known.aliases, *known.homes, *sorted(known.passed)[:3])
    options = {
        *ENGINE_PARTS[engine].model_fields,
        *homed_flags(engine),
        *traits_of(engine).options.refused,
        *named,
    }
    for option in sorted(options - {"name"}):
        for value in WRONG:
            part = {"name": engine, option: value}
            body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "x"}, "engine": part}
            with suppress(CalcError, ValidationError):
                MemoryPlanRequest.model_validate(body)


def test_a_level_of_a_release_that_has_none_is_refused() -> None:
    # vLLM 0.11.0, engine/arg_utils.py: -O is --compilation-config, whose level 3 compiles in pieces
    with pytest.raises(
        InvalidInputError, match=r"engine\.optimization_level: vLLM 0\.11\.0 has no such option"
    ):
        plan(version="0.11.0", optimization_level=3)
    assert plan(version="0.33.0", optimization_level=3).starts


def test_options_of_another_release_than_they_were_listed_from_say_so() -> None:
    words = "engine.enable_dbo: listed from vLLM 0.33.0; whether 0.11.0 has it is not known here"
    assert words in plan(version="0.11.0", enable_dbo=True).warnings
    assert words not in plan(version="0.33.0", enable_dbo=True).warnings
    assert words not in plan(enable_dbo=True).warnings


# A value that is listed, and the option by itself
LISTED = [
    ("vllm", {"compilation_config": {"cudagraph_mode": "NONE"}}),
    ("vllm", {"compilation_config": '{"max_cudagraph_capture_size": 64}'}),
    ("vllm", {"compilation_config": {"pass_config": {"fuse_allreduce_rms": True}}}),
    ("vllm", {"optimization_level": 0}),
    ("vllm", {"eplb_config": {"window_size": 10}, "stream_interval": 4}),
    ("trtllm", {"cuda_graph_config": None}),
    ("trtllm", {"cuda_graph_config": {"max_batch_size": 8}, "enable_partial_reuse": False}),
    ("sglang", {"random_seed": 1, "enable_two_batch_overlap": True}),
]


@pytest.mark.parametrize(("engine", "options"), LISTED)
def test_values_that_are_listed_are_those_of_the_option_itself(engine: str, options: dict[str, Any]) -> None:
    listed, itself = plan(engine, further_values=options), plan(engine, **options)
    assert listed == itself
    assert plan(engine, **options, further_values=options) == itself


@pytest.mark.parametrize(
    ("engine", "options", "listed"),
    [
        ("vllm", {"compilation_config": {"level": 3}}, {"compilation_config": {"cudagraph_mode": "NONE"}}),
        ("vllm", {"seed": 1}, {"seed": 2}),
        ("trtllm", {"moe_config": {"max_num_tokens": 1}}, {"moe_config": {"max_num_tokens": 2}}),
        ("sglang", {"random_seed": 1}, {"random_seed": 2}),
        ("llama.cpp", {"threads": 8}, {"threads": 4}),
    ],
)
def test_a_listed_value_beside_another_of_the_option_is_refused(
    engine: str, options: dict[str, Any], listed: dict[str, Any]
) -> None:
    option = next(iter(listed))
    words = rf"^engine\.further_values\.{option}: says .*, but engine\.{option} says .*; they are one option"
    with pytest.raises(InvalidInputError, match=words) as refused:
        plan(engine, **options, further_values=listed)
    assert refused.value.field == f"engine.further_values.{option}"


@pytest.mark.parametrize("value", [7, "3", True])
def test_a_listed_value_is_refused_where_it_was_said(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^engine\.further_values\.optimization_level: ") as refused:
        plan(further_values={"optimization_level": value})
    assert refused.value.field == "engine.further_values.optimization_level"


@pytest.mark.parametrize(
    "options", [{"optimization_level": 0}, {"compilation_config": {"cudagraph_mode": "NONE", "x": 1}}]
)
def test_a_request_that_was_read_is_read_as_the_same_again(options: dict[str, Any]) -> None:
    asked = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
    once = MemoryPlanRequest.model_validate({**asked, "engine": {"name": "vllm", **options}})
    assert MemoryPlanRequest.model_validate({**asked, "engine": once.engine}) == once


@pytest.mark.parametrize(
    ("engine", "short", "long", "value"),
    [
        ("llama.cpp", "ngl", "n_gpu_layers", 20),
        ("llama.cpp", "c", "n_ctx", 4096),
        ("llama.cpp", "np", "n_parallel", 2),
        ("llama.cpp", "ctk", "cache_type_k", "q8_0"),
        ("llama.cpp", "ub", "n_ubatch", 256),
        ("llama.cpp", "nkvo", "no_kv_offload", True),
        ("vllm", "tp", "tensor_parallel_size", 1),
        ("vllm", "ep", "enable_expert_parallel", False),
        ("sglang", "tp", "tp_size", 1),
        ("sglang", "ep", "ep_size", 1),
    ],
)
def test_a_short_form_is_the_long_option(engine: str, short: str, long: str, value: Any) -> None:
    """Those of llama.cpp ``common/arg.cpp``, vLLM ``arg_utils.py``, and of SGLang's page on arguments."""
    said: dict[str, Any] = {short: value}
    meant: dict[str, Any] = {long: value}
    assert plan(engine, **said) == plan(engine, **meant)


@pytest.mark.parametrize("option", ["t", "mmap", "mlock", "no_repack", "direct_io", "no_cont_batching"])
def test_switches_of_loading_and_their_opposites_are_named_as_uncounted(option: str) -> None:
    said: dict[str, Any] = {option: True}
    answer = plan("llama.cpp", **said)
    assert any(f"engine.{option}: not counted" in each for each in (*answer.warnings, *answer.assumptions))
