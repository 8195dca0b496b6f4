"""What memories below the GPU's take and hold of contexts, and whether reading back pays whatever a server reaches."""

from collections.abc import Iterator
from dataclasses import dataclass

from llm_calc.core.engines.setup import Setup
from llm_calc.core.errors import CalcError
from llm_calc.core.model import Model
from llm_calc.core.serving.machine import matrix_type
from llm_calc.core.workloads.stream import Tier

ON_HOSTS = ("host", "disk")
"""Tiers that each host has of its own; a store is one for all."""
NOT_OF_A_PROMPT = ("embedding", "lm_head", "vision")
"""Parts whose weights no token of a prompt is multiplied with: it is looked up, and answers begin at its last alone."""
FLOPS_A_PARAMETER = 2.0
"""Of one token, forward: a multiplication and an addition."""
LINK_MARGIN = 2.0
"""A choice: reading at a link's peak must be so many times as fast as computing at the GPUs' before it is said to pay,
since neither peak is reached. A bandwidth that was stated is taken at its word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTier:
    """A tier of all replicas. ``hosts``: those that have a part of it; None: it is one for all.

    ``default_size``: none was said. ``least_s``: of computing a token anew; None where no peak is known.
    ``stated_rate``: its bandwidth was said, not taken from its link. ``context_tokens``: of one request.
    ``served``: whether the GPUs hold one, without which nothing is ever read back.
    """

    tier: Tier
    replicas: int
    bytes_per_token: float
    hosts: int | None
    least_s: float | None
    context_tokens: int
    served: bool = True
    default_size: bool = False
    stated_rate: bool = False

    @property
    def tokens(self) -> float:
        """Context that it holds [tokens].

        ``tokens of one replica x replicas``.
        Definition: replicas share it evenly.
        """
        return self.tier.capacity_tokens * self.replicas

    @property
    def memory_bytes(self) -> float:
        """What it takes [bytes].

        ``tokens x bytes of a token``.
        Definition: nothing is rounded to blocks.
        """
        return self.tokens * self.bytes_per_token

    @property
    def bytes_per_host(self) -> float | None:
        """The same on each host [bytes]; None of one for all.

        ``memory_bytes / hosts``.
        Definition: hosts have even parts.
        """
        return None if self.hosts is None else self.memory_bytes / self.hosts

    @property
    def read_s(self) -> float:
        """Time of reading a token back [s].

        ``1 / tokens a second``.
        Definition: one replica reads, alone.
        """
        return 1 / self.tier.tokens_per_s

    @property
    def pays(self) -> bool | None:
        """True where reading takes less than computing can; False: nothing is read back; None: no memory tells."""
        if not self.served or self.tier.capacity_tokens < 1:
            return False
        whole = self.tier.capacity_tokens >= self.context_tokens
        margin = 1.0 if self.stated_rate else LINK_MARGIN
        return True if whole and self.least_s is not None and margin * self.read_s < self.least_s else None


def least_seconds(setup: Setup, gpus: int, *, half_sums: bool) -> float | None:
    """Least time of computing a token of a prompt on so many GPUs [s]; None: no peak is known.

    ``2 x parameters that it is multiplied with / (GPUs x peak)``.
    Definition: the roofline's roof of arithmetic; no server reaches it. Weights in a type that the GPU does not
    multiply are multiplied in the one that they are brought to (:func:`.machine.matrix_type`).
    Leaves out: attention to what came before, which makes the time longer.
    """
    compute = setup.numbers.recipe.default.compute
    try:
        peak = setup.gpu.peak_flops_per_s(matrix_type(setup.gpu, compute, half_sums=half_sums))
    except CalcError:
        return None
    return FLOPS_A_PARAMETER * _multiplied(setup.model) / (gpus * peak)


def _multiplied(model: Model) -> float:
    """Parameters that a token of a prompt is multiplied with."""
    weights = (each for each in model.placed if each.weight.component not in NOT_OF_A_PROMPT)
    return float(sum(each.stored * each.weight.active_params for each in weights))


def pays_words(held: HeldTier) -> Iterator[str]:
    """What was taken for granted of a tier, and what it pays."""
    name = f"kv_tiers.{held.tier.name}"
    if held.default_size:
        yield f"{name}: {held.memory_bytes / 1e9:.3g} GB in all, twice the KV cache of the GPUs"
    least = "" if held.stated_rate else " at least"
    times = f"a token is read back in {1e6 * held.read_s:.3g} us{least}"
    if held.pays is False:
        return
    if held.least_s is None:
        yield f"{name}: {times}; whether that pays, /api/serving_estimate says"
    elif held.pays:
        yield (
            f"{name}: {times} and computed in {1e6 * held.least_s:.3g} us at least, at the GPUs' peak: it pays "
            "wherever contexts come back"
        )
    else:
        yield (
            f"{name}: {times} and computed in {1e6 * held.least_s:.3g} us at the GPUs' peak, which no server reaches; "
            "whether it pays, /api/serving_estimate says of sessions"
        )


def unheld_warnings(held: HeldTier) -> Iterator[str]:
    """Where nothing, or no whole context, can come back from a tier."""
    name, tokens = f"kv_tiers.{held.tier.name}", f"{held.context_tokens} tokens"
    if not held.served:
        yield f"{name}: pays nothing, since the plan holds no request of {tokens}"
    elif held.tier.capacity_tokens < held.context_tokens:
        yield f"{name}: holds {int(held.tier.capacity_tokens)} tokens a replica, less than one context of {tokens}"


def host_warnings(held: HeldTier, setup: Setup, memory_bytes: float, *, stated: bool) -> Iterator[str]:
    """Where a host has less memory than its part of a tier, or shares it with the GPU."""
    each = held.bytes_per_host
    if held.tier.name != "host" or each is None:
        return
    if setup.gpu.unified_memory:
        shared = f"kv_tiers.host: {setup.gpu.id} shares the machine's memory"
        yield f"{shared}; what the tier takes is missing for the GPU"
    elif each > memory_bytes:
        said = "stated" if stated else "taken"
        yield (
            f"kv_tiers.host: takes {each / 1e9:.4g} GB of each host, which is {said} to have {memory_bytes / 1e9:.4g} "
            "GB (hardware.host.memory_bytes)"
        )
