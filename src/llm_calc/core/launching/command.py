"""The command that starts a plan's engine."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from llm_calc.core.engines.releases import version_numbers
from llm_calc.core.launching.further import Further, further_lines, further_words
from llm_calc.core.launching.rules import LaunchOption, LaunchRules
from llm_calc.core.launching.stated import Stated, stated_words
from llm_calc.core.parallelism import Layout

Value = str | int | float | bool | tuple[str, ...] | None
BESIDE = (
    "draft_method", "draft_config", "draft_model", "draft_tokens", "draft_steps", "draft_branches", "checked_tokens",
    "mtp_tokens", "modelled_tokens", "lookup_tokens", "host_cache_gib", "host_cache_ratio",
    "host_cache_bytes_per_gpu", "host_cache", "adapters", "adapters_at_once", "adapter_rank", "adapter_modules",
    "adapter_matrices", "adapters_on_host", "adapter_paths", "adapter_folders", "adapter_files", "adapter_folder",
    "side",
)  # fmt: skip
"""Quantities of what a plan has beside its engine."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command. ``variable``: the catalog's own, with variables of the host; others mean themselves."""

    text: str
    variable: bool = False

    @property
    def quoted(self) -> str:
        """The word for a shell."""
        return f'"{self.text}"' if self.variable else shlex.quote(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a command has to say. None: what the engine does anyway.

    ``rules``: the engine's. ``model``: a repository or a file. ``hub_file``: a repository and a kind of the files in
    it, in place of the file; ``hub_file_alone``: without the towers that lie beside it. ``max_sequences``: of one
    replica of the attention. ``dtype``: the type that 16-bit weights are loaded in, where it is not the checkpoint's
    own; ``quantize_on_load``: a format that the engine makes of the checkpoint's own while loading. ``stated``: options
    by a request's names, before all else; ``further``: those that nothing counts; ``release``: whose options they are;
    ``held``: that of an image, where it is another.
    ``beside``: of a draft, of adapters, of memories below the GPU's.
    """

    rules: LaunchRules
    model: str
    hub_file: str | None = None
    hub_file_alone: bool = False
    layout: Layout
    gpus_per_node: int
    context_tokens: int | None = None
    max_sequences: int | None = None
    max_batched_tokens: int | None = None
    memory_fraction: float | None = None
    dtype: str | None = None
    quantize_on_load: str | None = None
    kv_cache: str | None = None
    layers: int = 0
    stated: Stated = ()
    further: tuple[Further, ...] = ()
    release: str | None = None
    held: str | None = None
    beside: Mapping[str, Value] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return self.rules.name

    @property
    def nodes(self) -> int:
        """Hosts that the layout fills [nodes].

        ``ceil(GPUs / GPUs a host)``.
        Definition: hosts are filled one after the other.
        """
        return -(-self.layout.gpus // self.gpus_per_node)


def launch_command(launch: Launch) -> str:
    """A shell command under the engine's documented options, after the file of options that it reads, if any."""
    return file_command(launch) + " ".join(word.quoted for word in launch_words(launch))


def launch_words(launch: Launch) -> list[Word]:
    """The words of the command."""
    rules = launch.rules
    values = _values(launch) | {"options_file": rules.options_file if _file_text(rules, launch) else None}
    words = [Word(word.format(model=values["model"])) for word in rules.command]
    if launch.nodes > 1:
        shape = {"nodes": launch.nodes, "gpus": launch.layout.gpus}
        words = [*(Word(word.format(**shape)) for word in rules.several_nodes), *words]
    said = dict(stated_words(rules, launch.stated, launch.release, in_file=False))
    for option in rules.options:
        own = said.pop(option.option, None)
        words += _words(option, values[option.takes]) if own is None else map(Word, own)
    more = {} if rules.further is None else further_words(rules.further, launch.further)
    words = _as_one(words, rules, launch.held or launch.release)
    return [*words, *(Word(word) for own in (*said.values(), *more.values()) for word in own)]


def _as_one(words: list[Word], rules: LaunchRules, release: str | None) -> list[Word]:
    """The words with one option in the place of two, where the release has it."""
    numbers = None if release is None else version_numbers(release)
    for row in rules.one:
        has = numbers is None or numbers >= (version_numbers(row.since) or ())
        if has and {Word(row.option), Word(row.switch)} <= {*words}:
            kept = (word for word in words if word != Word(row.switch))
            words = [Word(row.together) if word == Word(row.option) else word for word in kept]
    return words


def file_command(launch: Launch) -> str:
    """What writes the file of options, up to the engine's own command; empty where there is none."""
    rules = launch.rules
    text = _file_text(rules, launch)
    return f"printf {shlex.quote(text)} > {rules.options_file} && " if text else ""


def launch_notes(rules: LaunchRules, nodes: int, *, foreign_weights: str | None) -> list[str]:
    """What the command takes for granted."""
    notes = list(rules.notes) if nodes > 1 or rules.notes_on_one_host else []
    if foreign_weights is not None:
        notes.append(f"the command names a checkpoint in {foreign_weights}, which has to be at hand")
    return notes


def _values(launch: Launch) -> dict[str, Value]:
    """Each quantity that an option can take, None where the option is not needed."""
    layout = launch.layout
    several = launch.nodes > 1
    return {
        "model": _operand(launch.model) if launch.hub_file is None else None,
        "hub_file": launch.hub_file,
        "hub_file_alone": launch.hub_file_alone or None,
        "tensor": _above_one(layout.tensor),
        "pipeline": _above_one(layout.pipeline),
        "data": _above_one(layout.data),
        "expert": _above_one(layout.expert),
        "stage_gpus": _above_one(layout.stage_gpus),
        "experts_dealt": layout.expert > 1 or None,
        "attention_replicated": layout.data > 1 or None,
        "nodes": launch.nodes if several else None,
        "several_nodes": several or None,
        "several_gpus": layout.gpus > 1 or None,
        "context_tokens": launch.context_tokens,
        "max_sequences": launch.max_sequences,
        "all_sequences": None if launch.max_sequences is None else launch.max_sequences * layout.data,
        "max_batched_tokens": launch.max_batched_tokens,
        "memory_fraction": launch.memory_fraction,
        "dtype": launch.dtype,
        "quantize_on_load": launch.quantize_on_load,
        "kv_cache": launch.kv_cache,
        "gpu_layers": launch.layers + 1,
        "fused_attention": True,
        **dict.fromkeys(BESIDE),
        **launch.beside,
    }


def _operand(model: str) -> str:
    """The model's name where no engine takes it for an option."""
    return f"./{model}" if model.startswith("-") else model


def _above_one(size: int) -> int | None:
    return size if size > 1 else None


def _words(option: LaunchOption, value: Value) -> list[Word]:
    """The option with its value, or nothing; what the catalog writes in its place may be a variable of the host."""
    if value is None:
        return []
    name = Word(option.option)
    if isinstance(value, tuple):
        texts = [each if option.values is None else option.values.get(each) for each in value]
        words = [Word(text) for text in texts if text is not None]
        return [name, *words] if words else []
    if option.values is not None:
        return [name, Word(option.values[str(value)])] if str(value) in option.values else []
    if option.fixed is not None:
        return [name, Word(option.fixed, option.fixed.startswith("$"))]
    return [name] if value is True else [name, Word(str(value))]


def _file_text(rules: LaunchRules, launch: Launch) -> str:
    """Options that stand in a file, as YAML; dots nest. Backslash-n for ``printf``."""
    found: dict[str, list[str]] = {}
    for name, text in _file_options(rules, launch).items():
        outer, _, inner = name.rpartition(".")
        found.setdefault(f"{outer}:" if outer else f"{name}: {text}", []).extend(
            [f"  {inner}: {text}"] if outer else []
        )
    return "".join(f"{line}\\n" for head, lines in found.items() for line in (head, *lines))


def _file_options(rules: LaunchRules, launch: Launch) -> dict[str, str]:
    """The file's options by their dotted names; what is stated goes before what follows from the deployment."""
    values = _values(launch)
    own = {option.option: _in_file(option, values[option.takes]) for option in rules.file_options}
    said = {**own, **stated_words(rules, launch.stated, launch.release, in_file=True)}
    found = {name: words[1] if len(words) > 1 else "true" for name, words in said.items() if words}
    more = {} if rules.further is None else further_lines(rules.further, launch.further)
    return found | {name: _for_printf(text) for name, text in more.items()}


def _for_printf(text: str) -> str:
    r"""Text that ``printf`` writes as it is: it reads ``%`` and ``\``."""
    return text.replace("\\", "\\\\").replace("%", "%%")


def _in_file(option: LaunchOption, value: Value) -> list[str]:
    """The option and its value as YAML; several values are a list."""
    name, *rest = [word.text for word in _words(option, value)] or [""]
    if rest and isinstance(value, tuple):
        return [name, f"[{', '.join(rest)}]"]
    return [name, *rest] if name else []
