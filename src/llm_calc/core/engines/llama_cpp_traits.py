"""What sets llama.cpp apart beside its rules of memory."""

from collections.abc import Iterator, Mapping

from llm_calc.core.engines.llama_cpp_slots import CELL_PADDING
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.engines.traits import FormatTraits, LoadTraits, OptionTraits, Traits

OPEN_SLOTS = 64
"""Slots that it is started with at most, where the number of requests is open."""
MOST_PARALLEL = 256
"""Slots that it takes at most (LLAMA_MAX_SEQ)."""
ALL_LAYERS = 999
SENTINELS: Mapping[str, Mapping[object, int | None]] = {
    "n_gpu_layers": {"auto": None, -1: -1, "all": ALL_LAYERS, -2: ALL_LAYERS},
    "n_parallel": {-1: None},
}
"""Source: llama.cpp ``common/arg.cpp``, as llama-cpp-python 0.3.36 has it; checked: 2026-12-01, read."""
CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
"""Source: llama.cpp v0.5.0 ``common/arg.cpp``, ``kv_cache_types``; checked: 2026-11-29."""
GGUF_FORMATS = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q3_k_m", "iq3_xxs", "q2_k", "iq2_xxs")


def _started(needed: Needed) -> Iterator[Options]:
    """With a slot for every request; where their number is open, with ever fewer."""
    slots = min(OPEN_SLOTS if needed.open else needed.requests, MOST_PARALLEL)
    cells = -(-needed.context_tokens // CELL_PADDING) * CELL_PADDING
    yield {"n_ctx": cells * slots, "n_parallel": slots, "kv_unified": False, "fit": False}
    while (slots := slots // 2) >= needed.requests:
        yield {"n_ctx": cells * slots, "n_parallel": slots, "kv_unified": False, "fit": False}


TRAITS = Traits(
    written=("llama-server",),
    options=OptionTraits(context="n_ctx", words=("flash_attn", "fit"), sentinels=SENTINELS),
    formats=FormatTraits(
        gguf_alone=True,
        cache="fp16",
        kept=CACHE_TYPES,
        advised_weights=GGUF_FORMATS,
        own_files=True,
        advised_caches=("q8_0", "q4_0"),
    ),
    load=LoadTraits(own_machine=True, sessions=False, slots=True, drafts_placed=False, started=_started),
    deals_layers=True,
    half_sums=True,
)
