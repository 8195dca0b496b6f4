"""What is known of starting engines: options by the documented names, containers, and layouts that these express."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_calc.core.planning.space import LayoutRules

Quantity = Literal[
    "model",
    "hub_file",
    "hub_file_alone",
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
    "modelled_tokens",
    "lookup_tokens",
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
    "adapter_paths",
    "adapter_folders",
    "adapter_files",
    "adapter_folder",
    "side",
]
"""What an option can be given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOption:
    """An option under its documented name.

    ``takes``: the quantity that it is given, which is left out where it is the engine's own default. ``fixed``: what is
    written instead of the quantity. ``values``: the engine's words for ours, of each of several; others are left out.
    """

    option: str
    takes: Quantity
    fixed: str | None
    values: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedOption:
    """How a command says an option of the engine's part of a request: under ``option``, else in the file of options.

    ``states``: the request's name. ``on``, ``off``: what is written after the option where it is true or false; a word
    that begins with a dash stands in the option's place. Without ``on`` the option alone; without ``off`` nothing can
    be written. ``joined``: what stands between several values; without it each is a word. ``values``: the engine's
    words. ``earlier``: the option by the release whose rules answer, where it had another name.
    """

    states: str
    option: str
    in_file: bool
    on: str | None
    off: str | None
    joined: str | None
    values: Mapping[str, str]
    earlier: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOption:
    """An option that says what ``option`` and ``switch`` say ``together``, ``since`` a release."""

    option: str
    switch: str
    together: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherRules:
    """How a command says options that nothing here counts, by their names.

    ``dashes``: underscores become dashes. ``off_all``, ``off``: all switches, or these, have a word with ``no``.
    ``joins``: a value may follow a sign of equality. ``nested``: objects whose keys are options with a dot.
    ``on_line``: what stands on the command line where there is a file of options, all else in that, ``within`` its
    parts. ``own``: what a plan says itself.
    """

    dashes: bool
    off_all: bool
    off: tuple[str, ...]
    joins: bool
    nested: tuple[str, ...]
    on_line: tuple[str, ...]
    within: Mapping[str, tuple[str, ...]]
    own: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A public image for the chips of one vendor.

    ``families``: compute capabilities by name, or generations of chips that have none; all if empty. ``image``:
    ``{version}`` stands for the release. ``version``: what an image holds whose tag does not follow from the release.
    """

    vendor: str
    families: tuple[str, ...]
    image: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kserve:
    """How KServe starts the engine over several hosts by itself: on whose chips, and options that it writes."""

    vendor: str
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynamo:
    """How NVIDIA Dynamo starts the engine: the program of its worker, its image and the release that it holds.

    ``model``: the option for the model. ``mode``: options that take the side, where the engine has none of its own.
    ``renamed``: the engine's options under the worker's names. ``listens``: it takes the engine's words of where to
    listen. ``groups``: one worker starts all groups of the attention.
    """

    vendor: str
    command: tuple[str, ...]
    model: str
    mode: tuple[str, ...]
    renamed: Mapping[str, str]
    listens: bool
    groups: bool
    image: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmD:
    """How llm-d's Helm chart starts the engine: options that it writes itself, and what its values say of the rest.

    ``chart``: its name, release and date. ``accelerators``: its names for chips, by what device plugins call them.
    ``proxy``: the image beside a decoding engine, and ``connector`` what it is told of how caches travel.
    ``connected``: the maker whose images are known to have that.
    """

    chart: str
    sets: tuple[str, ...]
    accelerators: Mapping[str, str]
    proxy: str
    connector: str
    connected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a vendor's device plugin calls its chips; ``families``: capabilities or generations, all if empty."""

    vendor: str
    families: tuple[str, ...]
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How an engine runs in a container.

    ``listen``: what makes the server answer to others than its own host; ``own``: options of a request that would have
    it answer elsewhere, or not in plain HTTP. ``entrypoint``: the image starts the first
    word of the command itself. ``shell``: what the whole command is given to. ``shared_memory_gib``: size of
    ``/dev/shm``; 0: the runtime's own is enough. ``grouped``: the command is given on each of several hosts, with
    ``on_other_hosts`` on all but the first. ``kserve``: where KServe starts several hosts by itself. ``dynamo``: where
    Dynamo has a worker of it. ``llm_d``: where llm-d's chart writes its command.
    """

    port: int
    health_path: str
    listen: tuple[str, ...]
    own: tuple[str, ...]
    entrypoint: bool
    shell: tuple[str, ...]
    shared_memory_gib: int
    grouped: bool
    on_other_hosts: tuple[str, ...]
    kserve: Kserve | None
    dynamo: Dynamo | None
    llm_d: LlmD | None
    images: tuple[Image, ...]
    resources: tuple[Resource, ...]
    """Names under which clusters count chips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRules:
    """How one engine is started.

    ``notes``: what to know of commands over several hosts, of all where ``notes_on_one_host``. ``usual_formats``: of
    weights, to look at beside the own where a request names none, if a number of the own takes more bits than
    ``usual_above_bits``. ``made_on_load``: how weights are stored that the engine makes of 16 bits while it loads.
    ``one``: options that stand for two.
    """

    name: str
    command: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    notes_on_one_host: bool
    usual_formats: tuple[str, ...]
    usual_above_bits: float
    made_on_load: tuple[str, ...]
    kv_cache_formats: tuple[str, ...]
    several_nodes: tuple[str, ...]
    options_file: str | None
    one_host: bool
    layout_rules: LayoutRules
    options: tuple[LaunchOption, ...]
    file_options: tuple[LaunchOption, ...]
    stated: tuple[StatedOption, ...]
    one: tuple[OneOption, ...]
    further: FurtherRules | None
    container: Container | None
