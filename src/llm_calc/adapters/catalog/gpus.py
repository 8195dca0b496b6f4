"""One GPU of the catalog as its file writes it: data-sheet units, a source for every number."""

from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog.files import STRICT, Many
from llm_calc.adapters.units import GB, GIB, MB, MEGA, MICRO, TERA
from llm_calc.core.hardware import Gpu
from llm_calc.core.plausible import LEAST_LATENCY_S, MOST_LATENCY_S, implausible

NumberType = Literal[
    "fp64", "fp32", "tf32", "fp16", "bf16", "fp16_acc16", "fp8", "fp8_acc16", "int8", "int4", "fp6", "fp4"
]
SourceKind = Literal["datasheet", "measured", "derived", "secondary", "recalled", "estimate"]
"""How far a number can be trusted: a vendor's page or a table that cites one; a reading on a device; units
times rate times clock; another party's statement; general knowledge, not looked up; a rule."""

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([.+-]+[a-z0-9]+)*$")]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Microseconds = Annotated[float, Field(ge=round(LEAST_LATENCY_S / MICRO, 3), le=round(MOST_LATENCY_S / MICRO))]

PCIE_GT_PER_S = {3: 8, 4: 16, 5: 32, 6: 64}
"""Transfers per second and lane by generation [GT/s], one bit each."""
ARITHMETIC_TOLERANCE = {"exact": (0.98, 1.02), "rounded": (0.94, 1.07), "capped": (0.0, 1.02)}
"""Bounds of peak over units x rate x clock."""


class Source(BaseModel):
    """Where the numbers of some keys come from, and the day they were looked at.

    ``fields`` are keys of the file; a table's name stands for all of its keys that no other source names.
    """

    model_config = STRICT

    fields: Many[Text] = Field(min_length=1)
    kind: SourceKind
    source: Text
    checked: date


class LinkEntry(BaseModel):
    """The link between the GPUs of a fast domain: a kind of ``links.toml``, and the rate one way.

    ``name``, ``latency_us`` and ``latency_kind`` stand here where the kind is new with this GPU, whose sources are
    its own then.
    """

    model_config = STRICT

    kind: Slug
    gb_per_s_each_way: Positive | None = None
    name: Text | None = None
    latency_us: Microseconds | None = None
    latency_kind: SourceKind | None = None

    @model_validator(mode="after")
    def _whole_where_new(self) -> "LinkEntry":
        given = [self.name, self.latency_us, self.latency_kind]
        if any(given) and not (all(given) and self.gb_per_s_each_way):
            raise ValueError("a new kind of link needs name, gb_per_s_each_way, latency_us and latency_kind")
        return self


class Arithmetic(BaseModel):
    """A check of the peaks: ``sm_count`` x this rate x ``boost_clock_mhz``.

    ``agreement``: ``exact`` within 2 %; ``rounded`` where the vendor states a rounder figure; ``capped``
    where it is held below what the units could do.
    """

    model_config = STRICT

    number_type: NumberType
    flops_per_clock_per_sm: Count
    agreement: Literal["exact", "rounded", "capped"]


class SmallerChip(BaseModel):
    """The same chip with fewer cores, which is what some memory sizes are sold with."""

    model_config = STRICT

    memory_gib: Many[Positive] = Field(min_length=1)
    sm_count: Count
    memory_bandwidth_gb_per_s: Positive
    source: Text
    checked: date


