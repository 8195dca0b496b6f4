"""Layouts of one choice with their steps and sizes, before any GPU is looked at."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators import StepWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import most_sequences

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laid:
    """Layouts of one choice with their steps; columns of bytes of weights and of a sequence, stages and replicas.

    ``numbers``: of their steps in the pool. ``widths``: GPUs that their collectives join, each once, and which of them
    every layout has; ``dealt``: whether its attention is.
    """

    layouts: tuple[Layout, ...]
    works: tuple[StepWork, ...]
    numbers: Places
    sizes: FloatArray
    widths: tuple[list[int], Places]
    dealt: Places

    @property
    def kinds(self) -> dict[int, StepWork]:
        """A step of a layout whose attention is dealt, and of one where it is not, where there are any [FLOP, bytes].

        Definition: the first of each kind.
        """
        which, first = np.unique(self.dealt, return_index=True)
        return {int(dealt): self.works[at] for dealt, at in zip(which, first, strict=True)}

    def capacities(self, memory_bytes: float) -> FloatArray:
        """Sequences that fit at best on devices of so much memory, for each layout [sequences].

        Definition: ``most_sequences`` of each layout's sizes, on the memory of its stages.
        """
        weights, each, stages, replicas = self.sizes
        return np.asarray(most_sequences(weights, each, stages * memory_bytes, replicas))
