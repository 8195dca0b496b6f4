"""All candidates of a search as rows, and what each could do at best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.alone import measured_load
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.planning.choices import Choice, comes_alone, layouts_on
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Calibration
from llm_calc.core.engines import traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.operators.dealt import with_dealt_contexts
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import held_bytes
from llm_calc.core.planning.laid import Laid
from llm_calc.core.planning.stacking import Columns, Pool, rows_at, stack_parts
from llm_calc.core.planning.timed import Measured, Timed
from llm_calc.core.serving.calibrated import is_dealt
from llm_calc.core.serving.estimate import Deployment, Offsets
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import Draft

Places = npt.NDArray[np.intp]
CalibrationOf = Mapping[str, Calibration]
"""The calibration of each engine, for the load of the search."""


Kind = tuple[str, str | None, str]
"""A GPU, a weight format and an engine in its way: each is searched by itself, so that a wider search finds no less."""


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
        return self.gpu.id, self.choice.part.weights, f"{self.choice.engine}{self.choice.way.label}"


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
        return self._by_gpu.get(gpu.id, np.empty(0, dtype=np.intp))

    @cached_property
    def _by_gpu(self) -> dict[str, Places]:
        """The same of every GPU that has any."""
        known = dict[str, int]()
        codes = [known.setdefault(block.gpu.id, len(known)) for block in self.table.blocks]
        of_rows = self.table.each(codes)[self.numbers]
        order = np.argsort(of_rows, kind="stable")
        starts = np.searchsorted(of_rows[order], np.arange(1, len(known)))
        return dict(zip(known, np.split(order, starts), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What rows are made for."""

    catalogs: Catalogs
    model: Model
    context_tokens: float
    most_gpus: int
    gpus_per_node: int
    workload: WorkloadPart
    works: dict[tuple[int, CacheFormat, Layout, int], tuple[StepWork, float, float]] = field(
        default_factory=dict
    )
    """The step of each layout; engines that run the same formats share it."""


def build_rows(
    space: Space, choices: Sequence[Choice], gpus: Sequence[Gpu], calibration_of: CalibrationOf
) -> tuple[Rows, ...]:
    """Rows whose weights and one sequence fit in all memory, grouped by family of kernels."""
    by_family: dict[tuple[str, Draft], _Group] = {}
    for choice in choices:
        calibration = calibration_of[choice.engine]
        group = by_family.setdefault((calibration.name, choice.way.draft), _Group())
        _Maker(space, choice, calibration).add([gpu for gpu in gpus if choice.refusal(gpu) is None], group)
    return tuple(group.rows_of(*key) for key, group in by_family.items() if group.blocks)


