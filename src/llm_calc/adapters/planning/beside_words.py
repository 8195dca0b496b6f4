"""What a plan has beside its engine, as quantities of its command and as notes."""

import json
from collections.abc import Container, Iterator, Mapping

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.lora import lora_words
from llm_calc.adapters.planning.ways import Way
from llm_calc.adapters.variants import published
from llm_calc.core.engines import Engine, traits_of
from llm_calc.core.engines.dealt_check import dealt_words
from llm_calc.core.engines.lora import ALL
from llm_calc.core.launching.command import Value
from llm_calc.core.launching.rules import LaunchRules

HEADS = ("eagle", "eagle3")
MOST_NAMED = 16
"""Adapters that a command names."""
PLACES = ("adapter_paths", "adapter_folders", "adapter_files")
ADAPTER_PLACES = (*PLACES, "adapter_folder")
MATRICES = ("adapter_modules", "adapter_matrices")


def draft_word(way: Way, repository: str, catalogs: Catalogs) -> str | None:
    """What a command calls the draft: a smaller model's repository, or the folder of a head; None without one."""
    part = way.speculative
    if part is None or part.draft is None or part.draft.name is None:
        return f"{repository.rpartition('/')[2]}-draft"
    return published(catalogs, part.draft.name).repository(part.draft.name)


def beside_values(placed: Placed, way: Way, draft: str | None) -> Mapping[str, Value]:
    """Quantities of a draft, of adapters and of the host's memory."""
    return {**_draft(placed, way, draft), **_adapters(placed, way), **_host(placed)}


def _draft(placed: Placed, way: Way, draft: str | None) -> Mapping[str, Value]:
    part, method = way.speculative, placed.beside.draft.method or "draft_model"
    if part is None:
        return {}
    named = _as_file(placed, draft) if method in (*HEADS, "draft_model") else None
    config = {"method": method, "model": named, "num_speculative_tokens": part.draft_tokens}
    trees = method != "ngram"
    return {
        "draft_method": method,
        "draft_config": json.dumps({name: value for name, value in config.items() if value is not None}),
        "draft_model": named,
        "draft_tokens": None if method == "mtp" else part.draft_tokens,
        "mtp_tokens": part.draft_tokens if method == "mtp" else None,
        "modelled_tokens": part.draft_tokens if trees else None,
        "lookup_tokens": None if trees else part.draft_tokens,
        "draft_steps": part.draft_tokens if trees else None,
        "draft_branches": 1 if trees else None,
        "checked_tokens": part.draft_tokens + 1,
    }


def _as_file(placed: Placed, draft: str | None) -> str | None:
    """The draft as engines of GGUF files load it: a file."""
    if draft is None or not traits_of(placed.engine).formats.gguf_alone:
        return draft
    return f"{draft.rpartition('/')[2]}.gguf"


def _adapters(placed: Placed, way: Way) -> Mapping[str, Value]:
    part, served = way.lora, placed.beside.lora
    if part is None or served is None:
        return {}
    everything = served.adapter.targets == ALL and traits_of(placed.engine).lora.all_word
    return {
        "adapters": True,
        "adapters_at_once": served.reserve.slots,
        "adapter_rank": served.reserve.rank,
        "adapter_modules": "all" if everything else served.modules,
        "adapter_matrices": served.modules,
        "adapters_on_host": part.cpu_adapters,
        **_places(part.adapters),
    }


def _places(adapters: int) -> Mapping[str, Value]:
    """Names that stand for those of the adapters, and where each lies."""
    names = tuple(f"adapter-{number}" for number in range(1, min(adapters, MOST_NAMED) + 1))
    return {
        "adapter_paths": tuple(f"{name}=./{name}" for name in names),
        "adapter_folders": names,
        "adapter_files": ",".join(f"{name}.gguf" for name in names),
        "adapter_folder": names[0] if adapters == 1 else None,
    }


