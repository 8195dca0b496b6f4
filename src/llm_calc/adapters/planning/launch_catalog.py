"""How engines are started: their options by the documented names, what hardware and formats they run."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, CatalogError, Many, catalog_folder, read_toml
from llm_calc.adapters.formats import find_recipe
from llm_calc.core.errors import UnknownNameError
from llm_calc.core.hardware import Gpu
from llm_calc.core.planning.space import LayoutRules

GGUF = "gguf"
"""Stands for all kinds of GGUF files in a list of formats."""

Quantity = Literal[
    "model",
    "tensor",
    "pipeline",
    "data",
    "expert",
    "stage_gpus",
    "experts_dealt",
    "attention_replicated",
    "nodes",
    "several_nodes",
    "several_gpus",
    "context_tokens",
    "max_sequences",
    "all_sequences",
    "data_over_nodes",
    "max_batched_tokens",
    "memory_fraction",
    "dtype",
    "quantize_on_load",
    "kv_cache",
    "gpu_layers",
    "fused_attention",
    "options_file",
]
"""What an option can be given."""


class LaunchOption(BaseModel):
    """An option under its documented name.

    ``takes``: the quantity that it is given, which is left out where it is the engine's own default. ``fixed``: what is
    written instead of the quantity. ``values``: the engine's words for ours; others are left out.
    """

    model_config = STRICT

    option: str
    takes: Quantity
    fixed: str | None = None
    values: dict[str, str] | None = None


class RunsOn(BaseModel):
    """Hardware of one vendor that an engine runs on, and the weight formats that it runs there.

    ``families``: compute capabilities by name; ``native_only``: formats that it runs only where the GPU multiplies
    them itself.
    """

    model_config = STRICT

    vendor: str
    formats: Many[str]
    native_only: Many[str] = ()
    lowest_compute_capability: str | None = None
    families: Many[str] = ()

    def covers(self, gpu: Gpu) -> bool:
        """Whether it speaks of this GPU."""
        if gpu.vendor != self.vendor or not gpu.peaks:
            return False
        capability = gpu.compute_capability or ""
        if self.families and capability not in self.families:
            return False
        return self.lowest_compute_capability is None or _version(capability) >= _version(
            self.lowest_compute_capability
        )


class LayoutRow(BaseModel):
    """What layouts the engine's options can express."""

    model_config = STRICT

    tensor: bool
    pipeline: bool
    data: bool
    data_beside_tensor: bool
    experts: Literal["none", "whole"]


class LaunchRules(BaseModel):
    """One file of ``catalogs/launch``."""

    model_config = STRICT

    name: str
    command: Many[str]
    checked: date
    sources: Many[str]
    notes: Many[str] = ()
    kv_cache_formats: Many[str] = ()
    several_nodes: Many[str] = ()
    options_file: str | None = None
    one_host: bool = False
    layouts: LayoutRow
    runs_on: Many[RunsOn] = Field(min_length=1)
    options: Many[LaunchOption] = Field(min_length=1)
    file_options: Many[LaunchOption] = ()

    @property
    def layout_rules(self) -> LayoutRules:
        """The layouts as the core takes them."""
        return LayoutRules(**self.layouts.model_dump())

    def refusal(self, gpu: Gpu, weights: str, storage: str, compute: str | None) -> str | None:
        """Why the engine does not run weights of this format on this GPU; None where it does.

        ``storage`` is the kind of numbers that ``weights`` holds, ``compute`` the number type that multiplies it.
        """
        rows = [row for row in self.runs_on if row.covers(gpu)]
        if not rows:
            return f"{self.name} does not run on it"
        name = GGUF if find_recipe(weights).is_gguf else weights
        for row in rows:
            known = next((each for each in (name, storage) if each in row.formats), None)
            if known is not None and (
                known not in row.native_only or compute is None or gpu.supports(compute)
            ):
                return None
        return f"{self.name} runs no {weights} weights on it"


@cache
def load_launch_rules(path: Path | None = None) -> Mapping[str, LaunchRules]:
    """Rules of all engines that can be started, by name.

    Raises:
        CatalogError: a file is wrong or misnamed.
    """
    rules = {}
    for file in sorted(catalog_folder("launch", path).glob("*.toml")):
        row = read_toml(LaunchRules, file)
        if row.name != file.stem:
            raise CatalogError(f"launch/{file.name}: name: {row.name!r} is not the file's")
        rules[row.name] = row
    return rules


def launch_rules(engine: str) -> LaunchRules:
    """Rules of one engine.

    Raises:
        UnknownNameError: an engine that plans cannot start.
    """
    rules = load_launch_rules()
    if engine not in rules:
        raise UnknownNameError("engine", engine, tuple(rules), field="engines")
    return rules[engine]


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else (0,)
