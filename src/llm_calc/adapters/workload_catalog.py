"""Loads by name, and memories below the GPU's: ``catalogs/workloads``."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml, refuse_twice
from llm_calc.core.errors import UnknownNameError

LOADS = ("concurrency", "request_rate", "batch", "offline", "session_rate", "trace")
"""Fields of a workload that say how much comes; a request that names one takes none from a preset."""


LENGTHS = ("input_tokens", "output_tokens")
"""What classes say in their own place."""


class PresetSessions(BaseModel):
    """Turns of a preset."""

    model_config = STRICT

    turns: int = Field(ge=1)
    growth_tokens: int = Field(ge=1)
    think_s: float = Field(ge=0)
    shared_prefix_tokens: int = Field(ge=0)


class PresetWorkload(BaseModel):
    """What a preset says: lengths, and a load; one that comes one by one where it names none."""

    model_config = STRICT

    input_tokens: int = Field(ge=1)
    output_tokens: int = Field(ge=1)
    concurrency: int | None = Field(None, ge=1)
    request_rate: float | None = Field(None, gt=0)
    batch: int | None = Field(None, ge=1)
    offline: Literal[True] | None = None
    sessions: PresetSessions | None = None

    @model_validator(mode="after")
    def _one_load(self) -> "PresetWorkload":
        loads = [name for name in (*LOADS, "sessions") if getattr(self, name, None) is not None]
        if len(loads) > 1 and loads != ["concurrency", "sessions"]:
            raise ValueError(f"{' and '.join(loads)}: a preset says one load")
        if self.sessions is not None and self.sessions.shared_prefix_tokens > self.input_tokens:
            raise ValueError("sessions.shared_prefix_tokens: more than input_tokens")
        return self


class Preset(BaseModel):
    """A load by name; ``chosen``: fields that no source states."""

    model_config = STRICT

    id: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    name: str
    source: str = Field(min_length=1)
    chosen: Many[str]
    notes: str = ""
    checked: date
    workload: PresetWorkload

    @model_validator(mode="after")
    def _chosen_are_fields(self) -> "Preset":
        known = {*PresetWorkload.model_fields, *PresetSessions.model_fields}
        if stray := sorted({*self.chosen} - known):
            raise ValueError(f"chosen: {', '.join(stray)}: no field of a preset")
        return self


class PresetsFile(BaseModel):
    """``catalogs/workloads/presets.toml``."""

    model_config = STRICT

    presets: Many[Preset] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "PresetsFile":
        refuse_twice("presets: id", (preset.id for preset in self.presets))
        return self


class TierDefaults(BaseModel):
    """A memory below the GPU's: what is taken where a request leaves size or speed out."""

    model_config = STRICT

    id: str
    name: str
    cache_ratio: float | None = Field(None, gt=0)
    bytes_per_s: float | None = Field(None, gt=0)
    link: Literal["pcie"] | None = None
    source: str = Field(min_length=1)
    checked: date


class TiersFile(BaseModel):
    """``catalogs/workloads/tiers.toml``."""

    model_config = STRICT

    tiers: Many[TierDefaults] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "TiersFile":
        refuse_twice("tiers: id", (tier.id for tier in self.tiers))
        return self


@cache
def load_workloads(path: Path | None = None) -> Mapping[str, Preset]:
    """The presets by id, read once."""
    found = read_toml(PresetsFile, catalog_folder("workloads", path) / "presets.toml")
    return {preset.id: preset for preset in found.presets}


@cache
def load_tiers(path: Path | None = None) -> Mapping[str, TierDefaults]:
    """The tiers by id, read once."""
    found = read_toml(TiersFile, catalog_folder("workloads", path) / "tiers.toml")
    return {tier.id: tier for tier in found.tiers}


def preset_of(name: str) -> Preset:
    """A preset by its id, in any case.

    Raises:
        UnknownNameError: there is none of that name.
    """
    presets = load_workloads()
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    if key not in presets:
        raise UnknownNameError("preset", name, tuple(presets), field="workload.preset")
    return presets[key]


def with_preset(stated: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a request states of its workload, over what the preset says.

    Sessions are joined field by field. A request that names a load of its own takes none from the preset; one that says
    ``sessions: null`` takes no sessions.

    Raises:
        UnknownNameError: there is no such preset.
    """
    preset = preset_of(name).workload.model_dump(exclude_none=True)
    if any(stated.get(load) is not None for load in LOADS):
        preset = {field: value for field, value in preset.items() if field not in LOADS}
    if stated.get("classes") is not None:
        preset = {field: value for field, value in preset.items() if field not in LENGTHS}
    own = stated.get("sessions")
    if isinstance(own, dict) and "sessions" in preset:
        said = {field: value for field, value in own.items() if value is not None}
        preset["sessions"] = {**preset["sessions"], **said}
        stated = {field: value for field, value in stated.items() if field != "sessions"}
    return {**preset, **stated}
