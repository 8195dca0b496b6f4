"""``engine: ollama``: what its users say, as options of the llama.cpp that it starts.

Source: ollama v0.33.0-rc2 ``llm/llama_server.go``, ``startLlamaServer``, ``appendBatchArgs`` and ``appendMainGPUArgs``,
and ``envconfig/config.go``; checked: 2026-11-30, read.
"""

import re
from collections.abc import Mapping
from typing import Any

OLLAMA = "ollama"
CONTEXT = "num_ctx"
_SAME = {
    "num_gpu": ("n_gpu_layers",),
    "num_batch": ("n_batch", "n_ubatch"),
    "num_parallel": ("n_parallel",),
    "kv_cache_type": ("cache_type_k", "cache_type_v"),
    "flash_attention": ("flash_attn",),
    "main_gpu": ("main_gpu",),
}
"""Parameters and settings of ollama, and the options that each becomes."""
_SETTINGS = {
    "OLLAMA_CONTEXT_LENGTH": "num_ctx",
    "OLLAMA_NUM_PARALLEL": "num_parallel",
    "OLLAMA_KV_CACHE_TYPE": "kv_cache_type",
    "OLLAMA_FLASH_ATTENTION": "flash_attention",
    "context_length": "num_ctx",
}
"""Names of its environment and of its app, and the parameter that each stands for."""
OPTIONS = {
    "num_ctx": "Context of each slot (OLLAMA_CONTEXT_LENGTH); absent: by memory [tokens]",
    "num_parallel": "Slots (OLLAMA_NUM_PARALLEL) [sequences]",
    "num_gpu": "Layers on the GPU; absent: as many as fit [layers]",
    "num_batch": "Tokens computed at once; absent: by context and memory [tokens]",
    "main_gpu": "The GPU that takes all layers [index]",
    "kv_cache_type": "Format of the cache (OLLAMA_KV_CACHE_TYPE): f16, q8_0 or q4_0",
    "flash_attention": "Whether attention is fused (OLLAMA_FLASH_ATTENTION)",
}
"""What can be said of ollama, beside llama.cpp's own options, and its meaning."""
_AROUND = {
    "lmstudio": ("LM Studio", "llama.cpp (GGUF) or mlx (MLX files)", "n_ctx, n_gpu_layers, flash_attn"),
    "jan": ("Jan", "llama.cpp", "n_ctx, n_gpu_layers, flash_attn"),
    "koboldcpp": ("KoboldCpp", "llama.cpp", "n_ctx, n_gpu_layers, flash_attn"),
    "gpt4all": ("GPT4All", "llama.cpp", "n_ctx, n_gpu_layers"),
}
"""Programs that start another engine: their names, what that is, and the options that say what their settings do."""
_SWITCH = {0: False, 1: True, "0": False, "1": True, "false": False, "true": True}


def from_ollama(value: object) -> object:
    """An engine part that names ollama as llama.cpp with its preset; any other as it is.

    ``num_ctx`` is the context of one slot: llama.cpp is given as much for each. A ``version`` is ollama's own.

    >>> from_ollama({"name": "ollama", "num_ctx": 8192, "num_parallel": 2})["n_ctx"]
    16384

    Raises:
        ValueError: two names of one option; a program around another engine whose defaults are not known.
    """
    if not isinstance(value, Mapping):
        return value
    named = str(value.get("name", "")).strip().lower()
    around = _AROUND.get(re.sub(r"[\s._-]+", "", named))
    if around is not None:
        program, engines, options = around
        msg = (
            f"name: {program} runs {engines} underneath, by defaults that are not known here; name that engine "
            f"and say what {program} is set to ({options})"
        )
        raise ValueError(msg)
    if named != OLLAMA:
        return value
    said, names = _by_parameter({name: each for name, each in value.items() if name != "name"})
    version = said.pop("version", None)
    found: dict[str, Any] = {
        "name": "llama.cpp",
        "preset": OLLAMA if version is None else f"{OLLAMA} {version}",
    }
    tokens, slots = said.pop("num_ctx", None), said.get("num_parallel", said.get("n_parallel"))
    if tokens is not None:
        counted = isinstance(tokens, int) and isinstance(slots, int)
        whole = tokens * slots if counted else tokens
        _check_alike(names["num_ctx"], whole, "n_ctx", said.get("n_ctx"))
        said["n_ctx"] = whole
    if said.get("main_gpu") is not None:
        said.setdefault("split_mode", "none")
    for name, each in said.items():
        is_switch = name == "flash_attention" and isinstance(each, (int, str))
        given = _SWITCH.get(each.lower() if isinstance(each, str) else each, each) if is_switch else each
        for own in _SAME.get(name, (name,)):
            if own != name:
                _check_alike(names[name], given, own, said.get(own))
        found |= dict.fromkeys(_SAME.get(name, (name,)), given)
    return found


def _check_alike(name: str, value: object, own: str, other: object) -> None:
    """Refuses two names of one option that say different things.

    Raises:
        ValueError: they do; names both.
    """
    if None not in (value, other) and value != other:
        msg = (
            f"{name}: makes {own} {value!r}, but {own} says {other!r}; they are one option, give one of them"
        )
        raise ValueError(msg)


def _by_parameter(said: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Options under the names of parameters, and the names under which they were said.

    Raises:
        ValueError: two names of one that say different things; names both.
    """
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name, each in said.items():
        own = _SETTINGS.get(name, name)
        _check_alike(name, each, names.get(own, own), found.get(own))
        if each is not None or own not in found:
            found[own], names[own] = each, name
    return found, names


def no_program_around(name: object) -> object:
    """The name of an engine that plans start; of programs around one, what to name instead.

    Raises:
        ValueError: such a program.
    """
    said = re.sub(r"[\s._-]+", "", str(name).lower())
    title, engines = ("Ollama", "llama.cpp") if said == OLLAMA else _AROUND.get(said, ("", ""))[:2]
    if title:
        msg = f"plans give no launch commands for {title}; name {engines}, which it runs underneath"
        raise ValueError(msg + ("; memory_plan and fit give its settings" if said == OLLAMA else ""))
    return name
