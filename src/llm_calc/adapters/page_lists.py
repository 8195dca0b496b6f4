"""What the page offers for choice: engines, formats, hosts and loads by name, all from the catalogs."""

import csv
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from llm_calc.adapters.cache_types import kept_formats
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import catalog_folder
from llm_calc.adapters.engine_catalog import load_engine_releases
from llm_calc.adapters.hosts import load_platforms
from llm_calc.adapters.links import SESSIONS, link_defaults_text
from llm_calc.adapters.listings import available_engines, available_formats
from llm_calc.adapters.page_fields import further_fields
from llm_calc.adapters.presets import load_presets
from llm_calc.adapters.wire.listings import AvailableEngine, AvailableFormat
from llm_calc.adapters.workload_catalog import PresetWorkload, load_workloads
from llm_calc.core.engines import ANY_ENGINE, engines_that, traits_of

SHORTEST_CONTEXT = 8192


def page_table_text(catalogs: Catalogs) -> str:
    """What a link means where it is silent, and what the page offers for choice, as JSON."""
    table = json.loads(link_defaults_text())
    return json.dumps({**table, "lists": page_lists(catalogs, table["session_fields"])}, ensure_ascii=False)


def page_lists(catalogs: Catalogs, session_fields: Mapping[str, str]) -> dict[str, Any]:
    """Engines as ``[name, title]``, formats by engine, hosts, loads as keys of a link, and the page's words."""
    titles = {name: releases[-1].title for name, releases in load_engine_releases().items()}
    by_title = sorted(titles.items(), key=lambda each: (each[0] == ANY_ENGINE, each[1].lower()))
    formats = available_formats(catalogs)
    words = json.loads((files(__package__) / "page_words.json").read_text(encoding="utf-8"))
    lists: dict[str, Any] = {
        "engines": [list(each) for each in by_title],
        "weights": {name: [each.name for each in formats if _stores(each, name)] for name in titles},
        "caches": {name: kept_formats(name) for name in titles},
        "hosts": [each.id for each in load_platforms().platforms],
        "runs": {each.name: _gpus(each) for each in available_engines(catalogs) if each.runs_on},
        "without_sessions": sorted(engines_that(lambda each: not each.load.sessions)),
        "own": sorted(engines_that(lambda each: each.load.own_machine)),
        "logged": sorted(filter(_is_logged, titles)),
        "smaller": {name: _smaller(name) for name in titles},
        **words,
        "fields": {**{path: each["label"] for path, each in further_fields().items()}, **words["fields"]},
        "presets": [
            {
                "name": preset.name.partition(":")[0],
                "title": preset.name,
                "set": _keys(preset.workload, session_fields),
                "turn": _turn(preset.workload),
            }
            for preset in load_workloads().values()
        ],
    }
    return _with_presets(lists)


def _with_presets(lists: dict[str, Any]) -> dict[str, Any]:
    """The lists with programs that start an engine by their own defaults, each offered what that engine is."""
    for preset in load_presets().values():
        lists["engines"].insert(-1, [preset.name, preset.title])
        for each in ("weights", "caches", "smaller", "runs"):
            lists[each][preset.name] = lists[each][preset.engine]
        for each in ("without_sessions", "own"):
            lists[each].append(preset.name)
    lists["engines"] = [
        *sorted(lists["engines"][:-1], key=lambda each: each[1].lower()),
        lists["engines"][-1],
    ]
    return lists


def _is_logged(engine: str) -> bool:
    """Whether start-up logs of an engine are known, which its rules are held against."""
    logs = catalog_folder("engines") / "startup_logs.csv"
    text = logs.read_text(encoding="utf-8") if logs.exists() else ""
    return any(row["engine"] == engine for row in csv.DictReader(text.splitlines()))


def _smaller(engine: str) -> list[str]:
    """Formats of fewer bits that are worth a look: of weights about four, of the cache eight; empty: none."""
    formats = traits_of(engine).formats
    weights = next((each for each in formats.advised_weights if "4" in each), "")
    return [weights, next(iter(formats.advised_caches if engine != ANY_ENGINE else ()), "")]


def _gpus(engine: AvailableEngine) -> list[str]:
    """The GPUs that an engine runs on."""
    return sorted({gpu for row in engine.runs_on for gpu in row.gpus})


def _turn(load: PresetWorkload) -> dict[str, str]:
    """The mean turn of a load by name for engines whose prompt caches are not modelled: its context is kept in a slot.

    ``prompt = first + (turns - 1) / 2 x (growth + answer)``; of it ``first + (turns - 1) x growth`` in all are new.
    """
    part = load.sessions
    if part is None:
        return {}
    later = part.turns - 1
    prompt = load.input_tokens + later / 2 * (part.growth_tokens + load.output_tokens)
    new = (load.input_tokens + later * part.growth_tokens) / part.turns
    return {
        "load": "c",
        "i": str(round(prompt)),
        "o": str(load.output_tokens),
        "px": f"{1 - new / prompt:.2f}",
    }


def _stores(entry: AvailableFormat, engine: str) -> bool:
    """Whether an engine is given such weights: GGUF kinds where it runs no others, else checkpoints that it loads."""
    gguf_alone = traits_of(engine).formats.gguf_alone
    if gguf_alone or entry.is_gguf:
        return entry.is_gguf and gguf_alone
    return engine == ANY_ENGINE or engine in entry.engines


def _keys(load: PresetWorkload, session_fields: Mapping[str, str]) -> dict[str, str]:
    """A load as keys of a link, and a context in which its longest request has room."""
    said: dict[str, float | str] = {"i": load.input_tokens, "o": load.output_tokens, "px": ""}
    said["load"] = "off" if load.offline else "c"
    longest = load.input_tokens + load.output_tokens
    if load.sessions is not None:
        turns = load.sessions.model_dump()
        said |= {"load": SESSIONS, **{key: turns[field] for key, field in session_fields.items()}}
        longest += (load.sessions.turns - 1) * (load.sessions.growth_tokens + load.output_tokens)
    context = max(SHORTEST_CONTEXT, 1 << (longest - 1).bit_length())
    texts = {key: value if isinstance(value, str) else f"{value:.15g}" for key, value in said.items()}
    return {**texts, "len": str(context)}
