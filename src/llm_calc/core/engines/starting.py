"""What a plan starts an engine for, and the options that it then takes: those that the load needs, and no others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

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
