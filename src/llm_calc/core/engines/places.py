"""What stands beside a GPU's budget: places that are made at start, and the host's memory."""

from dataclasses import dataclass
from typing import Protocol

from llm_calc.core.arrays import Quantity


class Places(Protocol):
    """Places that an engine made at start: how many sequences of a length they take."""

    def sequences(self, context_tokens: Quantity) -> Quantity:
        """Sequences of ``context_tokens`` at once on one replica, as a ratio [sequences].

        Definition: each engine's own.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBudget:
    """What an engine keeps in the host's memory for its own work: weights, cache and working memory.

    ``offloads``: layers or experts among them, which the host computes.
    """

    weights_bytes: float
    kv_cache_bytes: float
    compute_bytes: float
    memory_bytes: float | None = None
    offloads: bool = False

    @property
    def needed_bytes(self) -> float:
        """All of it [bytes].

        ``weights + KV cache + working memory``.
        Definition: what the engine allocates, without the system and other programs.
        """
        return self.weights_bytes + self.kv_cache_bytes + self.compute_bytes

    @property
    def fits(self) -> bool:
        """Whether the host's memory holds it; where nothing was said of it, so it is taken."""
        return self.memory_bytes is None or self.needed_bytes <= self.memory_bytes
