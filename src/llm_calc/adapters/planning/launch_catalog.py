"""How engines are started: their options by the documented names, and the layouts that these can express."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many, Named, read_named
from llm_calc.core.errors import UnknownNameError
from llm_calc.core.planning.space import LayoutRules

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
    "max_batched_tokens",
    "memory_fraction",
    "dtype",
    "quantize_on_load",
    "kv_cache",
    "gpu_layers",
    "fused_attention",
    "options_file",
    "draft_method",
    "draft_config",
    "draft_model",
    "draft_tokens",
    "draft_steps",
    "draft_branches",
    "checked_tokens",
    "mtp_tokens",
    "host_cache_gib",
    "host_cache_ratio",
    "host_cache_bytes_per_gpu",
    "host_cache",
    "adapters",
    "adapters_at_once",
    "adapter_rank",
    "adapter_modules",
    "adapter_matrices",
    "adapters_on_host",
    "side",
]
"""What an option can be given."""


class LaunchOption(BaseModel):
    """An option under its documented name.

    ``takes``: the quantity that it is given, which is left out where it is the engine's own default. ``fixed``: what is
    written instead of the quantity. ``values``: the engine's words for ours, of each of several; others are left out.
    """

    model_config = STRICT

    option: str
    takes: Quantity
    fixed: str | None = None
    values: dict[str, str] | None = None


class StatedOption(BaseModel):
    """How a command says an option of the engine's part of a request: under ``option``, else in the file of options.

    ``states``: the request's name. ``on``, ``off``: what is written after the option where it is true or false; a word
    that begins with a dash stands in the option's place. Without ``on`` the option alone; without ``off`` nothing can
    be written. ``joined``: what stands between several values; without it each is a word. ``values``: the engine's
    words. ``earlier``: the option by the release whose rules answer, where it had another name.
    """

    model_config = STRICT

    states: str
    option: str
    in_file: bool = False
    on: str | None = None
    off: str | None = None
    joined: str | None = None
    values: dict[str, str] = {}
    earlier: dict[str, str] = {}


class LayoutRow(BaseModel):
    """What layouts the engine's options can express."""

    model_config = STRICT

    tensor: bool
    pipeline: bool
    data: bool
    data_beside_tensor: bool
    experts: Literal["none", "whole"]


class ImageRow(BaseModel):
    """A public image for the chips of one vendor.

    ``families``: compute capabilities by name, or generations of chips that have none; all if empty. ``image``:
    ``{version}`` stands for the release. ``version``: what an image holds whose tag does not follow from the release.
    """

    model_config = STRICT

    vendor: str
    families: Many[str] = ()
    image: str
    version: str | None = None
    source: str
    checked: date


class KserveRow(BaseModel):
    """How KServe starts the engine over several hosts by itself: on whose chips, and options that it writes."""

    model_config = STRICT

    vendor: str
    sets: Many[str]
    source: str
    checked: date


class ContainerRow(BaseModel):
    """How an engine runs in a container.

    ``listen``: what makes the server answer to others than its own host. ``entrypoint``: the image starts the first
    word of the command itself. ``shell``: what the whole command is given to. ``shared_memory_gib``: size of
    ``/dev/shm``; 0: the runtime's own is enough. ``grouped``: the command is given on each of several hosts, with
    ``on_other_hosts`` on all but the first. ``kserve``: where KServe starts several hosts by itself.
    """

    model_config = STRICT

    checked: date
    sources: Many[str] = Field(min_length=1)
    port: int
    health_path: str
    listen: Many[str] = ()
    entrypoint: bool = False
    shell: Many[str] = ()
    shared_memory_gib: int = 0
    grouped: bool = False
    on_other_hosts: Many[str] = ()
    kserve: KserveRow | None = None
    images: Many[ImageRow] = Field(min_length=1)


class LaunchRules(Named):
    """One file of ``catalogs/launch``.

    ``notes``: what to know of commands over several hosts, of all where ``notes_on_one_host``. ``usual_formats``: of
    weights, to look at beside the own where a request names none, if a number of the own takes more bits than
    ``usual_above_bits``. ``made_on_load``: how weights are stored that the engine makes of 16 bits while it loads.
    """

    model_config = STRICT

    command: Many[str]
    checked: date
    sources: Many[str]
    notes: Many[str] = ()
    notes_on_one_host: bool = False
    usual_formats: Many[str] = ()
    usual_above_bits: float = 0
    made_on_load: Many[str] = ()
    kv_cache_formats: Many[str] = ()
    several_nodes: Many[str] = ()
    options_file: str | None = None
    one_host: bool = False
    layouts: LayoutRow
    options: Many[LaunchOption] = Field(min_length=1)
    file_options: Many[LaunchOption] = ()
    stated: Many[StatedOption] = ()
    container: ContainerRow | None = None

    @property
    def layout_rules(self) -> LayoutRules:
        """The layouts as the core takes them."""
        return LayoutRules(**self.layouts.model_dump())


@cache
def load_launch_rules(path: Path | None = None) -> Mapping[str, LaunchRules]:
    """Rules of all engines that can be started, by name.

    Raises:
        CatalogError: a file is wrong or misnamed.
    """
    return read_named(LaunchRules, "launch", path)


def launch_rules(engine: str) -> LaunchRules:
    """Rules of one engine.

    Raises:
        UnknownNameError: an engine that plans cannot start.
    """
    rules = load_launch_rules()
    if engine not in rules:
        raise UnknownNameError("engine", engine, tuple(rules), field="engines")
    return rules[engine]
