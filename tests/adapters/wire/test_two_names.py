"""Two names of one option that say different things are refused under both; the same twice is taken."""

from typing import Any, get_args

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.adapters.passed_options import load_passed_options
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.core.engines import ollama, traits_of
from llm_calc.core.errors import CalcError

ALIASES = [
    (engine, alias, own)
    for engine, known in sorted(load_passed_options().items())
    for alias, own in sorted(known.aliases.items())
]
OF_OLLAMA = [
    *((alias, own) for alias, own in ollama._SETTINGS.items()),
    *((name, own) for name, both in ollama._SAME.items() for own in both if own != name),
    ("num_ctx", "n_ctx"),
    *(
        (setting, own)
        for setting, name in ollama._SETTINGS.items()
        for own in ollama._SAME.get(name, ("n_ctx",))
    ),
]
TWO_VALUES: dict[str, tuple[Any, Any]] = {"kv_cache_type": ("q8_0", "q4_0"), "cache_type": ("q8_0", "f16")}

OF_ENGINES: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(("cache_type_k", "cache_type_v"), ("q8_0", "q4_0")),
    "override_tensor": ("exps=CPU", "ffn=CPU"),
    "split_mode": ("layer", "row"),
    "tensor_split": ([1, 1], [1, 2]),
}
"""Two values of each option that is no number and no switch."""


def refusal(body: dict[str, Any]) -> str:
    with pytest.raises(CalcError) as found:
        MEMORY_PLAN.answered({"model": "qwen3-0.6b", **body}, load_catalogs())
    return found.value.message


def values(engine: str, own: str) -> tuple[Any, Any]:
    """Two values that an option takes and that differ."""
    if own in OF_ENGINES:
        return OF_ENGINES[own]
    annotation = ENGINE_PARTS[engine].model_fields[own].annotation
    words = str(annotation)
    if "bool" in words:
        return True, False
    if "float" in words:
        return 0.5, 0.75
    return (4, 8) if "int" in words else next(iter(get_args(annotation)), ("q8_0", "q4_0"))


@pytest.mark.parametrize(("engine", "alias", "own"), ALIASES)
def test_two_names_of_an_option_of_an_engine(engine: str, alias: str, own: str) -> None:
    one, other = values(engine, own)
    for first, second in ((alias, own), (own, alias)):
        part = {"name": engine, first: one, second: other}
        words = refusal({"hardware": {"gpu": "rtx-4090"}, "engine": part})
        assert alias in words, words
        assert own in words, words


@pytest.mark.parametrize(("alias", "own"), OF_OLLAMA)
def test_two_names_of_an_option_of_ollama(alias: str, own: str) -> None:
    texts = "cache" in alias.lower() or "cache" in own
    switch = "flash" in alias.lower()
    one, other = ("q8_0", "q4_0") if texts else (True, False) if switch else (4, 8)
    for part in ({alias: one, own: other}, {own: other, alias: one}):
        words = refusal({"hardware": "rtx-4090", "engine": {"name": "ollama", **part}})
        assert own in words, words
        assert alias in words, words


@pytest.mark.parametrize(
    ("engine", "flag", "field"),
    [
        (engine, flag, field)
        for engine in ENGINE_PARTS
        for flag, field in traits_of(engine).options.layout.sizes.items()
    ],
)
def test_a_flag_of_the_layout_and_the_part(engine: str, flag: str, field: str) -> None:
    body = {
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {field: 2, **({"tensor": 2} if field != "tensor" else {"data": 2})},
        "engine": {"name": engine, flag: 4},
    }
    words = refusal(body)
    assert f"engine.{flag}" in words
    assert f"parallelism.{field}" in words


@pytest.mark.parametrize(
    ("engine", "own", "said"),
    [
        ("vllm", {"kv_cache_dtype": "fp8"}, ("engine.kv_cache_dtype", "precision.kv_cache")),
        ("sglang", {"kv_cache_dtype": "fp8_e5m2"}, ("engine.kv_cache_dtype", "precision.kv_cache")),
        ("trtllm", {"kv_cache_dtype": "fp8"}, ("engine.kv_cache_dtype", "precision.kv_cache")),
        ("llama.cpp", {"cache_type_k": "q8_0"}, ("engine.cache_type_k", "precision.kv_cache")),
        ("llama.cpp", {"cache_type_v": "q8_0"}, ("engine.cache_type_v", "precision.kv_cache")),
        ("ollama", {"kv_cache_type": "q8_0"}, ("cache_type", "precision.kv_cache")),
    ],
)
def test_the_cache_and_the_precision(engine: str, own: dict[str, str], said: tuple[str, str]) -> None:
    body = {
        "hardware": {"gpu": "h100-80gb-sxm"},
        "precision": {"kv_cache": "bf16"},
        "engine": {"name": engine, **own},
    }
    words = refusal(body)
    assert all(each in words for each in said), words


@pytest.mark.parametrize(
    ("engine", "both", "said"),
    [
        ("llama.cpp", {"offload_kqv": True, "no_kv_offload": True}, ("offload_kqv", "no_kv_offload")),
        ("llama.cpp", {"offload_kqv": False, "no_kv_offload": False}, ("offload_kqv", "no_kv_offload")),
        (
            "vllm",
            {"cudagraph_mode": "NONE", "compilation_config": {"cudagraph_mode": "FULL"}},
            ("cudagraph_mode", "compilation_config"),
        ),
        (
            "vllm",
            {"enable_eplb": True, "num_redundant_experts": 2, "eplb_config": {"num_redundant_experts": 4}},
            ("num_redundant_experts", "eplb_config"),
        ),
        ("vllm", {"optimization_level": 0, "cudagraph_mode": "FULL"}, ()),
    ],
)
def test_two_options_that_say_one_thing(engine: str, both: dict[str, Any], said: tuple[str, ...]) -> None:
    body = {"hardware": {"gpu": "rtx-4090"}, "engine": {"name": engine, **both}}
    if not said:  # a level says what is left open alone
        MEMORY_PLAN.answered({"model": "qwen3-0.6b", **body}, load_catalogs())
        return
    words = refusal(body)
    assert all(each in words for each in said), words


def test_the_same_value_under_two_names_is_taken() -> None:
    body = {"model": "qwen3-0.6b", "hardware": "rtx-4090"}
    part = {"name": "ollama", "num_ctx": 4096, "OLLAMA_CONTEXT_LENGTH": 4096, "num_gpu": 8, "n_gpu_layers": 8}
    plain = {"name": "ollama", "num_ctx": 4096, "num_gpu": 8}
    found = [MEMORY_PLAN.answered({**body, "engine": each}, load_catalogs()) for each in (part, plain)]
    assert found[0].per_gpu == found[1].per_gpu