def _host(placed: Placed) -> Mapping[str, Value]:
    """The host's tier: in all of one engine's GPUs, over the cache of the GPUs, and of one GPU's share."""
    room, layout = placed.room, placed.layout
    tier = None if room is None else next((each for each in room.tiers if each.name == "host"), None)
    if room is None or tier is None:
        return {}
    each = tier.capacity_tokens / layout.data * placed.timed_plan.bytes_per_token
    return {
        "host_cache": True,
        "host_cache_gib": round(each * layout.tensor * layout.pipeline / 2**30, 1),
        "host_cache_ratio": round(tier.capacity_tokens / room.capacity_tokens, 3),
        "host_cache_bytes_per_gpu": round(each),
    }


def says_draft(rules: LaunchRules, method: str) -> bool:
    """Whether a command has a word for speculation by a method."""
    words = {option.takes: option.values for option in (*rules.options, *rules.file_options)}
    if "draft_method" in words:
        return method in (words["draft_method"] or {})
    return "draft_config" in words or ("draft_model" in words and method == "draft_model")


def _unsaid_matrices(placed: Placed, rules: LaunchRules) -> Iterator[str]:
    """Matrices of adapters that an engine which is told them has no names for."""
    served = placed.beside.lora
    rows = [row for row in (*rules.options, *rules.file_options) if row.takes in MATRICES]
    if (
        served is None
        or not rows
        or (served.adapter.targets == ALL and traits_of(placed.engine).lora.all_word)
    ):
        return
    unknown = [name for name in served.modules if name not in (rows[0].values or {})]
    if unknown:
        yield (
            f"lora: the command has no word for {', '.join(unknown)}, which adapters change; {placed.engine} may not "
            "load them"
        )


def unsaid_beside(placed: Placed, way: Way, rules: LaunchRules) -> Iterator[str]:
    """What the command has no word for, and what it names that has to be at hand."""
    taken = {option.takes for option in (*rules.options, *rules.file_options)}
    yield from _draft_at_hand(placed, way)
    yield from _unsaid_matrices(placed, rules)
    if way.lora is not None:
        yield _adapter_words(way.lora.adapters, taken)
    ratio = _host(placed).get("host_cache_ratio")
    if "host_cache_ratio" in taken and isinstance(ratio, float) and ratio <= 1:
        yield (
            f"kv_tiers: with --hicache-ratio {ratio:g} the host holds no more than the GPUs; SGLang 0.5.23 starts with "
            "a warning, releases up to 0.5.13 do not start; above 1 all do"
        )
    hosts = any(name.startswith("host_cache") for name in taken)
    for tier in way.tiers:
        if tier.tier != "host" or not hosts:
            yield f"kv_tiers: the launch command has no word for {tier.tier}"


def _draft_at_hand(placed: Placed, way: Way) -> Iterator[str]:
    """Files of a draft that nobody publishes under the name that a command gives them."""
    method = placed.beside.draft.method or "draft_model"
    if way.speculative is None:
        return
    if method in HEADS:
        yield "the command names a draft head, which has to be at hand"
    elif traits_of(placed.engine).formats.gguf_alone and method == "draft_model":
        yield "the command names a file of the draft, which has to be at hand"
    elif traits_of(placed.engine).formats.gguf_alone and method == "mtp":
        yield "the command takes the file to hold the prediction layers of the model as well"


def _adapter_words(adapters: int, taken: Container[str]) -> str:
    """What the names of adapters in a command stand for."""
    if not any(name in taken for name in PLACES) and not ("adapter_folder" in taken and adapters == 1):
        return "lora: the launch command has no word for it"
    named = min(adapters, MOST_NAMED)
    which = "adapter-1 stands" if named == 1 else f"adapter-1 to adapter-{named} stand"
    rest = f" of the first {named} of {adapters}" if adapters > named else ""
    return (
        f"lora: {which} for the names and folders (llama.cpp: files) of your adapters{rest}; write yours, and leave "
        "out those that are loaded later; manifests name none"
    )


def way_notes(placed: Placed, engine: Engine) -> Iterator[str]:
    """What was taken for granted of a draft, of adapters and of contexts over GPUs."""
    yield from placed.beside.draft.words
    yield from lora_words(placed.beside.lora)
    yield from dealt_words(engine)
