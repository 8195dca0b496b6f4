"""All candidates of a search as rows, and what each could do at best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.calibration import host_of, is_dealt, rates_of
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.planning.choices import Choice, layouts_on
from llm_calc.adapters.stopping import checkpoint
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Calibration
from llm_calc.core.hardware import Cluster, Gpu
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import held_bytes, most_sequences
from llm_calc.core.planning.stacking import rows_at, stack_parts
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.rates import Rates

Places = npt.NDArray[np.intp]
CalibrationOf = Mapping[str, Calibration]
"""The calibration of each engine, for the load of the search."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One replica of a candidate."""

    gpu: Gpu
    choice: Choice
    layout: Layout


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Candidates of one family of kernels, with their deployments as columns; ``gpus``: of one replica of each."""

    rows: tuple[Row, ...]
    deployment: Deployment
    family: str
    gpus: FloatArray

    def at(self, places: Places) -> "Rows":
        """Some of the rows."""
        return Rows(
            rows=tuple(self.rows[place] for place in places.tolist()),
            deployment=rows_at(self.deployment, places),
            family=self.family,
            gpus=self.gpus[places],
        )

    @cached_property
    def places(self) -> Mapping[str, Places]:
        """Places of the rows of each GPU, by its id."""
        found: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            found.setdefault(row.gpu.id, []).append(place)
        return {gpu: np.array(places, dtype=np.intp) for gpu, places in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What rows are made for."""

    catalogs: Catalogs
    model: Model
    context_tokens: float
    most_gpus: int
    gpus_per_node: int
    works: dict[tuple[int, CacheFormat, Layout], tuple[StepWork, float, float]] = field(default_factory=dict)
    """The step of each layout; engines that run the same formats share it."""


def build_rows(
    space: Space, choices: Sequence[Choice], gpus: Sequence[Gpu], calibration_of: CalibrationOf
) -> tuple[Rows, ...]:
    """Rows whose weights and one sequence fit in all memory, grouped by family of kernels."""
    by_family: dict[str, _Group] = {}
    for choice in choices:
        calibration = calibration_of[choice.engine]
        maker = _Maker(space, choice, calibration)
        group = by_family.setdefault(calibration.name, _Group())
        for gpu in gpus:
            if choice.refusal(gpu) is None:
                maker.add(gpu, group)
    return tuple(group.rows_of(family) for family, group in by_family.items() if group.rows)


class _Group:
    """Rows of one family, and what their deployments are made of."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.works: list[StepWork] = []
        self.rates: list[Rates] = []
        self.hosts: list[HostTimes] = []
        self.capacities: list[float] = []

    def rows_of(self, family: str) -> Rows:
        """All of them, with their numbers as columns."""
        return Rows(
            rows=tuple(self.rows),
            deployment=stack_parts(self.works, self.rates, self.hosts, np.array(self.capacities)),
            family=family,
            gpus=np.array([[float(row.layout.gpus)] for row in self.rows]),
        )


class _Maker:
    """Deployments of one choice; work is shared by GPUs, rates by layouts that use the same link."""

    def __init__(self, space: Space, choice: Choice, calibration: Calibration) -> None:
        self.space, self.choice, self.calibration = space, choice, calibration
        self.numbers = choice.precision.numbers
        self.rates: dict[tuple[str, str], Rates] = {}
        self.hosts: dict[tuple[str, float], HostTimes] = {}
        self.sizes: dict[tuple[Layout, ...], FloatArray] = {}

    def add(self, gpu: Gpu, group: _Group) -> None:
        """Every layout on one GPU that has the memory for it."""
        checkpoint()
        space = self.space
        cluster = space.catalogs.cluster(gpu, space.most_gpus, space.gpus_per_node)
        layouts = layouts_on(gpu, space.model, self.choice.rules, space.most_gpus, space.gpus_per_node)
        for layout, capacity in zip(layouts, self.capacities(layouts, gpu), strict=True):
            if capacity >= 1:
                work, _, _ = self.work(layout)
                group.rows.append(Row(gpu=gpu, choice=self.choice, layout=layout))
                group.works.append(work)
                group.rates.append(self.rates_on(gpu, cluster, layout, work))
                group.hosts.append(self.host_on(gpu, work))
                group.capacities.append(capacity)

    def capacities(self, layouts: tuple[Layout, ...], gpu: Gpu) -> list[float]:
        """Sequences that fit at best, for each layout."""
        if layouts not in self.sizes:
            rows = [(*self.work(layout)[1:], layout.pipeline, layout.data) for layout in layouts]
            self.sizes[layouts] = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        weights, each, stages, replicas = self.sizes[layouts]
        room = most_sequences(weights, each, stages * gpu.usable_memory_bytes, replicas)
        found: list[float] = np.asarray(room).tolist()
        return found

    def work(self, layout: Layout) -> tuple[StepWork, float, float]:
        """The step, bytes of weights on one GPU's share of all stages, bytes of one sequence there."""
        works, cache = self.space.works, self.numbers.cache_format
        key = (id(self.numbers.recipe), cache, layout)
        if key not in works:
            work = summed(step_work(self.space.model, self.numbers.recipe, layout, cache))
            works[key] = (work, *held_bytes(work, self.space.context_tokens))
        return works[key]

    def rates_on(self, gpu: Gpu, cluster: Cluster, layout: Layout, work: StepWork) -> Rates:
        """Rates differ by GPU and by the link that the layout's collectives cross."""
        key = (gpu.id, cluster.tier(layout.stage_gpus))
        if key not in self.rates:
            machine = machine_of(cluster, work, layout, self.choice.engine)
            self.rates[key] = rates_of(self.calibration, machine, work, self.choice.engine, gpu)
        return self.rates[key]

    def host_on(self, gpu: Gpu, work: StepWork) -> HostTimes:
        """What servers add to first tokens differs by GPU, and where attention is dealt."""
        key = (gpu.id, is_dealt(work))
        if key not in self.hosts:
            self.hosts[key] = host_of(self.calibration, self.choice.engine, gpu, work)
        return self.hosts[key]
