"""All candidates of a search as rows, and what each could do at best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.hardware import Gpu
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.laid import Places
from llm_calc.core.planning.stacking import rows_at
from llm_calc.core.serving.estimate import Deployment

Kind = tuple[str, str | None, str]
"""A GPU, a weight format and an engine in its way: each is searched by itself, so that a wider search finds no less."""


class Chosen(Protocol):
    """An engine with number formats, as a search sees it."""

    @property
    def searched_as(self) -> tuple[str | None, str]:
        """The format of the weights, and the engine in its way."""


C = TypeVar("C", bound=Chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row(Generic[C]):
    """One replica of a candidate."""

    gpu: Gpu
    choice: C
    layout: Layout
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """The layouts of one choice, by its number, on one GPU that have the memory for its weights."""

    gpu: Gpu
    choice: int
    layouts: tuple[Layout, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table(Generic[C]):
    """All rows of a family by their blocks; a row is made when it is first asked for."""

    blocks: tuple[Block, ...]
    choices: tuple[C, ...]
    starts: Places
    made: dict[int, Row[C]] = field(default_factory=dict)

    def row(self, number: int) -> Row[C]:
        """One row, the same at every call."""
        if number not in self.made:
            at = int(np.searchsorted(self.starts, number, "right")) - 1
            block, place = self.blocks[at], number - int(self.starts[at])
            choice, layout = self.choices[block.choice], block.layouts[place]
            self.made[number] = Row(gpu=block.gpu, choice=choice, layout=layout, kind=self.kinds[at])
        return self.made[number]

    @cached_property
    def kinds(self) -> list[Kind]:
        """What is searched by itself, of each block."""
        named = [each.searched_as for each in self.choices]
        return [(block.gpu.id, *named[block.choice]) for block in self.blocks]

    def each(self, values: Sequence[float]) -> FloatArray:
        """A value of each block for all of its rows [1].

        Definition: repeated as often as the block has layouts.
        """
        return np.repeat(np.array(values), [len(block.layouts) for block in self.blocks])


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows(Generic[C]):
    """Candidates of one family of kernels, with their deployments as columns.

    ``numbers``: which rows of the table they are; ``gpus``: of one replica of each.
    """

    table: Table[C]
    numbers: Places
    deployment: Deployment
    family: str
    gpus: FloatArray

    def row(self, place: int) -> Row[C]:
        """One of them."""
        return self.table.row(int(self.numbers[place]))

    def at(self, places: Places) -> "Rows[C]":
        """Some of the rows."""
        return Rows(
            table=self.table,
            numbers=self.numbers[places],
            deployment=rows_at(self.deployment, places),
            family=self.family,
            gpus=self.gpus[places],
        )

    def column(self, value: Callable[[Gpu], float]) -> FloatArray:
        """A figure of each row's GPU, as a column [1].

        Definition: the figure as it is.
        """
        values = self.table.each([value(block.gpu) for block in self.table.blocks])
        return values[self.numbers][:, np.newaxis]

    def kinds(self, known: dict[Kind, int]) -> FloatArray:
        """The number of each row's kind among the known ones, which may grow [1].

        Definition: counted in the order in which kinds come.
        """
        codes = [known.setdefault(kind, len(known)) for kind in self.table.kinds]
        return self.table.each(codes)[self.numbers]

    def of(self, gpu: Gpu) -> Places:
        """Places of the rows of a GPU [1].

        Definition: those of its id, in their order.
        """
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
