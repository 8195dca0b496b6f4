"""What rows are made of, whatever the lengths of a request: layouts whose weights fit, with their rates.

A search of the same model over the same GPUs finds its plots again: they are kept, a few at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from llm_calc.adapters.alone import measured_load
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.planning.choices import Choice, comes_alone, layouts_on
from llm_calc.adapters.planning.rows import Rows, Table
from llm_calc.adapters.planning.ways import PLAIN
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
from llm_calc.core.planning.candidates import Block
from llm_calc.core.planning.laid import Laid, Places, laid
from llm_calc.core.planning.stacking import Columns, Parts, Pool, shared, shared_works
from llm_calc.core.planning.timed import Measured, Timed
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import Draft

CalibrationOf = Mapping[str, Calibration]
"""The calibration of each engine, for the load of the search."""
MOST_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What rows are made for."""

    catalogs: Catalogs
    model: Model
    most_gpus: int
    gpus_per_node: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plot:
    """Candidates of one family of kernels whose weights fit."""

    family: str
    draft: Draft
    blocks: tuple[Block, ...]
    starts: Places
    gpus: FloatArray
    parts: Parts

    def rows(self, choices: tuple[Choice, ...], context_tokens: float) -> Rows:
        """Those of which one sequence of so many tokens fits too."""
        capacities = self.parts.capacities(context_tokens)
        numbers = np.flatnonzero(capacities >= 1)
        return Rows(
            table=Table(blocks=self.blocks, choices=choices, starts=self.starts),
            numbers=numbers,
            deployment=self.parts.at(numbers, capacities[numbers], self.draft),
            family=self.family,
            gpus=self.gpus[numbers][:, np.newaxis],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A choice as a plot needs it; equal to another by what it is made of, whichever request it is of."""

    choice: Choice
    calibration: Calibration
    load: str

    @property
    def _key(self) -> tuple[object, ...]:
        choice = self.choice
        numbers = choice.precision.numbers
        objects = (id(numbers.recipe), id(self.calibration), id(choice.way))
        return choice.engine, choice.load, numbers.cache_format, self.load, *objects

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def build_rows(
    space: Space,
    choices: tuple[Choice, ...],
    gpus: tuple[Gpu, ...],
    calibration_of: CalibrationOf,
    workload: WorkloadPart,
    context_tokens: float,
) -> tuple[Rows, ...]:
    """Rows whose weights and one sequence fit in all memory, grouped by family of kernels."""
    asked = []
    for choice in choices:
        calibration = calibration_of[choice.engine]
        asked.append(_Asked(choice, calibration, measured_load(calibration.name, workload)))
    plots = _kept_plots if all(choice.way is PLAIN for choice in choices) else _plots
    found = (plot.rows(choices, context_tokens) for plot in plots(space, tuple(asked), gpus))
    return tuple(rows for rows in found if len(rows.numbers))


def _plots(space: Space, asked: tuple[_Asked, ...], gpus: tuple[Gpu, ...]) -> tuple[Plot, ...]:
    by_family: dict[tuple[str, Draft], _Group] = {}
    works: _Works = {}
    for number, each in enumerate(asked):
        group = by_family.setdefault((each.calibration.name, each.choice.way.draft), _Group())
        allowed = [gpu for gpu in gpus if gpu.peaks and each.choice.refusal(gpu) is None]
        _Maker(space, each, number, works).add(allowed, group)
    return tuple(group.plot(*key) for key, group in by_family.items() if group.blocks)


_kept_plots = lru_cache(maxsize=MOST_KEPT)(_plots)
_Works = dict[tuple[int, CacheFormat, Layout, int], StepWork]
"""The step of each layout; engines that run the same formats share it."""


class _Group:
    """Rows of one family, and what their deployments are made of."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.works, self.rates, self.hosts = Pool[StepWork](), Columns[Rates](), Pool[HostTimes]()
        self.slots: list[Places] = []
        self.memory: list[FloatArray] = []
        self.replicas: list[FloatArray] = []
        self.offsets: list[FloatArray] = []

    def plot(self, family: str, draft: Draft) -> Plot:
        """All of them, with their numbers as arrays."""
        counts = [len(block.layouts) for block in self.blocks]
        gpus = [layout.gpus for block in self.blocks for layout in block.layouts]
        return Plot(
            family=family,
            draft=draft,
            blocks=tuple(self.blocks),
            starts=np.cumsum([0, *counts[:-1]]),
            gpus=np.array(gpus, dtype=np.float64),
            parts=Parts(
                works=shared_works(self.works.items),
                rates=self.rates.joined,
                hosts=shared(self.hosts.items),
                rows=(self.works.taken, np.concatenate(self.slots), self.hosts.taken),
                offsets=np.concatenate(self.offsets, axis=1),
                memory_bytes=np.concatenate(self.memory),
                replicas=np.concatenate(self.replicas),
            ),
        )


class _Maker:
    """Deployments of one choice; work is shared by GPUs, rates by layouts that use the same link."""

    def __init__(self, space: Space, asked: _Asked, number: int, works: _Works) -> None:
        self.space, self.choice, self.number, self.works = space, asked.choice, number, works
        self.calibration, self.load = asked.calibration, asked.load
        self.known: dict[bool, Laid] = {}

    def add(self, gpus: Sequence[Gpu], group: _Group) -> None:
        """Every layout on each GPU that has the memory for its weights."""
        timed, slots = Timed(self.calibration, self.choice.engine), list[Places]()
        measured = Measured(self.calibration, self.choice.engine, self.load, shape_of(self.space.model))
        for gpu in gpus:
            checkpoint()
            known = self.layouts_on(gpu, group)
            places = known.with_room(gpu.usable_memory_bytes)
            if len(places):
                layouts = tuple([known.layouts[place] for place in places.tolist()])
                group.blocks.append(Block(gpu=gpu, choice=self.number, layouts=layouts))
                group.memory.append(known.memory_bytes(gpu.usable_memory_bytes)[places])
                group.replicas.append(known.replicas[places])
                group.offsets.append(
                    measured.on(gpu, layouts, [known.works[place] for place in places.tolist()])
                )
                group.works.rows.append(known.numbers[places])
                slots.append(self.slots_on(gpu, known, places, timed))
                hosts = group.hosts.numbers_of(timed.hosts_on(gpu, known.kinds, measured.shape))
                group.hosts.rows.append(hosts[known.dealt[places]])
        numbers = timed.numbers_in(group.rates)
        group.slots += [numbers[each] for each in slots]

    def slots_on(self, gpu: Gpu, known: Laid, places: Places, timed: Timed) -> Places:
        """Rates of a GPU differ by the link that a layout's collectives cross, and by formats."""
        space, made = self.space, dict[tuple[str, int], int]()
        half_sums = traits_of(self.choice.engine).half_sums
        cluster = space.catalogs.cluster(gpu, space.most_gpus, space.gpus_per_node)
        kinds = known.widths[places] * len(known.formats) + known.formats[places]
        distinct, firsts, which = np.unique(kinds, return_index=True, return_inverse=True)
        slots = np.zeros(len(distinct), dtype=np.intp)
        for at in np.argsort(firsts).tolist():
            place = places[firsts[at]]
            key = cluster.tier(int(known.widths[place])), int(known.formats[place])
            if key not in made:
                work, layout = known.works[place], known.layouts[place]
                made[key] = timed.slot(gpu, work, machine_of(cluster, work, layout, half_sums=half_sums))
            slots[at] = made[key]
        return slots[which]

    def layouts_on(self, gpu: Gpu, group: _Group) -> Laid:
        """Its layouts, the same for all GPUs but for those that come alone."""
        alone = comes_alone(gpu)
        if alone not in self.known:
            layouts = self.allowed_on(gpu)
            works = tuple(self.work(layout) for layout in layouts)
            self.known[alone] = laid(layouts, works, group.works.numbers_of(works))
        return self.known[alone]

    def allowed_on(self, gpu: Gpu) -> tuple[Layout, ...]:
        """Layouts of one replica that the choice's way takes."""
        space, choice = self.space, self.choice
        found = layouts_on(gpu, space.model, choice.rules, space.most_gpus, space.gpus_per_node)
        return tuple(layout for layout in found if choice.way.takes(choice.engine, layout))

    def work(self, layout: Layout) -> StepWork:
        """The step over a layout."""
        numbers, contexts = self.choice.precision.numbers, self.choice.way.contexts
        key = (id(numbers.recipe), numbers.cache_format, layout, contexts)
        if key not in self.works:
            model = self.space.model
            whole = step_work(model, numbers.recipe, layout, numbers.cache_format)
            self.works[key] = summed(with_dealt_contexts(whole, model, layout, contexts))
        return self.works[key]
