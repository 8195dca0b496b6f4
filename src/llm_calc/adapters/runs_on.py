"""What runs on what: engines by release, on chips, with formats of weights, and kinds of models.

One table, ``catalogs/runs_on``, that every way to ask holds to: a deployment, a memory plan, a search, a list.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import Field

from llm_calc.adapters.catalog.files import STRICT, Many, Named, read_named
from llm_calc.adapters.formats import find_recipe
from llm_calc.adapters.runs_on_rows import (
    KeepsCaches,
    LacksModels,
    ReadsCheckpoints,
    RunsOn,
    TakesCaches,
    TakesDrafts,
    release_of,
    words_of,
)
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.hardware import Gpu

UNKNOWN = "not known to run"
GGUF = "gguf"
"""Stands for all kinds of GGUF files in a list of formats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is to be run: a model's type, its weights' format by name, by kind and by the arithmetic it needs.

    ``method``: the tool that wrote a quantized checkpoint, where its own formats are run.
    """

    model_type: str
    weights: str
    storage: str
    is_gguf: bool
    compute: str | None
    method: str | None = None


class EngineRunsOn(Named):
    """One file of ``catalogs/runs_on``."""

    model_config = STRICT

    title: str
    newest_read: str
    checked: date
    sources: Many[str] = Field(min_length=1)
    hardware: Many[RunsOn] = Field(min_length=1)
    models: Many[LacksModels] = ()
    caches: Many[KeepsCaches] = ()
    asked_caches: Many[TakesCaches] = ()
    drafts: Many[TakesDrafts] = ()
    checkpoints: Many[ReadsCheckpoints] = ()

    def on(self, gpu: Gpu, version: str | None = None) -> tuple[RunsOn, ...]:
        """What it runs on a GPU; nothing where it does not run at all."""
        release = release_of(version)
        return tuple(row for row in self.hardware if row.covers(gpu) and not row.missing(release))

    def formats_on(self, gpu: Gpu, version: str | None = None) -> tuple[str, ...]:
        """The formats of weights that it runs on a GPU."""
        found = (
            name
            for row in self.on(gpu, version)
            for name in row.formats
            if name not in row.native_only or gpu.supports(_native(name))
        )
        return tuple(dict.fromkeys(found))

    def refusal(self, gpu: Gpu, load: Load, version: str | None = None) -> str | None:
        """Why it does not run a load on a GPU, in words that follow on its name; None where it does."""
        rows = self.on(gpu, version)
        if not rows:
            return "does not run on it"
        if not self.reads(load, version):
            return f"reads no checkpoints of {load.method}"
        if not any(_runs(row, gpu, load) for row in rows):
            return f"runs no {load.weights} weights on it"
        lacks = self.lacks(load.model_type, version)
        if lacks is not None and lacks.instead is None:
            return f"runs no models of type {load.model_type}"
        return None

    def tools(self, version: str | None = None) -> tuple[str, ...]:
        """The tools whose quantized checkpoints it reads; nothing where none is known."""
        release = release_of(version)
        return tuple(name for row in self.checkpoints if not row.missing(release) for name in row.methods)

    def reads(self, load: Load, version: str | None = None) -> bool:
        """Whether it reads checkpoints of the tool that wrote a load's."""
        return load.method is None or not self.checkpoints or load.method in self.tools(version)

    def lacks(self, model_type: str, version: str | None = None) -> LacksModels | None:
        """The row that says that a release has no implementation of such models."""
        release = release_of(version)
        return next((row for row in self.models if model_type in row.types and row.missing(release)), None)


@cache
def load_runs_on(path: Path | None = None) -> Mapping[str, EngineRunsOn]:
    """The whole table, by engine. An engine that is not in it is none in particular and runs everything.

    Raises:
        CatalogError: a file is wrong or misnamed.
    """
    return read_named(EngineRunsOn, "runs_on", path)


def check_runs(engine: str, version: str | None, gpu: Gpu, load: Load) -> tuple[str, ...]:
    """Warnings of what an engine runs by other means than its own.

    Raises:
        UnsupportedError: it does not run this; names the engine, the chip or the format or the model's type, and what
            would run.
    """
    rules = load_runs_on().get(engine)
    if rules is None:
        return ()
    if not rules.on(gpu, version):
        raise _wrong_chip(rules, version, gpu)
    if not rules.reads(load, version):
        raise _wrong_tool(rules, version, gpu, load)
    if not any(_runs(row, gpu, load) for row in rules.on(gpu, version)):
        raise _wrong_format(rules, version, gpu, load)
    lacks = rules.lacks(load.model_type, version)
    if lacks is None:
        return ()
    if lacks.instead is None:
        raise _wrong_model(rules, version, gpu, load, lacks)
    note = f"{_named(rules, version)} names no models of type {load.model_type} among its own"
    if lacks.known:
        return (f"model: {note}; they run by {lacks.instead}, whose memory and speed may differ",)
    at_best = f"it is {UNKNOWN} this one, at best by {lacks.instead}"
    return (f"model: {note}; {at_best}, whose memory and speed may differ and were not measured",)


