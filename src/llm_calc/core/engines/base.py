"""What all engines have in common: a request for a plan, pools of KV cache, and the plan.

A *pool* is a piece of memory that an engine cuts into blocks. What one sequence takes of it is a sum of
*claims*, one for each kind of layer: a full-attention layer claims a block for every few tokens, a sliding
window stops claiming at its width, a recurrent state claims the same whatever the context. Every figure of
a plan (tokens, concurrency, longest context) follows from pools and claims.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from llm_calc.core.arrays import Quantity, ceil_div, is_array, smaller
from llm_calc.core.engines.places import HostBudget, Places
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.traits import Traits
from llm_calc.core.model import Model

__all__ = ["Claim", "Engine", "GpuBudget", "Limits", "MemoryPlan", "Pool", "Setup", "context_of", "fullest"]

LONGEST_CONTEXT_TOKENS = 1 << 27
"""Where the search for the longest context stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one sequence takes of a pool for ``layers`` layers of one kind, in blocks of ``block_bytes``.

    ``ceil(min(context, window_tokens) / block_tokens) + extra_blocks`` blocks; ``block_tokens = 0``: one
    block whatever the context (a recurrent state).
    """

    kind: str
    layers: int
    block_bytes: float
    block_tokens: int = 1
    window_tokens: int | None = None
    extra_blocks: int = 0

    def blocks(self, context_tokens: Quantity) -> Quantity:
        """Blocks for a sequence of ``context_tokens`` [blocks].

        ``ceil(min(context, window_tokens) / block_tokens) + extra_blocks``; ``1 + extra_blocks`` for a state.
        Source: vLLM 0.33.0 ``v1/core/single_type_kv_cache_manager.py``, ``get_num_blocks_to_allocate``; checked:
        2026-11-30, read. Exact for one sequence that shares none.
        """
        if not self.block_tokens:
            return (
                context_tokens * 0 + 1 + self.extra_blocks
            )  # for each context, in the shape that was asked for
        kept = context_tokens if self.window_tokens is None else smaller(context_tokens, self.window_tokens)
        return ceil_div(kept, self.block_tokens) + self.extra_blocks

    @property
    def bytes_per_token(self) -> float:
        """Growth with one more token of context, below the window [bytes].

        ``block_bytes / block_tokens``; 0 for a state.
        Definition: the mean over a block.
        """
        return self.block_bytes / self.block_tokens if self.block_tokens else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Memory for sequences on one GPU, and what each sequence claims of it.

    ``held_back_bytes``: a part that no sequence is given, though an engine counts it where it reports capacity.
    ``slots_a_request``: of recurrent state, all but one of them for a prefix cache; part of the claims already.
    """

    name: str
    capacity_bytes: float
    claims: tuple[Claim, ...]
    held_back_bytes: float = 0.0
    slots_a_request: int = 1

    def sequence_bytes(self, context_tokens: Quantity) -> Quantity:
        """Bytes that one sequence of ``context_tokens`` occupies, whole blocks [bytes].

        ``sum over claims of blocks x block_bytes``.
        Definition: a block belongs to one sequence.
        """
        total: Quantity = 0
        for claim in self.claims:
            total = total + claim.blocks(context_tokens) * claim.block_bytes
        return total

    def sequences(self, context_tokens: Quantity, *, given: bool = False) -> Quantity:
        """How many sequences of ``context_tokens`` fit at once, as a ratio, not rounded down [sequences].

        ``capacity / sequence_bytes``; of what sequences are ``given``, without what is held back.
        Definition: all sequences are alike.
        """
        held_back = self.held_back_bytes if given else 0.0
        return (self.capacity_bytes - held_back) / self.sequence_bytes(context_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuBudget:
    """Where one GPU's memory goes; the parts and ``unallocated_bytes`` add up to ``memory_bytes``.

    ``usable_bytes``: the share that the engine's own option lets it plan with. ``host_weights_bytes`` stay in
    the host's memory and are no part of the sum; ``doubled_bytes`` of them lie on the device as well.
    """

    memory_bytes: float
    usable_bytes: float
    weights_bytes: float
    activation_peak_bytes: float
    cuda_graphs_bytes: float
    framework_bytes: float
    kv_cache_bytes: float
    host_weights_bytes: float = 0.0
    doubled_bytes: float = 0.0

    @property
    def unallocated_bytes(self) -> float:
        """What is left over: the reserve beyond the option's share, and rounding; below zero a shortage [bytes].

        ``memory - weights - activation peak - graphs - framework - KV cache``.
        Definition: the parts and this add up to the memory.
        """
        taken = (
            self.weights_bytes + self.activation_peak_bytes + self.cuda_graphs_bytes + self.framework_bytes
        )
        return self.memory_bytes - taken - self.kv_cache_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a scheduler allows on one replica: sequences, tokens of a step, those of a prompt; None: it is cut."""

    max_sequences: int
    max_batched_tokens: int
    max_prompt_tokens: int | None = None

    def takes(self, prompt_tokens: int) -> bool:
        """Whether a prompt of this length is accepted."""
        return self.max_prompt_tokens is None or prompt_tokens <= self.max_prompt_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """An engine's memory on the GPU that is fullest, and what the deployment can hold.

    ``available_bytes``: what the budget leaves for the KV cache; below zero where weights and overheads alone
    exceed it. ``max_model_len_tokens``: the context that the engine is started with. ``replicas``: groups of
    GPUs that hold sequences of their own (data parallelism). ``must_hold_one``: the engine refuses to start
    unless one sequence of ``max_model_len_tokens`` fits. ``bytes_per_token`` and ``tokens_per_replica``
    are as the engine itself reports them; ``stage`` is the pipeline stage that is fullest. ``places``: what an
    engine allocates in full at start bounds its sequences, whatever memory is left; None: blocks as they are needed.
    ``host``: what the plan keeps in the host's memory. ``refusals``: why the engine does not start, whatever the memory
    holds. ``context_chosen``: its option names the context, else it is the default. ``cache_chosen``: its cache
    is as large as planned, whatever measured runs had. ``stages``: each stage's budget.
    """

    engine: str
    budget: GpuBudget
    pools: tuple[Pool, ...]
    available_bytes: float
    bytes_per_token: float
    tokens_per_replica: int
    max_model_len_tokens: int
    limits: Limits
    replicas: int = 1
    stage: int = 0
    must_hold_one: bool = True
    context_chosen: bool = True
    cache_chosen: bool = False
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    places: Places | None = None
    host: HostBudget | None = None
    stages: tuple[GpuBudget, ...] = ()

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that all replicas together hold [tokens].

        ``tokens of one replica x replicas``.
        Definition: tokens as the engine itself reports them.
        """
        return self.tokens_per_replica * self.replicas

    def sequences(self, context_tokens: Quantity, *, given: bool = False) -> Quantity:
        """Sequences of ``context_tokens`` at once over all replicas, as a ratio; may take arrays [sequences].

        ``min over pools of capacity / sequence_bytes x replicas``; without any cache, what the scheduler allows. Where
        all places are made at start, so many as those take, and no more than memory where it is not enough for them.
        Definition: a sequence needs room in every pool.
        """
        if self.places is None:
            return self._in_memory(context_tokens, given=given)
        placed = self.places.sequences(context_tokens) * self.replicas
        enough = self.budget.kv_cache_bytes <= self.available_bytes
        return placed if enough else smaller(placed, self._in_memory(context_tokens, given=given))

    def _in_memory(self, context_tokens: Quantity, *, given: bool) -> Quantity:
        if not self.pools:
            return context_tokens * 0 + self.limits.max_sequences * self.replicas
        each = [pool.sequences(context_tokens, given=given) for pool in self.pools]
        least = each[0]
        for other in each[1:]:
            least = smaller(least, other)
        return least * self.replicas

    def max_concurrency(self, context_tokens: Quantity) -> Quantity:
        """Whole sequences of ``context_tokens`` at once over all replicas [sequences].

        ``floor(sequences / replicas) x replicas``, of what sequences are given.
        Definition: no sequence is split over replicas.
        """
        return self._whole(self.sequences(context_tokens, given=True))

    def _whole(self, sequences: Quantity) -> Quantity:
        each = sequences / self.replicas + 1e-9
        whole = np.floor(each) if is_array(each) else int(each)
        return whole * self.replicas

    def max_context_tokens(self, sequences: int = 1) -> int:
        """Longest context that memory holds for ``sequences`` sequences at once, by bisection; 0: none [tokens].

        ``max context with floor(in memory(context)) >= sequences``, up to 2^27.
        Definition: the inverse of :meth:`max_concurrency`, whatever places were made at start.
        """

        def holds(context_tokens: int) -> bool:
            return bool(self._whole(self._in_memory(context_tokens, given=True)) >= sequences)

        low, high = 1, LONGEST_CONTEXT_TOKENS
        if not holds(low):
            return 0
        if holds(high):
            return high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if holds(middle) else (low, middle)
        return low

    def holds(self, sequences: int, context_tokens: int) -> bool:
        """Whether so many sequences of so many tokens fit at once."""
        return self.available_bytes > 0 and bool(self.max_concurrency(context_tokens) >= sequences)

    @property
    def starts(self) -> bool:
        """Whether the engine would start at all with this budget and its context."""
        context = self.max_model_len_tokens if self.must_hold_one else 1
        return self._startable and self.holds(1, context)

    @property
    def can_start(self) -> bool:
        """Whether it starts; where no context was chosen, with one that memory holds."""
        return self.starts if self.context_chosen else self._startable and self.holds(1, 1)

    @property
    def _startable(self) -> bool:
        if self.refusals or (self.host is not None and not self.host.fits):
            return False
        return self.budget.kv_cache_bytes <= self.available_bytes


class Engine(Protocol):
    """The rules of one engine with its options set."""

    name: ClassVar[str]
    traits: ClassVar[Traits]

    def limits(self, setup: Setup) -> Limits:
        """What the scheduler allows."""
        ...

    def plan(self, setup: Setup) -> MemoryPlan:
        """Where the memory of the fullest GPU goes [bytes, tokens].

        Definition: each engine's own rules.

        Raises:
            UnsupportedError: the engine cannot run this layout.
        """
        ...


def context_of(model: Model, chosen: int | None, otherwise: int = 4096) -> int:
    """The context that an engine starts with [tokens].

    Definition: the option, else the model's own, else ``otherwise``.
    """
    return chosen or model.context_length_tokens or otherwise


def fullest(plans: Sequence[MemoryPlan]) -> MemoryPlan:
    """Of one plan a pipeline stage, the one that holds least [bytes, tokens].

    Definition: all stages work with the number of blocks of the fullest.
    """
    least = min(plans, key=lambda plan: (plan.sequences(plan.max_model_len_tokens), plan.available_bytes))
    return replace(least, stages=tuple(plan.budget for plan in plans))
