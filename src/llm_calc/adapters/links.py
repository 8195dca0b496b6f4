"""Links of the page, read back into the requests that the page sends for them.

A link holds what differs from the page's example: ``/?v=1&m=…&g=…`` for the first scenario, ``b.`` to ``d.`` before
a key for what further scenarios change in it, and pasted files behind ``#``, as a JSON list in base64url. The example,
the keys and the names of their fields stand in ``link_defaults.json`` alone.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json

from llm_calc.adapters.json_twice import json_once
from llm_calc.adapters.link_fields import Body, number_of, parts_for_plans, refused, shown, with_further
from llm_calc.adapters.link_pairs import said_again, said_in_vain, without_format
from llm_calc.adapters.page_fields import JSON_KEY, foreign_parts, further_fields, further_groups
from llm_calc.adapters.units import GIB
from llm_calc.core.errors import InvalidInputError

State = dict[str, str]
LETTERS = "ABCD"
AUTO = "auto"
SESSIONS = "s"
"""The load of a link that is sessions; the others have requests by themselves."""
EXAMPLE = "http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&g=l40s&n=1"
_KEY = re.compile(r"(?:(?P<letter>[b-d])\.)?(?P<name>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedScenario:
    """One scenario of a link.

    ``letter``: A to D, as the page calls it. ``state``: the page's form, a text for every key. ``source``: a pasted
    file, ``{"kind": "gguf" | …, "content": …}``. ``unsaid_format``: a model is named, and no format of its weights.
    """

    letter: str
    state: State
    source: Body | None
    unsaid_format: bool = False

    @property
    def serving_estimate(self) -> Body:
        """The body of ``/api/serving_estimate``."""
        return self.deployment()

    @property
    def memory_plan(self) -> Body:
        """The body of ``/api/memory_plan`` with the cache that the form says.

        Where that is ``auto``, the page asks for the format that the estimate took: ``deployment(kv_cache)``.
        """
        return self.deployment(to="memory")

    @property
    def for_plans(self) -> list[str]:
        """Keys that say something which no estimate reads."""
        return parts_for_plans(self.state)

    @property
    def usd_per_gpu_hour(self) -> float | None:
        """The price that the form says [USD/h]; None: the catalog's."""
        price = self._number("usd")
        if price is not None and price < 0:
            raise refused("usd", f"must be 0 or more, not {price}")
        return price

    def deployment(self, kv_cache: str = AUTO, to: str = "estimate") -> Body:
        """The request for this scenario; ``kv_cache`` is the cache's format where the form leaves it open.

        ``to``: which request, estimate or memory.

        Raises:
            InvalidInputError: a value that cannot be right; names its key and what is accepted.
        """
        _ = self.usd_per_gpu_hour  # a price that cannot be right is refused wherever it would not show
        state = self.state
        kept = kv_cache if state["kv"] == AUTO else state["kv"]
        layout = self._numbers(_table()["layout_fields"])
        body = _lean(
            {
                "model": self._model(),
                "precision": _lean({"weights": state["w"] or None, "kv_cache": kept}),
                "hardware": self._hardware(),
                "parallelism": layout or None,
                "engine": self._engine(),
                "workload": self._workload(),
            }
        )
        return with_further(body, state, to)

    def _model(self) -> Body:
        if self.source is not None:
            return _pasted(self.source)
        table = _table()
        if self.state["m"] == table["custom_model"]:
            return {"custom": self._numbers(table["custom_fields"])}
        return {"name": self.state["m"]}

    def _hardware(self) -> Body | list[Body]:
        memory_gib = self._number("mem")
        memory = None if memory_gib is None else round(memory_gib * GIB)
        said = _lean({"count": self._number("n"), "gpu_memory_bytes": memory, "host": self._host()})
        gpus = [name.strip() for name in self.state["g"].split(",") if name.strip()]
        if len(gpus) > 1:
            return [_lean({"gpu": name, **(said if at == 0 else {})}) for at, name in enumerate(gpus)]
        return {"gpu": self.state["g"], **said}

    def _host(self) -> Body | None:
        """The machine around the GPUs; an answer says where its engine leaves nothing there."""
        memory_gib = self._number("hmem")
        memory = None if memory_gib is None else round(memory_gib * GIB)
        host = _lean({"platform": self.state["host"].strip() or None, "memory_bytes": memory})
        return host or None

    def _engine(self) -> Body:
        flags: Mapping[str, Mapping[str, str]] = _table()["engine_flags"]
        name, version = self._choice("e", flags), self.state["ev"].strip() or None
        return _lean({"name": name, "version": version, **self._numbers(flags[name])})

    def _workload(self) -> Body:
        fields: Mapping[str, str] = _table()["load_fields"]
        load = self._choice("load", fields)
        amount = True if fields[load] == "offline" else self._number(load)
        sessions = self._numbers(_table()["session_fields"]) if load == SESSIONS else None
        return _lean(
            {
                "input_tokens": self._number("i"),
                "output_tokens": self._number("o"),
                fields[load]: amount,
                "prefix_cache_hit_fraction": self._number("px"),
                "sessions": sessions,
            }
        )

    def _choice(self, key: str, accepted: Mapping[str, object]) -> str:
        value = self.state[key]
        if value not in accepted:
            raise refused(key, f"must be one of {', '.join(accepted)}, not {shown(value)}")
        return value

    def _numbers(self, fields: Mapping[str, str]) -> Body:
        return _lean({field: self._number(key) for key, field in fields.items()})

    def _number(self, key: str) -> int | float | None:
        return number_of(key, self.state[key])


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that was read: its ``unknown`` parts, as ``key=value``, and sentences on values that were ``replaced``."""

    scenarios: tuple[LinkedScenario, ...]
    unknown: tuple[str, ...]
    replaced: tuple[str, ...] = ()

    def scenario(self, letter: str) -> LinkedScenario:
        """The scenario of a letter.

        Raises:
            InvalidInputError: the link has none of that letter.
        """
        for each in self.scenarios:
            if each.letter == letter.strip().upper():
                return each
        known = ", ".join(each.letter for each in self.scenarios)
        raise InvalidInputError(f"scenario: the link has {known}, not {shown(letter)}", field="scenario")


def requests_of(link: str) -> list[LinkedScenario]:
    """The scenarios of a link, each with the bodies of its requests.

    >>> first, second = requests_of("http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&n=1&b.g=l40s")
    >>> first.serving_estimate["model"], second.serving_estimate["hardware"]
    ({'name': 'llama-3.1-8b'}, {'gpu': 'l40s', 'count': 1})

    Raises:
        InvalidInputError: it is no link of the page; says what is accepted.
    """
    return list(read_link(link).scenarios)


def read_link(link: str) -> Link:
    """A link of the page: a whole address, or what stands behind the ``?`` in it.

    Raises:
        InvalidInputError: it is no link of the page; says what is accepted.
    """
    before, hash_mark, fragment = link.strip().partition("#")
    address, question_mark, query = before.partition("?")
    if not question_mark and "=" in address and "/" not in address.partition("=")[0]:
        address, query = "", address
    if not (query or hash_mark or "/" in address):
        raise InvalidInputError(f"link: must be an address of the page, such as {EXAMPLE}", field="link")
    first, others = dict(_table()["defaults"]), dict[str, State]()
    pairs = parse_qsl(query, keep_blank_values=True)
    unknown: list[str] = []
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        letter, name = (match["letter"], match["name"]) if match else (None, key)
        if (name in _table()["ignored"] or name in _table()["view"]) and not letter:
            _check_version(name, value)
        elif name not in first:
            unknown.append(f"{key}={value}")
        else:
            (others.setdefault(letter, {}) if letter else first)[name] = value
    by_letter = {"": first, **{letter: {**first, **others[letter]} for letter in sorted(others)}}
    states = list(by_letter.values())
    unsaid = without_format(pairs, sorted(others))
    sources = _sources(fragment, len(states))
    return Link(
        scenarios=tuple(
            LinkedScenario(letter=letter, state=state, source=source, unsaid_format=open_format)
            for letter, state, source, open_format in zip(LETTERS, states, sources, unsaid, strict=False)
        ),
        unknown=tuple(unknown),
        replaced=(*said_again(pairs), *said_in_vain(pairs, by_letter, _table())),
    )


@cache
def link_defaults_text() -> str:
    """What a link means where it is silent, its keys and their fields, as JSON: the page and this module share it."""
    table = json.loads((files(__package__) / "link_defaults.json").read_text(encoding="utf-8"))
    silent = dict.fromkeys([*further_fields(), JSON_KEY], "")
    whole = {
        **table,
        "defaults": {**table["defaults"], **silent},
        "further": further_groups(),
        "foreign": foreign_parts(),
    }
    return json.dumps(whole, ensure_ascii=False)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = from_json(link_defaults_text())
    return table


def _check_version(name: str, value: str) -> None:
    version = _table()["version"]
    if name == "v" and value != str(version):
        raise refused("v", f"must be {version}, the version of links that is known here, not {shown(value)}")


def _sources(fragment: str, count: int) -> list[Body | None]:
    """The pasted file of each scenario, None where it has none."""
    if not fragment:
        return [None] * count
    try:
        padded = fragment + "=" * (-len(fragment) % 4)
        content = json_once(base64.b64decode(padded, altchars=b"-_", validate=True), where="link: #")
    except (ValueError, binascii.Error):
        msg = "link: what stands behind # holds pasted files and cannot be read; was the link cut off?"
        raise InvalidInputError(msg, field="link") from None
    if not isinstance(content, list) or not all(map(_is_source, content)):
        msg = "link: what stands behind # must be a list with a pasted file or null for each scenario"
        raise InvalidInputError(msg, field="link")
    return [*content[:count], *[None] * (count - len(content))]


def _pasted(source: Body) -> Body:
    """The model of a pasted file: a GGUF header in base64, a config.json letter by letter."""
    content, name = source["content"], source.get("name", "the pasted file")
    if not content:
        raise InvalidInputError(
            f"link: {name} was too long for the link: give it as MODEL instead", field="link"
        )
    if source.get("kind") == "gguf":
        return {"gguf_base64": content}
    try:
        beside = {
            file: json_once(text, where=f"link: {file}") for file, text in source.get("files", {}).items()
        }
        config = json_once(content, where=f"link: {name}")
    except ValueError:
        raise InvalidInputError(f"link: {name} is no config.json", field="link") from None
    return {"hf_config": config, **({"quantization_files": beside} if beside else {})}


def _is_source(entry: object) -> bool:
    if not isinstance(entry, dict):
        return entry is None
    files = entry.get("files", {})
    texts = isinstance(files, dict) and all(isinstance(text, str) for text in files.values())
    return texts and isinstance(entry.get("content"), str)


def _lean(fields: Mapping[str, Any]) -> Body:
    """Without what is not there."""
    return {name: value for name, value in fields.items() if value is not None}
