"""Options that people pass to engines and that nothing here counts: the catalog's lists of them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml
from llm_calc.adapters.wire.engines import EnginePart


class Home(BaseModel):
    """Options that are refused, and what is said in their place."""

    model_config = STRICT

    home: str
    options: Many[str] = Field(min_length=1)


class PassedOptions(BaseModel):
    """A file of ``catalogs/options``: what an engine's release takes besides the options of a request.

    ``nothing``: says nothing of memory or times. ``uncounted``: may change either. ``aliases``: the request's names.
    ``usual``: of uncounted ones, values that say what the release does anyway.
    """

    model_config = STRICT

    engine: str
    release: str
    checked: date
    links: Many[str] = Field(min_length=1)
    nothing: Many[str]
    uncounted: Many[str]
    refused: Many[Home] = ()
    aliases: Mapping[str, str] = {}
    usual: Mapping[str, Many[str | int | bool]] = {}

    @property
    def homes(self) -> dict[str, str]:
        """What is said in place of each option that is refused."""
        return {option: row.home for row in self.refused for option in row.options}

    @property
    def passed(self) -> frozenset[str]:
        """Options that are taken without being counted."""
        return frozenset((*self.nothing, *self.uncounted))


NONE = PassedOptions(
    engine="", release="", checked=date(2026, 11, 30), links=("-",), nothing=(), uncounted=()
)
"""Of an engine without such a file."""


@cache
def load_passed_options(path: Path | None = None) -> Mapping[str, PassedOptions]:
    """The file of each engine, by name.

    Raises:
        CatalogError: a file is wrong; names the key.
    """
    files = sorted(catalog_folder("options", path).glob("*.toml"))
    return {file.stem: read_toml(PassedOptions, file) for file in files}


def passed_options(engine: str) -> PassedOptions:
    """What an engine takes besides the options of a request."""
    return load_passed_options().get(engine, NONE)


def further_words(part: EnginePart) -> Iterator[str]:
    """What is said of all of an engine's options that nothing counts."""
    yield from uncounted_words(part)
    yield from nothing_words(part)


def nothing_words(part: EnginePart) -> Iterator[str]:
    """One sentence on options that say nothing of memory or times."""
    names = sorted({*_further_of(part, passed_options(part.name).passed)} - {*uncounted_of(part)})
    if names:
        listed = ", ".join(f"engine.{name}" for name in names)
        yield f"{listed}: nothing of memory or times is known to follow from it; it changes no figure here"


def uncounted_words(part: EnginePart) -> Iterator[str]:
    """A sentence on each option that may change memory or times and that nothing counts."""
    for name in uncounted_of(part):
        yield f"engine.{name}: not counted; what it changes of memory and times is not known here"


def uncounted_of(part: EnginePart) -> list[str]:
    """Options of a request that may change memory or times and that nothing counts; usual values change neither."""
    known, values = passed_options(part.name), part.further_values or {}
    names = _further_of(part, known.uncounted)
    return [
        name for name in names if values.get(name) is None or values[name] not in known.usual.get(name, ())
    ]


def _further_of(part: EnginePart, names: Collection[str]) -> list[str]:
    """The options that a request names beside those of the wire, of some."""
    return sorted(set(part.further).intersection(names)) if part.further else []
