"""Rows of the table of what runs on what: hardware with formats, kinds of models, formats of the cache."""

from collections.abc import Iterable
from functools import lru_cache
from math import inf

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many
from llm_calc.adapters.wire.speculative import Method
from llm_calc.core.engines.releases import version_numbers
from llm_calc.core.hardware import Gpu

NEWEST = (inf,)
"""The release where none is named."""

FEWEST_BUILDS = 1000
"""No release that is not a count of builds has so large a number first."""

Release = tuple[float, ...]


class _Dated(BaseModel):
    """What some releases lack. Releases between those that were read and those that lack it count as having it.

    ``missing_up_to``, ``missing_from``: the last and the first release that lack it, both included.
    """

    model_config = STRICT

    missing_up_to: str | None = None
    missing_from: str | None = None

    def missing(self, release: Release) -> bool:
        """Whether a release is known to lack it."""
        last = () if self.missing_up_to is None else release_of(self.missing_up_to)
        before = release <= last and not _is_tag(release, last)
        return before or (self.missing_from is not None and release >= release_of(self.missing_from))

    @property
    def is_dated(self) -> bool:
        """Whether only some releases lack it."""
        return self.missing_up_to is not None or self.missing_from is not None


class _Hardware(_Dated):
    """Hardware of one vendor, and formats there.

    ``families``: compute capabilities by name, or generations of chips that have none.
    """

    vendor: str
    formats: Many[str]
    lowest_compute_capability: str | None = None
    families: Many[str] = ()

    def covers(self, gpu: Gpu) -> bool:
        """Whether it speaks of this GPU."""
        if gpu.vendor != self.vendor:
            return False
        capability = gpu.compute_capability or ""
        if self.families and (capability or gpu.generation) not in self.families:
            return False
        lowest = self.lowest_compute_capability
        return lowest is None or (version_numbers(capability) or ()) >= (version_numbers(lowest) or ())

    @property
    def words(self) -> str:
        """The hardware in words."""
        if self.families:
            return f"{self.vendor} ({', '.join(self.families)})"
        lowest = self.lowest_compute_capability
        return f"{self.vendor} from compute capability {lowest}" if lowest else self.vendor


class RunsOn(_Hardware):
    """Hardware that an engine runs on, and the weight formats that it runs there.

    ``native_only``: formats that it runs only where the GPU multiplies them itself.
    """

    native_only: Many[str] = ()


def words_of(rows: Iterable[RunsOn]) -> str:
    """Hardware of several rows in words, the families of each vendor together."""
    families, others = dict[str, list[str]](), list[str]()
    for row in rows:
        if row.families:
            families.setdefault(row.vendor, []).extend(row.families)
        else:
            others.append(row.words)
    named = [f"{vendor} ({', '.join(dict.fromkeys(names))})" for vendor, names in families.items()]
    return ", ".join([*named, *dict.fromkeys(others)])


class TakesDrafts(_Dated):
    """Methods of speculative decoding that an engine has.

    ``same_vocabulary``: of a draft as large as the model's. ``one_stage``: without pipeline stages alone.
    """

    methods: Many[Method] = Field(min_length=1)
    same_vocabulary: bool = False
    one_stage: bool = False


class ReadsCheckpoints(_Dated):
    """Tools whose quantized checkpoints an engine reads, by the ``quant_method`` that they write."""

    methods: Many[str] = Field(min_length=1)


class TakesCaches(_Dated):
    """Formats of the cache that an engine takes from checkpoints of these tools where none is named.

    ``kept``: the format that it keeps then, where that is another.
    """

    methods: Many[str] = Field(min_length=1)
    formats: Many[str] = Field(min_length=1)
    kept: str | None = None


class KeepsCaches(_Hardware):
    """Formats of the cache that an engine keeps on some hardware or in some releases only.

    ``default_of``: kinds of models whose cache it keeps so there where no format is named; ``only``: and not otherwise.
    """

    default_of: Many[str] = ()
    only: bool = False


class LacksModels(_Dated):
    """Kinds of models that an engine, or some of its releases, has no implementation of.

    ``instead``: by what other means it may run them; ``known``: that it does is known.
    """

    types: Many[str] = Field(min_length=1)
    instead: str | None = None
    known: bool = False

    def missing(self, release: Release) -> bool:
        """Whether a release has no implementation of its own."""
        return super().missing(release) or not self.is_dated


def _is_tag(release: Release, build: Release) -> bool:
    """Whether a release has a number of the kind that came after builds were counted in thousands (llama.cpp)."""
    return bool(build) and build[0] >= FEWEST_BUILDS > release[0]


@lru_cache(maxsize=256)
def release_of(version: str | None) -> Release:
    """A release as numbers in their order; the newest where none is named, or none that can be read."""
    numbers = None if version is None else version_numbers(version)
    return NEWEST if numbers is None else tuple(map(float, numbers))
