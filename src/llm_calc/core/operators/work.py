"""What one engine step has to do on one GPU: the quantities that its time follows from.

A step runs ``new tokens`` through the layers (one for each decoding sequence and all of a prompt chunk), reads
the caches of the decoding sequences and scores the chunk against its own past. All figures are those of the
GPU with the largest share, summed over the layers of all pipeline stages.
"""

from dataclasses import dataclass, replace
from typing import Literal

from llm_calc.core.arrays import Quantity

Group = Literal["mixer", "mlp", "experts", "lm_head"]
GROUPS: tuple[Group, ...] = ("mixer", "mlp", "experts", "lm_head")
"""``mixer``: projections of attention and of recurrent layers. ``mlp``: dense and shared feed-forward, routers."""


UNLIMITED_TOKENS = 1e12
"""Stands for no limit on the keys that a query visits: finite, so that it can be subtracted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWork:
    """One matrix of every layer that has it (or all matrices of a group).

    ``weight_bytes``: stored on this GPU. ``flops_per_token``, ``activation_bytes_per_token``: for each token that
    reaches the GPU's parallel group, which is ``token_share`` of the step's tokens. ``experts``/``top_k``: of a
    routed matrix (0: every token reads all of it). ``format``: how it is stored; ``compute``: number type that
    multiplies. ``calls``: kernels a step.
    """

    name: str
    group: Group
    weight_bytes: Quantity
    flops_per_token: Quantity
    activation_bytes_per_token: Quantity
    calls: Quantity
    token_share: Quantity = 1.0
    experts: Quantity = 0
    top_k: Quantity = 0
    format: str = ""
    compute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextWork:
    """Attention of all layers of one kind over their caches, for one sequence on one GPU.

    ``limit_tokens``: most keys that a query visits (``UNLIMITED_TOKENS``: all); ``chunked``: the window starts at
    multiples of itself. Decode reads ``kv_bytes_per_key`` and spends ``decode_flops_per_key``; prefill spends
    ``prefill_flops_per_pair`` on every visited pair, and moves ``prefill_bytes_per_pair`` for it where a selection
    reads scores that another kernel wrote.
    """

    name: str
    calls: Quantity
    kv_bytes_per_key: Quantity
    decode_flops_per_key: Quantity
    prefill_flops_per_pair: Quantity
    limit_tokens: Quantity
    prefill_bytes_per_pair: Quantity = 0.0
    chunked: bool = False
    latent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveWork:
    """All-reduces (or dispatch and combine of experts) of one kind: ``calls`` a step over ``ranks`` GPUs.

    Each moves ``bytes_per_token`` for ``token_share`` of the step's tokens; ``decoding_only``: of those that decode.
    """

    name: str
    calls: Quantity
    ranks: Quantity
    bytes_per_token: Quantity
    token_share: Quantity = 1.0
    decoding_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCounts:
    """Layers by kind, for costs that come once a layer (launches, norms, routing)."""

    layers: Quantity
    expert_layers: Quantity = 0
    latent_layers: Quantity = 0
    sparse_layers: Quantity = 0
    recurrent_layers: Quantity = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """Everything that a step does on one GPU; ``sequence_share`` of the deployment's sequences are its own.

    ``host``: what the host's processor does of the same step, beside the figures here.
    """

    linear: tuple[LinearWork, ...]
    context: tuple[ContextWork, ...]
    collectives: tuple[CollectiveWork, ...]
    counts: LayerCounts
    state_bytes: Quantity = 0.0
    sequence_share: Quantity = 1.0
    stages: Quantity = 1
    host: "StepWork | None" = None

    def without_context(self) -> "StepWork":
        """The same without caches and states: what tokens cost wherever they stand [bytes, FLOP].

        Definition: matrices, collectives and counts of layers stay.
        """
        host = None if self.host is None else self.host.without_context()
        return replace(self, context=(), state_bytes=0.0, host=host)
