"""Heavy questions as values that another process can be asked: each makes its answer in pieces."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from pydantic import BaseModel

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.json_text import json_bytes
from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.sweep.grid import SweepLimits
from llm_calc.adapters.wire.sweep import SweepRequest


class Task(Protocol):
    """A question."""

    def pieces(self, catalogs: Catalogs) -> Iterator[Any]:
        """What it is answered with, one piece after the other.

        Raises:
            CalcError: it cannot be answered.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """A question to one operation; its only piece is the answer as JSON."""

    operation: str
    body: BaseModel

    def pieces(self, catalogs: Catalogs) -> Iterator[bytes]:
        """The answer."""
        (run,) = (each.run for each in OPERATIONS if each.name == self.operation)
        yield json_bytes(run(self.body, catalogs))


@dataclass(frozen=True, slots=True)
class Called:
    """A function of the package by its name, loaded by whoever works on it; its only piece is what it returns."""

    module: str
    name: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]

    @classmethod
    def of(cls, work: partial[Any]) -> "Called":
        """A call that was prepared."""
        return cls(work.func.__module__, work.func.__name__, work.args, work.keywords)

    def pieces(self, catalogs: Catalogs) -> Iterator[Any]:  # noqa: ARG002 - a tool reads those of the environment
        """What it returns."""
        yield getattr(import_module(self.module), self.name)(*self.arguments, **self.named)


@dataclass(frozen=True, slots=True)
class Rows:
    """A sweep; its first piece is the number of its rows, all others are parts of its stream."""

    body: SweepRequest
    limits: SweepLimits

    def pieces(self, catalogs: Catalogs) -> Iterator[int | bytes]:
        """The rows; what makes them is loaded with the first sweep."""
        from llm_calc.adapters.sweep.run import ready_sweep
        from llm_calc.adapters.sweep.writers import written

        sweep = ready_sweep(self.body, catalogs, self.limits)
        yield sweep.grid.rows
        yield from written(sweep, sweep.batches(catalogs))