class _Group:
    """Rows of one family, and what their deployments are made of."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.works, self.rates, self.hosts = Pool[StepWork](), Columns[Rates](), Pool[HostTimes]()
        self.capacities: list[FloatArray] = []
        self.offsets: list[FloatArray] = []

    def rows_of(self, family: str, draft: Draft) -> Rows:
        """All of them, with their numbers as columns."""
        counts = [len(block.layouts) for block in self.blocks]
        gpus = [layout.gpus for block in self.blocks for layout in block.layouts]
        ttft, tpot, output = np.concatenate(self.offsets, axis=1)[..., np.newaxis]
        return Rows(
            table=Table(blocks=tuple(self.blocks), starts=np.cumsum([0, *counts[:-1]])),
            numbers=np.arange(sum(counts)),
            deployment=replace(
                stack_parts(
                    self.works.shared,
                    self.rates,
                    self.hosts.shared,
                    np.concatenate(self.capacities),
                    Offsets(ttft=ttft, tpot=tpot, output=output),
                ),
                draft=draft,
            ),
            family=family,
            gpus=np.array(gpus, dtype=np.float64)[:, np.newaxis],
        )


class _Maker:
    """Deployments of one choice; work is shared by GPUs, rates by layouts that use the same link."""

    def __init__(self, space: Space, choice: Choice, calibration: Calibration) -> None:
        self.space, self.choice, self.calibration = space, choice, calibration
        self.numbers = choice.precision.numbers
        self.cache = self.numbers.cache_format
        self.known: dict[bool, Laid] = {}

    def add(self, gpus: Sequence[Gpu], group: _Group) -> None:
        """Every layout on each GPU that has the memory for it."""
        timed, slots = Timed(self.calibration, self.choice.engine), list[Places]()
        load = measured_load(self.calibration.name, self.space.workload)
        measured = Measured(self.calibration, self.choice.engine, load, shape_of(self.space.model))
        for gpu in gpus:
            checkpoint()
            known = self.layouts_on(gpu, group)
            capacities = known.capacities(gpu.usable_memory_bytes)
            places = np.flatnonzero(capacities >= 1)
            if len(places):
                layouts = tuple([known.layouts[place] for place in places.tolist()])
                group.blocks.append(Block(gpu=gpu, choice=self.choice, layouts=layouts))
                group.capacities.append(capacities[places])
                group.offsets.append(
                    measured.on(gpu, layouts, [known.works[place] for place in places.tolist()])
                )
                group.works.rows.append(known.numbers[places])
                slots.append(self.slots_on(gpu, known, places, timed))
                hosts = group.hosts.numbers_of(timed.hosts_on(gpu, known.kinds, measured.shape))
                group.hosts.rows.append(hosts[known.dealt[places]])
        numbers = timed.numbers_in(group.rates)
        group.rates.rows += [numbers[each] for each in slots]

    def slots_on(self, gpu: Gpu, known: Laid, places: Places, timed: Timed) -> Places:
        """Rates of a GPU differ by the link that a layout's collectives cross; formats are those of its first one."""
        space, made = self.space, dict[str, int]()
        cluster = space.catalogs.cluster(gpu, space.most_gpus, space.gpus_per_node)
        widths = known.widths[1][places]
        slots = np.zeros(len(known.widths[0]), dtype=np.intp)
        for at in np.sort(np.unique(widths, return_index=True)[1]).tolist():
            tier, place = cluster.tier(known.widths[0][widths[at]]), places[at]
            if tier not in made:
                machine = machine_of(
                    cluster,
                    known.works[place],
                    known.layouts[place],
                    half_sums=traits_of(self.choice.engine).half_sums,
                )
                made[tier] = timed.slot(gpu, known.works[place], machine)
            slots[widths[at]] = made[tier]
        return slots[widths]

    def layouts_on(self, gpu: Gpu, group: _Group) -> Laid:
        """Its layouts, the same for all GPUs but for those that come alone."""
        alone = comes_alone(gpu)
        if alone not in self.known:
            layouts = self.allowed_on(gpu)
            found = [self.work(layout) for layout in layouts]
            sizes = [
                (*held, layout.pipeline, layout.data)
                for layout, (_, *held) in zip(layouts, found, strict=True)
            ]
            works = tuple(work for work, *_ in found)
            widths = [layout.stage_gpus for layout in layouts]
            distinct = sorted(set(widths))
            self.known[alone] = Laid(
                layouts=layouts,
                works=works,
                numbers=group.works.numbers_of(works),
                sizes=np.array(sizes, dtype=np.float64).reshape(-1, 4).T,
                widths=(distinct, np.searchsorted(distinct, widths)),
                dealt=np.array([is_dealt(work) for work in works], dtype=np.intp),
            )
        return self.known[alone]

    def allowed_on(self, gpu: Gpu) -> tuple[Layout, ...]:
        """Layouts of one replica that the choice's way takes."""
        space, choice = self.space, self.choice
        found = layouts_on(gpu, space.model, choice.rules, space.most_gpus, space.gpus_per_node)
        return tuple(layout for layout in found if choice.way.takes(choice.engine, layout))

    def work(self, layout: Layout) -> tuple[StepWork, float, float]:
        """The step, bytes of weights on one GPU's share of all stages, bytes of one sequence there."""
        works = self.space.works
        contexts, model = self.choice.way.contexts, self.space.model
        key = (id(self.numbers.recipe), self.cache, layout, contexts)
        if key not in works:
            whole = step_work(model, self.numbers.recipe, layout, self.cache)
            work = summed(with_dealt_contexts(whole, model, layout, contexts))
            works[key] = (work, *held_bytes(work, self.space.context_tokens))
        return works[key]