def refusal(engine: str, gpu: Gpu, load: Load, version: str | None = None) -> str | None:
    """Why an engine's release, the newest if none is named, does not run a load on a GPU; None where it does."""
    rules = load_runs_on().get(engine)
    reason = None if rules is None else rules.refusal(gpu, load, version)
    return None if reason is None else f"{engine} {reason}"


def runs_at_all(engine: str, gpu: Gpu) -> bool:
    """Whether an engine's newest release runs on a GPU."""
    rules = load_runs_on().get(engine)
    return rules is None or bool(rules.on(gpu))


def names_models(engine: str, model_type: str) -> bool:
    """Whether an engine's newest release has an implementation of its own of such models."""
    rules = load_runs_on().get(engine)
    return rules is None or rules.lacks(model_type) is None


def runs_format(engine: str, gpu: Gpu, weights: str) -> bool:
    """Whether an engine's newest release runs a format of the catalog on a GPU."""
    rules = load_runs_on().get(engine)
    entry = find_recipe(weights, engine)
    name = GGUF if entry.is_gguf else weights
    return rules is None or name in rules.formats_on(gpu)


def _runs(row: RunsOn, gpu: Gpu, load: Load) -> bool:
    """Whether the weights are of a format of a row; the format's own name decides before its kind."""
    names = (GGUF,) if load.is_gguf else (load.weights, load.storage)
    known = next((name for name in names if name in row.formats), None)
    if known is None:
        return False
    return known not in row.native_only or load.compute is None or gpu.supports(load.compute)


def _native(name: str) -> str:
    """The arithmetic of a format that is run natively."""
    return "fp4" if name.endswith("fp4") else name


def _named(rules: EngineRunsOn, version: str | None) -> str:
    return f"{rules.title} {version or rules.newest_read}"


def _wrong_chip(rules: EngineRunsOn, version: str | None, gpu: Gpu) -> UnsupportedError:
    own = words_of(row for row in rules.hardware if not row.missing(release_of(version)))
    others = [name for name, other in load_runs_on().items() if other.on(gpu)]
    instead = (
        f"{gpu.id} is run by {', '.join(others)}" if others else f"no engine that is known runs on {gpu.id}"
    )
    msg = f"engine.name: {rules.name} ({_named(rules, version)}) does not run on {gpu.id}; it runs on {own}; {instead}"
    return UnsupportedError(msg, field="engine.name", accepted=others)


def _wrong_format(rules: EngineRunsOn, version: str | None, gpu: Gpu, load: Load) -> UnsupportedError:
    own = rules.formats_on(gpu, version)
    others = _others(rules, gpu, load)
    msg = (
        f"precision.weights: {rules.name} ({_named(rules, version)}) {_no_weights(load)} on {gpu.id}; there it runs "
        f"{', '.join(own)}{_run_by(load.weights, others)}"
    )
    return UnsupportedError(msg, field="precision.weights", accepted=list(own), engines=others)


def _wrong_tool(rules: EngineRunsOn, version: str | None, gpu: Gpu, load: Load) -> UnsupportedError:
    """Its own name of the method, whatever its numbers are kept in."""
    own, others = rules.tools(version), _others(rules, gpu, load)
    msg = (
        f"precision.weights: {rules.name} ({_named(rules, version)}) reads no checkpoints whose quant_method is "
        f"{load.method}; it reads {', '.join(own)}{_run_by('it', others) or '; no engine that is known does there'}; "
        "or give precision.weights"
    )
    return UnsupportedError(
        msg, field="precision.weights", accepted=[*rules.formats_on(gpu, version)], engines=others
    )


def _no_weights(load: Load) -> str:
    if load.is_gguf:
        return f"reads no GGUF files ({load.weights})"
    return f"runs no {load.weights} weights"


def _wrong_model(
    rules: EngineRunsOn, version: str | None, gpu: Gpu, load: Load, lacks: LacksModels
) -> UnsupportedError:
    others = _others(rules, gpu, load, replace(load, is_gguf=True, method=None))
    msg = (
        f"model: {rules.name} ({_named(rules, version)}) does not run models of type {load.model_type}"
        f"{_other_releases(lacks)}{_run_by('they', others) or '; no engine that is known runs them there'}"
    )
    return UnsupportedError(msg, field="model", engines=others)


def _other_releases(lacks: LacksModels) -> str:
    if lacks.missing_from is not None:
        return f" from release {lacks.missing_from} on"
    return f" up to release {lacks.missing_up_to}" if lacks.missing_up_to else ""


def _others(rules: EngineRunsOn, gpu: Gpu, *loads: Load) -> list[str]:
    """The other engines whose newest releases run one of the loads there."""
    return [
        name
        for name, other in load_runs_on().items()
        if other is not rules and any(other.refusal(gpu, load) is None for load in loads)
    ]


def _run_by(what: str, others: Iterable[str]) -> str:
    names = ", ".join(others)
    verb = "are" if what == "they" else "is"
    return f"; {what} {verb} run there by {names}" if names else ""
