"""How what was asked of Ollama is started: its environment, the parameters of a Modelfile, and what neither says.

Ollama hands its own environment on to the llama-server that it starts, which reads ``LLAMA_ARG_*`` for options that are
not on its command line: so options of llama.cpp can be said that Ollama has no name for.

Source: ollama v0.33.0-rc2 ``llm/llama_server.go``, ``startLlamaServer`` and ``SetupLlamaServerCommandEnv``; llama.cpp
00dc805 ``tools/server/README.md`` (names of variables); checked: 2026-11-30, read.
"""

import shlex
from collections.abc import Iterator, Mapping

from llm_calc.adapters.wire.engines import LlamaCppEngine

OWN_CACHES = ("f16", "q8_0", "q4_0")
"""Formats of the cache that ``OLLAMA_KV_CACHE_TYPE`` takes."""
_FORMATS = {"fp16": "f16", "fp32": "f32"}
_VARIABLES = {
    "n_cpu_moe": "N_CPU_MOE",
    "cpu_moe": "CPU_MOE",
    "n_cpu_ffn": "N_CPU_FFN",
    "override_tensor": "OVERRIDE_TENSOR",
    "offload_kqv": "KV_OFFLOAD",
    "swa_full": "SWA_FULL",
    "kv_unified": "KV_UNIFIED",
    "tensor_split": "TENSOR_SPLIT",
    "fit": "FIT",
    "fit_target": "FIT_TARGET",
    "fit_ctx": "FIT_CTX",
}
"""Options that Ollama puts on no command line, and the end of the variable that each has."""
_ONLY_SET = ("cpu_moe", "swa_full", "kv_unified")
_UNSAID = ("op_offload",)
"""Options of llama-server that have no variable."""


def ollama_settings(part: LlamaCppEngine, cache: str) -> str:
    """The environment and the parameters that start what was planned; ``cache``: the format asked for, or auto.

    >>> ollama_settings(LlamaCppEngine(n_ctx=16384, n_parallel=2, n_gpu_layers=20), "auto")
    'OLLAMA_CONTEXT_LENGTH=8192 OLLAMA_NUM_PARALLEL=2 ollama serve; Modelfile: PARAMETER num_gpu 20'
    """
    environment = " ".join(
        f"{name}={shlex.quote(value)}" for name, value in _environment(part, cache).items()
    )
    parameters = ", ".join(f"PARAMETER {name} {value}" for name, value in _parameters(part))
    return f"{environment} ollama serve" + (f"; Modelfile: {parameters}" if parameters else "")


def unsaid_of_ollama(part: LlamaCppEngine) -> Iterator[str]:
    """A sentence on each option that neither Ollama nor a variable of llama-server says."""
    for name in _UNSAID:
        if getattr(part, name) is not None:
            yield _unsaid(name, getattr(part, name))
    if part.n_ubatch is not None and part.n_ubatch != part.n_batch:
        yield _unsaid("n_ubatch", part.n_ubatch)
    if part.main_gpu is None and part.split_mode not in (None, "layer"):
        yield _unsaid("split_mode", part.split_mode)
    if part.n_ctx is not None and part.n_ctx % (part.n_parallel or 1):
        yield _unsaid("n_ctx", part.n_ctx)


def _unsaid(name: str, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else value
    return f"engine.{name}: was planned with {text}, for which Ollama has no setting"


def _environment(part: LlamaCppEngine, cache: str) -> Mapping[str, str]:
    slots = part.n_parallel or 1
    found = {} if part.n_ctx is None else {"OLLAMA_CONTEXT_LENGTH": str(part.n_ctx // slots)}
    found |= {"OLLAMA_NUM_PARALLEL": str(slots)}
    if part.flash_attn is not None:
        found["OLLAMA_FLASH_ATTENTION"] = str(int(part.flash_attn))
    variables = {
        f"LLAMA_ARG_{end}": _text(getattr(part, name))
        for name, end in _VARIABLES.items()
        if name in part.model_fields_set and getattr(part, name) is not None and not _is_off(part, name)
    }
    if part.no_kv_offload is not None:
        variables["LLAMA_ARG_KV_OFFLOAD"] = _text(not part.no_kv_offload)
    return {**found, **_cache(part, cache), **variables}


def _cache(part: LlamaCppEngine, cache: str) -> Mapping[str, str]:
    """Ollama's one format of keys and values, else one of each for llama-server."""
    plain = None if cache == "auto" else cache
    keys, values = (
        None if each is None else _FORMATS.get(each, each)
        for each in (part.cache_type_k or plain, part.cache_type_v or plain)
    )
    if keys == values and keys in OWN_CACHES:
        return {"OLLAMA_KV_CACHE_TYPE": str(keys)}
    found = {"LLAMA_ARG_CACHE_TYPE_K": keys, "LLAMA_ARG_CACHE_TYPE_V": values}
    return {name: each for name, each in found.items() if each is not None}


def _parameters(part: LlamaCppEngine) -> Iterator[tuple[str, int]]:
    if part.n_batch is not None:
        yield "num_batch", part.n_batch
    if part.n_gpu_layers is not None and part.n_gpu_layers >= 0:
        yield "num_gpu", part.n_gpu_layers
    if part.main_gpu is not None:
        yield "main_gpu", part.main_gpu


def _is_off(part: LlamaCppEngine, name: str) -> bool:
    """Whether a switch is left as it is without a word: its variable can only set it."""
    return name in _ONLY_SET and not getattr(part, name)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(f"{each:g}" for each in value) if isinstance(value, tuple) else str(value)
