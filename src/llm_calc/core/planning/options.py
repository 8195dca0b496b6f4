"""Options under which a plan starts an engine: those that the load needs, and no others."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CELL_TOKENS = 256
"""llama.cpp gives each slot whole multiples of so many tokens."""
OPEN_SLOTS = 64
"""Slots that llama.cpp is started with at most, where the number of requests is open."""
MOST_PARALLEL = 256
"""Slots that llama.cpp takes at most (LLAMA_MAX_SEQ)."""

Options = Mapping[str, int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What a replica has to be started for: the longest request, and how many at once; ``open``: as many as fit.

    ``cut_prompts``: prompts are longer than a step of an engine that cuts none unless it is told to.
    """

    context_tokens: int
    requests: int
    replicas: int
    open: bool
    cut_prompts: bool = False

    @property
    def each(self) -> int:
        """Requests of each replica of attention [sequences].

        ``ceil(requests / replicas)``.
        Definition: they share what comes evenly.
        """
        return math.ceil(self.requests / self.replicas)


def options_for(engine: str, needed: Needed) -> Iterator[Options]:
    """The context that is needed; then also with as many sequences, should the engine's own limit be lower."""
    context, each = needed.context_tokens, needed.each
    match engine:
        case "vllm":
            yield {"max_model_len": context}
            yield {"max_model_len": context, "max_num_seqs": each}
        case "sglang":
            yield {"context_length": context}
            yield {"context_length": context, "max_running_requests": each * needed.replicas}
        case "trtllm":
            cut: Options = {"enable_chunked_prefill": True} if needed.cut_prompts else {}
            yield {"max_seq_len": context, **cut}
            yield {"max_seq_len": context, "max_batch_size": each, **cut}
        case "mlx":
            yield {}
            yield {"decode_concurrency": each}
        case _:
            yield from _slots_for(needed)


def _slots_for(needed: Needed) -> Iterator[Options]:
    """llama.cpp with a slot for every request; where their number is open, with ever fewer."""
    slots = min(OPEN_SLOTS if needed.open else needed.requests, MOST_PARALLEL)
    cells = -(-needed.context_tokens // CELL_TOKENS) * CELL_TOKENS
    yield {"n_ctx": cells * slots, "n_parallel": slots, "kv_unified": False, "fit": False}
    while (slots := slots // 2) >= needed.requests:
        yield {"n_ctx": cells * slots, "n_parallel": slots, "kv_unified": False, "fit": False}
