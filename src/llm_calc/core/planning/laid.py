"""Layouts of one choice with their steps and sizes, before any GPU is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators import StepWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import held_bytes
from llm_calc.core.serving.calibrated import is_dealt

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laid:
    """Layouts of one choice with their steps; of each the bytes of weights, stages, replicas, and GPUs of a stage.

    ``numbers``: of their steps in the pool. ``formats``: layouts whose matrices have the same formats have the same
    number; ``dealt``: whether attention is.
    """

    layouts: tuple[Layout, ...]
    works: tuple[StepWork, ...]
    numbers: Places
    weights: FloatArray
    stages: FloatArray
    replicas: FloatArray
    widths: Places
    formats: Places
    dealt: Places

    @property
    def kinds(self) -> dict[int, StepWork]:
        """A step of a layout whose attention is dealt, and of one where it is not, where there are any [FLOP, bytes].

        Definition: the first of each kind.
        """
        which, first = np.unique(self.dealt, return_index=True)
        return {int(dealt): self.works[at] for dealt, at in zip(which, first, strict=True)}

    def memory_bytes(self, each: float) -> FloatArray:
        """Memory of one GPU's share of all stages on devices of so much [bytes].

        Definition: stages times it.
        """
        return self.stages * each

    def with_room(self, memory_bytes: float) -> Places:
        """Places of the layouts that leave room beside the weights on devices of so much memory [1].

        Definition: weights below the memory of the stages.
        """
        return np.flatnonzero(self.weights < self.memory_bytes(memory_bytes))


def laid(layouts: tuple[Layout, ...], works: tuple[StepWork, ...], numbers: Places) -> Laid:
    """Layouts with what their steps say of them [bytes].

    Definition: weights by ``held_bytes``, the same of any length of context.
    """
    known = dict[tuple[tuple[str, str | None], ...], int]()
    kinds = [tuple((each.format, each.compute) for each in work.linear) for work in works]
    return Laid(
        layouts=layouts,
        works=works,
        numbers=numbers,
        weights=_column([float(held_bytes(work, 0.0)[0]) for work in works]),
        stages=_column([layout.pipeline for layout in layouts]),
        replicas=_column([layout.data for layout in layouts]),
        widths=np.array([layout.stage_gpus for layout in layouts], dtype=np.intp),
        formats=np.array([known.setdefault(kind, len(known)) for kind in kinds], dtype=np.intp),
        dealt=np.array([is_dealt(work) for work in works], dtype=np.intp),
    )


def _column(values: Sequence[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)
