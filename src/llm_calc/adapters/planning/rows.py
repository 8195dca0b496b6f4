"""All candidates of a search as rows, and what each could do at best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.calibration import host_of, is_dealt, rates_of
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.planning.choices import Choice, comes_alone, layouts_on
from llm_calc.adapters.stopping import checkpoint
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Calibration
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import held_bytes, most_sequences
from llm_calc.core.planning.stacking import Shared, rows_at, stack_parts
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.rates import Rates

Places = npt.NDArray[np.intp]
Item = TypeVar("Item")
CalibrationOf = Mapping[str, Calibration]
"""The calibration of each engine, for the load of the search."""


Kind = tuple[str, str | None, str]
"""A GPU, a weight format and an engine: each is searched by itself, so that a wider search finds no less."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One replica of a candidate."""

    gpu: Gpu
    choice: Choice
    layout: Layout
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """The layouts of one choice on one GPU that have the memory for it."""

    gpu: Gpu
    choice: Choice
    layouts: tuple[Layout, ...]

    @property
    def kind(self) -> Kind:
        """What is searched by itself."""
        return self.gpu.id, self.choice.part.weights, self.choice.engine


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """All rows of a family by their blocks; a row is made when it is first asked for."""

    blocks: tuple[Block, ...]
    starts: Places
    made: dict[int, Row] = field(default_factory=dict)

    def row(self, number: int) -> Row:
        """One row, the same at every call."""
        if number not in self.made:
            at = int(np.searchsorted(self.starts, number, "right")) - 1
            block, place = self.blocks[at], number - int(self.starts[at])
            self.made[number] = Row(
                gpu=block.gpu, choice=block.choice, layout=block.layouts[place], kind=block.kind
            )
        return self.made[number]

    def each(self, values: Sequence[float]) -> FloatArray:
        """A value of each block for all of its rows."""
        return np.repeat(np.array(values), [len(block.layouts) for block in self.blocks])


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Candidates of one family of kernels, with their deployments as columns.

    ``numbers``: which rows of the table they are; ``gpus``: of one replica of each.
    """

    table: Table
    numbers: Places
    deployment: Deployment
    family: str
    gpus: FloatArray

    def row(self, place: int) -> Row:
        """One of them."""
        return self.table.row(int(self.numbers[place]))

    def at(self, places: Places) -> "Rows":
        """Some of the rows."""
        return Rows(
            table=self.table,
            numbers=self.numbers[places],
            deployment=rows_at(self.deployment, places),
            family=self.family,
            gpus=self.gpus[places],
        )

    def column(self, value: Callable[[Gpu], float]) -> FloatArray:
        """A figure of each row's GPU, as a column."""
        values = self.table.each([value(block.gpu) for block in self.table.blocks])
        return values[self.numbers][:, np.newaxis]

    def kinds(self, known: dict[Kind, int]) -> FloatArray:
        """The number of each row's kind among the known ones, which may grow."""
        codes = [known.setdefault(block.kind, len(known)) for block in self.table.blocks]
        return self.table.each(codes)[self.numbers]

    def of(self, gpu: Gpu) -> Places:
        """Places of the rows of a GPU."""
        on = self.table.each([block.gpu.id == gpu.id for block in self.table.blocks])
        return np.flatnonzero(on[self.numbers])


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
        group = by_family.setdefault(calibration.name, _Group())
        _Maker(space, choice, calibration).add([gpu for gpu in gpus if choice.refusal(gpu) is None], group)
    return tuple(group.rows_of(family) for family, group in by_family.items() if group.blocks)


