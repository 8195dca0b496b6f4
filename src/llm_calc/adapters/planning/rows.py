"""All candidates of a search as rows, and what each could do at best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llm_calc.adapters.calibration import host_of, rates_of
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.planning.choices import Choice, layouts_on
from llm_calc.adapters.stopping import checkpoint
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Calibration
from llm_calc.core.hardware import Cluster, Gpu
from llm_calc.core.model import Model
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import held_bytes, most_sequences
from llm_calc.core.planning.stacking import stack
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.rates import Rates

CalibrationOf = Mapping[str, Calibration]
"""The calibration of each engine, for the load of the search."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One replica of a candidate."""

    gpu: Gpu
    choice: Choice
    layout: Layout


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Candidates of one family of kernels, with their deployments as columns."""

    rows: tuple[Row, ...]
    deployment: Deployment
    family: str

    @property
    def gpus(self) -> FloatArray:
        """GPUs of one replica of each row, as a column."""
        return np.array([[float(row.layout.gpus)] for row in self.rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What rows are made for."""

    catalogs: Catalogs
    model: Model
    context_tokens: float
    most_gpus: int
    gpus_per_node: int


def build_rows(
    space: Space, choices: Sequence[Choice], gpus: Sequence[Gpu], calibration_of: CalibrationOf
) -> tuple[Rows, ...]:
    """Rows whose weights and one sequence fit in all memory, grouped by family of kernels."""
    by_family: dict[str, list[tuple[Row, Deployment]]] = {}
    for choice in choices:
        calibration = calibration_of[choice.engine]
        maker = _Maker(space, choice, calibration)
        by_family.setdefault(calibration.name, []).extend(
            pair for gpu in gpus if choice.refusal(gpu) is None for pair in maker.on(gpu)
        )
    return tuple(_grouped(family, pairs) for family, pairs in by_family.items() if pairs)


def _grouped(family: str, pairs: list[tuple[Row, Deployment]]) -> Rows:
    rows, deployments = zip(*pairs, strict=True)
    return Rows(rows=rows, deployment=stack(deployments), family=family)


class _Maker:
    """Deployments of one choice; work is shared by GPUs, rates by layouts that use the same link."""

    def __init__(self, space: Space, choice: Choice, calibration: Calibration) -> None:
        self.space, self.choice, self.calibration = space, choice, calibration
        self.numbers = choice.precision.numbers
        self.works: dict[Layout, tuple[StepWork, float, float]] = {}
        self.rates: dict[tuple[str, str], Rates] = {}

    def on(self, gpu: Gpu) -> Iterator[tuple[Row, Deployment]]:
        """Every layout on one GPU that has the memory for it."""
        checkpoint()
        space = self.space
        cluster = space.catalogs.cluster(gpu, space.most_gpus, space.gpus_per_node)
        host = host_of(self.calibration, self.choice.engine, gpu)
        for layout in layouts_on(gpu, space.model, self.choice.rules, space.most_gpus, space.gpus_per_node):
            work, weights, each = self.work(layout)
            capacity = float(
                most_sequences(weights, each, layout.pipeline * gpu.usable_memory_bytes, layout.data)
            )
            if capacity >= 1:
                yield (
                    Row(gpu=gpu, choice=self.choice, layout=layout),
                    Deployment(
                        work=work,
                        rates=self.rates_on(gpu, cluster, layout, work),
                        capacity=capacity,
                        limit=np.inf,
                        host=host,
                    ),
                )

    def work(self, layout: Layout) -> tuple[StepWork, float, float]:
        """The step, bytes of weights on one GPU's share of all stages, bytes of one sequence there."""
        if layout not in self.works:
            cache = self.numbers.cache_format
            work = summed(step_work(self.space.model, self.numbers.recipe, layout, cache))
            self.works[layout] = (work, *held_bytes(work, self.space.context_tokens))
        return self.works[layout]

    def rates_on(self, gpu: Gpu, cluster: Cluster, layout: Layout, work: StepWork) -> Rates:
        """Rates differ by GPU and by the link that the layout's collectives cross."""
        key = (gpu.id, cluster.tier(layout.stage_gpus))
        if key not in self.rates:
            machine = machine_of(cluster, work, layout, self.choice.engine)
            self.rates[key] = rates_of(self.calibration, machine, work, self.choice.engine, gpu)
        return self.rates[key]
