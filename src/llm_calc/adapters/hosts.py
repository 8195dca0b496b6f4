"""Hosts of GPUs: the catalog's platforms, what llama.cpp reaches on them, and the one that a request means."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml
from llm_calc.adapters.wire.hosts import HostPart
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.hardware import Gpu
from llm_calc.core.host import Host
from llm_calc.core.serving.placement import HostEfficiencies, HostReach

BYTES_A_TRANSFER = 8
GIB = 1 << 30
SERVER_FORMS = ("SXM", "OAM", "module")


class Platform(BaseModel):
    """One kind of host."""

    model_config = STRICT

    id: str
    name: str
    channels: int = Field(ge=1)
    rate_mt_per_s: float = Field(gt=0)
    memory_gib: float = Field(gt=0)
    cores: int = Field(ge=1)
    clock_ghz: float = Field(gt=0)
    flops_per_clock: int = Field(ge=1)
    source: str = Field(min_length=1)
    checked: date

    @property
    def host(self) -> Host:
        """As the core takes it."""
        return Host(
            id=self.id,
            name=self.name,
            memory_bytes=round(self.memory_gib * GIB),
            memory_bandwidth_bytes_per_s=self.channels * self.rate_mt_per_s * 1e6 * BYTES_A_TRANSFER,
            flops_per_s=self.cores * self.clock_ghz * 1e9 * self.flops_per_clock,
        )


class Defaults(BaseModel):
    """What a host is taken for: beside a card, and beside modules of a server."""

    model_config = STRICT

    card: str
    server: str


class PlatformsFile(BaseModel):
    """``catalogs/hosts/platforms.toml``."""

    model_config = STRICT

    platforms: Many[Platform] = Field(min_length=1)
    defaults: Defaults


class Reached(BaseModel):
    """What is reached, and how far an answer may be off: a factor either way."""

    model_config = STRICT

    bandwidth_fraction: float = Field(gt=0, le=1)
    compute_fraction: float = Field(gt=0, le=1)
    layer_s: float = Field(ge=0)
    expert_layer_s: float = Field(ge=0)
    crossing_s: float = Field(ge=0)
    copy_fraction: float = Field(gt=0, le=1)
    copied_from_tokens: float = Field(ge=1)
    stated_range: float = Field(ge=1)
    assumed_range: float = Field(ge=1)
    prompt_range: float = Field(ge=1)
    checked: date
    source: str = Field(min_length=1)

    @property
    def reach(self) -> HostReach:
        """As the core takes it."""
        ranges = {"stated_range", "assumed_range", "prompt_range"}
        kept = self.model_dump(exclude={*ranges, "checked", "source"})
        return HostReach(efficiencies=HostEfficiencies(**kept), **self.model_dump(include=ranges))


class ReachedFile(BaseModel):
    """``catalogs/hosts/reached.toml``."""

    model_config = STRICT

    reached: Reached


@cache
def load_platforms(path: Path | None = None) -> PlatformsFile:
    """The platforms of the catalog, read once."""
    return read_toml(PlatformsFile, catalog_folder("hosts", path) / "platforms.toml")


@cache
def load_reached(path: Path | None = None) -> HostReach:
    """What llama.cpp reaches on a host, read once."""
    return read_toml(ReachedFile, catalog_folder("hosts", path) / "reached.toml").reached.reach


@cache
def platform_hosts() -> Mapping[str, Host]:
    """The catalog's hosts by id."""
    return {platform.id: platform.host for platform in load_platforms().platforms}


def platform_host(name: str, field: str) -> Host:
    """One host of the catalog.

    Raises:
        UnknownNameError: no such platform; offers the nearest.
    """
    found = platform_hosts().get(name.strip().lower())
    if found is None:
        raise UnknownNameError("host", name, tuple(platform_hosts()), field=field)
    return found


def requested_host(part: HostPart | None, gpu: Gpu) -> Host:
    """The host that a request states, what it leaves open from its platform, else from the kind of GPU.

    Raises:
        UnknownNameError: no such platform.
        InvalidInputError: a host's own memory beside a GPU that shares the machine's.
    """
    if gpu.unified_memory:
        for said in () if part is None else part.model_dump(exclude_none=True):
            field = f"hardware.host.{said}"
            msg = f"{field}: {gpu.id} shares the machine's memory; give hardware.gpu_memory_bytes"
            raise InvalidInputError(msg, field=field)
        return _unified(gpu)
    if part is None:
        return _taken(gpu)
    named = part.platform or part.cpu
    where = "hardware.host.platform" if part.platform else "hardware.host.cpu"
    base = _taken(gpu) if named is None else platform_host(named, where)
    processor = base if part.cpu is None else platform_host(part.cpu, "hardware.host.cpu")
    bandwidth = part.memory_bandwidth_bytes_per_s or base.memory_bandwidth_bytes_per_s
    return Host(
        id=base.id,
        name=base.name,
        memory_bytes=part.memory_bytes or base.memory_bytes,
        memory_bandwidth_bytes_per_s=bandwidth,
        flops_per_s=processor.flops_per_s,
        stated=part.platform is not None or part.memory_bandwidth_bytes_per_s is not None,
    )


def _taken(gpu: Gpu) -> Host:
    defaults = load_platforms().defaults
    server = any(form in gpu.form_factor for form in SERVER_FORMS)
    return replace(platform_hosts()[defaults.server if server else defaults.card], stated=False)


def _unified(gpu: Gpu) -> Host:
    """The processor beside a GPU on one memory: it reaches the same memory, with less arithmetic."""
    peaks = dict(gpu.peaks)
    vector = peaks.get("fp32", max(peaks.values(), default=1e12) / 4)
    return Host(
        id=gpu.id,
        name=f"the processor of {gpu.name}",
        memory_bytes=gpu.usable_memory_bytes,
        memory_bandwidth_bytes_per_s=gpu.memory_bandwidth_bytes_per_s / 2,
        flops_per_s=vector / 8,
    )