class CatalogGpu(BaseModel):
    """One file of ``catalogs/gpus``. Peaks are dense, memory is in GiB, bandwidths in GB/s (10^9)."""

    model_config = STRICT

    id: Slug
    name: Text
    aliases: Many[Slug] = ()
    vendor: Text
    family: Text
    generation: Slug
    compute_capability: Text | None = None
    release_year: Annotated[int, Field(ge=2006, le=2100)]
    form_factor: Text
    memory_type: Text
    memory_gib: Positive
    memory_options_gib: Many[Positive] = ()
    smaller: Many[SmallerChip] = ()
    usable_memory_gib: Positive
    driver_memory_mib: Count | None = None
    unified_memory: bool = False
    export_version: bool = False
    memory_bandwidth_gb_per_s: Positive
    supported_precisions: Many[NumberType] = Field(min_length=1)
    sm_count: Count | None = None
    boost_clock_mhz: Positive | None = None
    l2_mb: Positive | None = None
    tdp_w: Positive | None = None
    pcie: Annotated[str, Field(pattern=r"^[3456]\.0 x(1|2|4|8|16)$")] | None = None
    gpus_per_fast_domain: Count = 1
    fast_domain_spans_nodes: bool = False
    network: Slug
    launch_price_usd: Positive | None = None
    notes: Many[Text] = ()
    link: LinkEntry | None = None
    peak_tflops_per_s: dict[NumberType, Positive]
    arithmetic: Arithmetic | None = None
    sources: Many[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _usable_below_nominal(self) -> "CatalogGpu":
        if self.usable_memory_gib > self.memory_gib:
            raise ValueError("usable_memory_gib: more than memory_gib")
        return self

    @model_validator(mode="after")
    def _peaks_are_supported(self) -> "CatalogGpu":
        for number_type in self.peak_tflops_per_s:
            if number_type.removesuffix("_acc16") not in self.supported_precisions:
                raise ValueError(f"peak_tflops_per_s.{number_type}: not in supported_precisions")
        return self

    @model_validator(mode="after")
    def _peaks_follow_from_the_units(self) -> "CatalogGpu":
        ratio = self.peak_over_arithmetic
        if self.arithmetic is None or ratio is None:
            return self
        low, high = ARITHMETIC_TOLERANCE[self.arithmetic.agreement]
        if not low <= ratio <= high:
            key = f"peak_tflops_per_s.{self.arithmetic.number_type}"
            raise ValueError(f"{key}: {ratio:.3f} of sm_count x rate x clock ({self.arithmetic.agreement})")
        return self

    @model_validator(mode="after")
    def _numbers_have_sources(self) -> "CatalogGpu":
        named = [field for source in self.sources for field in source.fields]
        twice = sorted({field for field in named if named.count(field) > 1})
        if twice:
            raise ValueError(f"sources: {', '.join(twice)} named twice")
        written = self.written_numbers
        bare = sorted(key for key in written if not {key, key.partition(".")[0]} & set(named))
        if bare:
            raise ValueError(f"sources: none for {', '.join(bare)}")
        tables = {key.partition(".")[0] for key in written}
        stray = sorted(set(named) - set(written) - tables)
        if stray:
            raise ValueError(f"sources: {', '.join(stray)} is no number of this file")
        return self

    @model_validator(mode="after")
    def _figures_are_in_their_units(self) -> "CatalogGpu":
        for field, reason in implausible(self.gpu):
            raise ValueError(f"{field}: {reason}")
        return self

    @property
    def written_numbers(self) -> tuple[str, ...]:
        """Keys of the file that hold numbers, dotted within tables."""
        held = ((name, getattr(self, name)) for name in sorted(self.model_fields_set - {"sources"}))
        return tuple(key for name, value in held for key in _number_keys(name, value))

    @property
    def peak_over_arithmetic(self) -> float | None:
        """Stated peak over units x rate x clock; None where the file does not say enough."""
        if self.arithmetic is None or self.sm_count is None or self.boost_clock_mhz is None:
            return None
        flops_per_s = self.sm_count * self.arithmetic.flops_per_clock_per_sm * self.boost_clock_mhz * MEGA
        return self.peak_tflops_per_s[self.arithmetic.number_type] * TERA / flops_per_s

    def source_of(self, field: str) -> Source:
        """The source of a number; ``field`` as in ``written_numbers``."""
        by_field = {name: source for source in self.sources for name in source.fields}
        return by_field.get(field) or by_field[field.partition(".")[0]]

    @cached_property
    def gpu(self) -> Gpu:
        """The same in base SI units."""
        link = self.link.gb_per_s_each_way if self.link else None
        return Gpu(
            id=self.id,
            name=self.name,
            vendor=self.vendor,
            family=self.family,
            generation=self.generation,
            compute_capability=self.compute_capability,
            release_year=self.release_year,
            form_factor=self.form_factor,
            memory_bytes=round(self.memory_gib * GIB),
            usable_memory_bytes=round(self.usable_memory_gib * GIB),
            usable_memory_estimated=self.source_of("usable_memory_gib").kind == "estimate",
            unified_memory=self.unified_memory,
            memory_bandwidth_bytes_per_s=self.memory_bandwidth_gb_per_s * GB,
            peaks=tuple((name, rate * TERA) for name, rate in self.peak_tflops_per_s.items()),
            supported_precisions=self.supported_precisions,
            link_kind=self.link.kind if self.link else None,
            link_bytes_per_s_per_gpu_each_way=link * GB if link else None,
            pcie_bytes_per_s_each_way=pcie_bytes_per_s_each_way(self.pcie) if self.pcie else None,
            gpus_per_fast_domain=self.gpus_per_fast_domain,
            fast_domain_spans_nodes=self.fast_domain_spans_nodes,
            tdp_w=self.tdp_w,
            l2_bytes=round(self.l2_mb * MB) if self.l2_mb else None,
            sm_count=self.sm_count,
            boost_clock_hz=self.boost_clock_mhz * MEGA if self.boost_clock_mhz else None,
        )


def pcie_bytes_per_s_each_way(slot: str) -> float:
    """What a PCIe slot moves one way [bytes/s]: lanes x transfers x 128/130 / 8 (1 for generation 6).

    Args:
        slot: generation and lanes, such as ``"5.0 x16"``.
    """
    generation, _, lanes = slot.partition(" x")
    number = int(generation.partition(".")[0])
    coding = 1.0 if number >= 6 else 128 / 130
    return int(lanes) * PCIE_GT_PER_S[number] * GB * coding / 8


def _number_keys(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        return tuple(key for part, held in value.items() for key in _number_keys(f"{name}.{part}", held))
    if isinstance(value, tuple):
        return (name,) if any(isinstance(held, float) for held in value) else ()
    return (name,) if isinstance(value, (int, float)) and not isinstance(value, bool) else ()