class _Pool(Generic[Item]):
    """Things that rows share, each once, and which of them every row has."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.items: list[Item] = []
        self.rows: list[int] = []

    def add(self, items: Sequence[Item]) -> None:
        """What further rows have."""
        for item in items:
            number = self.numbers.setdefault(id(item), len(self.items))
            if number == len(self.items):
                self.items.append(item)
            self.rows.append(number)

    @property
    def shared(self) -> Shared[Item]:
        """All of them."""
        return Shared(items=self.items, rows=np.array(self.rows, dtype=np.intp))


class _Group:
    """Rows of one family, and what their deployments are made of."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.works, self.rates, self.hosts = _Pool[StepWork](), _Pool[Rates](), _Pool[HostTimes]()
        self.capacities: list[FloatArray] = []

    def rows_of(self, family: str) -> Rows:
        """All of them, with their numbers as columns."""
        counts = [len(block.layouts) for block in self.blocks]
        gpus = [layout.gpus for block in self.blocks for layout in block.layouts]
        return Rows(
            table=Table(blocks=tuple(self.blocks), starts=np.cumsum([0, *counts[:-1]])),
            numbers=np.arange(sum(counts)),
            deployment=stack_parts(
                self.works.shared, self.rates.shared, self.hosts.shared, np.concatenate(self.capacities)
            ),
            family=family,
            gpus=np.array(gpus, dtype=np.float64)[:, np.newaxis],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layouts:
    """Layouts of one choice with their steps; columns of bytes of weights and of a sequence, stages and replicas."""

    layouts: tuple[Layout, ...]
    works: tuple[StepWork, ...]
    sizes: FloatArray

    def capacities(self, memory_bytes: float) -> FloatArray:
        """Sequences that fit at best on devices of so much memory, for each layout."""
        weights, each, stages, replicas = self.sizes
        return np.asarray(most_sequences(weights, each, stages * memory_bytes, replicas))


class _Maker:
    """Deployments of one choice; work is shared by GPUs, rates by layouts that use the same link."""

    def __init__(self, space: Space, choice: Choice, calibration: Calibration) -> None:
        self.space, self.choice, self.calibration = space, choice, calibration
        self.numbers = choice.precision.numbers
        self.cache = self.numbers.cache_format
        self.known: dict[bool, _Layouts] = {}

    def add(self, gpus: Sequence[Gpu], group: _Group) -> None:
        """Every layout on each GPU that has the memory for it."""
        for gpu in gpus:
            checkpoint()
            known = self.layouts_on(gpu)
            capacities = known.capacities(gpu.usable_memory_bytes)
            places = np.flatnonzero(capacities >= 1)
            if not len(places):
                continue
            layouts = tuple(known.layouts[place] for place in places.tolist())
            works = [known.works[place] for place in places.tolist()]
            group.blocks.append(Block(gpu=gpu, choice=self.choice, layouts=layouts))
            group.capacities.append(capacities[places])
            group.works.add(works)
            group.rates.add(self.rates_on(gpu, layouts, works))
            group.hosts.add(self.hosts_on(gpu, works))

    def layouts_on(self, gpu: Gpu) -> _Layouts:
        """Its layouts, the same for all GPUs but for those that come alone."""
        alone, space = comes_alone(gpu), self.space
        if alone not in self.known:
            layouts = layouts_on(gpu, space.model, self.choice.rules, space.most_gpus, space.gpus_per_node)
            works = [self.work(layout) for layout in layouts]
            sizes = [
                (*held, layout.pipeline, layout.data)
                for layout, (_, *held) in zip(layouts, works, strict=True)
            ]
            self.known[alone] = _Layouts(
                layouts=layouts,
                works=tuple(work for work, *_ in works),
                sizes=np.array(sizes, dtype=np.float64).reshape(-1, 4).T,
            )
        return self.known[alone]

    def work(self, layout: Layout) -> tuple[StepWork, float, float]:
        """The step, bytes of weights on one GPU's share of all stages, bytes of one sequence there."""
        works = self.space.works
        key = (id(self.numbers.recipe), self.cache, layout)
        if key not in works:
            work = summed(step_work(self.space.model, self.numbers.recipe, layout, self.cache))
            works[key] = (work, *held_bytes(work, self.space.context_tokens))
        return works[key]

    def rates_on(self, gpu: Gpu, layouts: Sequence[Layout], works: Sequence[StepWork]) -> list[Rates]:
        """Rates of a GPU differ by the link that a layout's collectives cross."""
        space, known = self.space, dict[str, Rates]()
        cluster, found = space.catalogs.cluster(gpu, space.most_gpus, space.gpus_per_node), []
        for layout, work in zip(layouts, works, strict=True):
            tier = cluster.tier(layout.stage_gpus)
            if tier not in known:
                machine = machine_of(cluster, work, layout, self.choice.engine)
                known[tier] = rates_of(self.calibration, machine, work, self.choice.engine, gpu)
            found.append(known[tier])
        return found

    def hosts_on(self, gpu: Gpu, works: Sequence[StepWork]) -> list[HostTimes]:
        """What servers add to first tokens differs by where attention is dealt."""
        known = dict[float, HostTimes]()
        for work in works:
            if is_dealt(work) not in known:
                known[is_dealt(work)] = host_of(self.calibration, self.choice.engine, gpu, work)
        return [known[is_dealt(work)] for work in works]
