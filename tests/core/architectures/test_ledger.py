"""Every key of a file ends in one of three places: it acts, a table says why it does not, or the answer names it.

Each key of each catalog model and of one configuration of each other type, counted or the defaults of its class, is
changed, alone; and removed, made null, given a word that nobody knows, lists longer, shorter and ending in one. Of the
latter a run takes the share of the day; ``LEDGER=all`` takes all of it.
"""

import datetime as dt
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters import config_file
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.key_tables import key_tables
from llm_calc.core.architectures.defaults import ClassDefaults
from llm_calc.core.architectures.fields import QUANTIZATION_KEYS, Fields
from llm_calc.core.architectures.fields import ROOT as ROOT_PATH
from llm_calc.core.architectures.neutral import PUBLISHED_AS, class_defaults, is_understood, passed_by
from llm_calc.core.architectures.reading import Reading
from llm_calc.core.architectures.registry import known_types
from llm_calc.core.architectures.towers.table import TOWERS
from llm_calc.core.errors import CalcError

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "src" / "llm_calc" / "core" / "architectures"
TABLES = key_tables()
UNCOUNTED = ("mllama", "moshi")
"""Types of which a part is left out as a whole, which the answer says or the named class decides."""
SHARES = 8
TODAY = dt.date.today().toordinal() % SHARES  # noqa: DTZ011 - which share a run takes
GONE = object()
FILLED_IN = (None, "auto")
"""Defaults that a class replaces by what other keys say."""
DERIVED = ("num_key_value_heads", "head_dim")
"""Where a class fills null in by what other keys say."""
SAME_IN_EFFECT = frozenset(
    {
        "gemma4_unified_assistant.num_kv_shared_layers",
        "hrm_text.num_hidden_layers",
        "laguna.gating",
        "qwen2_moe.mlp_only_layers",
    }
)
"""Another word for what the class assumes, or what it takes from other keys."""
COMPLETED = ("glmasr", "vibevoice", "voxtral", "voxtral_realtime")
"""Types whose class fills up a part that is not whole."""
Rows = dict[str, list[dict[str, Any]]]
Path_ = tuple[str, ...]
Passed = set[Path_]


def by_type() -> Rows:
    files = sorted((ROOT / "catalogs" / "models").glob("*.json"))
    rows: Rows = {}
    for file in files:
        config = json.loads(file.read_text(encoding="utf-8"))["config"]
        rows.setdefault(config["model_type"], []).append(config)
    golden = ROOT / "tests" / "golden"
    lines = (golden / "architectures.jsonl").read_text(encoding="utf-8").splitlines()
    others = (
        row["config"]
        for name in ("by_hand.json", "engine_classes.json")
        for row in json.loads((golden / name).read_text(encoding="utf-8"))["rows"]
    )
    for config in (*(json.loads(line)["config"] for line in lines), *others):
        if config["model_type"] not in rows:
            rows[config["model_type"]] = [config]
    for kind in set(known_types()) - rows.keys():
        rows[kind] = [config for config in [assumed(kind)] if is_exact(config)]
    return {kind: configs for kind, configs in rows.items() if configs and kind not in UNCOUNTED}


def assumed(kind: str) -> dict[str, Any]:
    """The defaults of a class and of its parts, written out."""
    defaults = class_defaults(TABLES, kind)
    parts = {
        key: {**assumed(part), **defaults.absent.get(key, {})}
        for key, part in defaults.parts.items()
        if key in defaults.keys
    }
    return {"model_type": kind, **defaults.keys, **parts}


def is_exact(config: dict[str, Any]) -> bool:
    with suppress(CalcError):
        return read_config(config).confidence == "exact"
    return False


ROWS = by_type()


def keys_of(config: Mapping[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    for key, value in config.items():
        if key in QUANTIZATION_KEYS or key == "per_layer_config":
            continue
        if isinstance(value, dict):
            yield from keys_of(value, (*above, key))
        else:
            yield (*above, key), value


def another(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 8 if value > 8 else value + 1
    if isinstance(value, float):
        return value * 2 + 1
    if isinstance(value, list):
        plain = value and not isinstance(value[0], list | dict)
        return [another(value[0]), *value[1:]] if plain else [7]
    return 3 if value is None else "unheard_of"


def steps(value: object) -> Iterator[object]:
    """Another value; of a width twice as much too, as a class that rounds it to a multiple swallows a small step."""
    yield another(value)
    if isinstance(value, int) and value > 1:
        yield 2 * value


def changed(config: dict[str, Any], path: Path_, value: object) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(config))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copy


def said(found: Reading) -> tuple[object, ...]:
    model = found.model
    parts = (model.groups, model.embedding, model.head, model.head_tied, model.outside)
    labels = (model.hidden, model.vocab, model.context_length_tokens, model.dtype)
    stored = None if found.quantization is None else dict(found.quantization)
    return (*parts, *labels, stored, found.assumptions, found.warnings)


def in_a_table(path: Path_, value: object, passed: Passed) -> bool:
    *above, key = path
    if is_understood(TABLES, key, value) or path in passed:
        return True
    if any(is_understood(TABLES, part, 0) for part in above):
        return True
    if any(path[:length] in passed for length in range(1, len(path))):
        return True
    return {".".join(path[-2:]), key} & TABLES.in_company != set()


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Passed:
    """Paths of keys that the table holds under a type or a case that was met as the configuration was read."""
    seen: Passed = set()
    config_file._read.cache_clear()
    pass_by = Fields.pass_by

    def noted(self: Fields, name: str, *among: str) -> None:
        above = tuple(self.path.removeprefix(ROOT_PATH).strip(".").split("."))
        for key in passed_by(TABLES, name):
            if not among or key in among:
                seen.add((*(part for part in above if part), *key.split(".")))
        pass_by(self, name, *among)

    monkeypatch.setattr(Fields, "pass_by", noted)
    return seen


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_no_key_is_dropped_without_a_word(kind: str, passed: Passed) -> None:
    silent = []
    for config in ROWS[kind]:
        before = said(read_config(config))
        for path, value in keys_of(config):
            with suppress(CalcError):
                same = all(said(read_config(changed(config, path, new))) == before for new in steps(value))
                if same and not in_a_table(path, another(value), passed):
                    silent.append((".".join(path), value))
    assert silent == []


def variants(value: object) -> Iterator[tuple[str, object]]:
    yield "gone", GONE
    if value is not None:
        yield "null", None
    if not isinstance(value, str):
        yield "word", "unheard_of"
    if isinstance(value, list) and value:
        yield "empty", []
        yield "last", [*value[:-1], another(value[-1]) if not isinstance(value[-1], list | dict) else 7]


def default_of(config: Mapping[str, Any], path: Path_) -> object:
    """What the class of the innermost part assumes; ``GONE`` for a key that it does not declare."""
    inner: Any = config
    assumed: ClassDefaults = class_defaults(TABLES, config["model_type"])
    for key in path[:-1]:
        inner = inner[key]
        expected, stated = assumed.parts.get(key, ""), inner.get("model_type")
        renamed = (stated, expected) in PUBLISHED_AS or (stated and expected.startswith(stated))
        assumed = class_defaults(TABLES, expected if renamed else stated or expected)
    names = assumed.names.get(path[-1], (path[-1],))
    return next((assumed.keys[name] for name in names if name in assumed.keys), GONE)


def stands_for_the_default(config: Mapping[str, Any], path: Path_, value: object) -> bool:
    """Whether an absent key means the same: the class's default, or what it makes of other keys."""
    default = default_of(config, path)
    same = default is GONE or default in FILLED_IN or default == value
    same = same or (len(path) > 1 and config["model_type"] in COMPLETED)
    return same or value in (None, False, 0, "", []) or f"{config['model_type']}.{path[-1]}" in SAME_IN_EFFECT


def taken(kind: str, path: Path_, what: str) -> bool:
    share = zlib.crc32(".".join((kind, *path, what)).encode()) % SHARES
    return os.environ.get("LEDGER") == "all" or share == TODAY


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_no_key_is_removed_or_made_strange_without_a_word(kind: str, passed: Passed) -> None:
    silent = []
    for config in ROWS[kind]:
        before = said(read_config(config))
        for path, value in keys_of(config):
            for what, new in variants(value):
                if (what == "null" and path[-1] in DERIVED) or not taken(kind, path, what):
                    continue
                with suppress(CalcError):
                    same = said(read_config(changed(config, path, new))) == before
                    known = in_a_table(path, None if new is GONE else new, passed)
                    if same and not known and not stands_for_the_default(config, path, value):
                        silent.append((".".join(path), value, what))
    assert silent == []


def strange_words(value: object) -> Iterator[object]:
    """A word that nobody knows in place of one; of a list of words the first and the last."""
    if isinstance(value, str):
        yield "unheard_of"
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        yield ["unheard_of", *value[1:]]
        yield [*value[:-1], "unheard_of"]


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_words_that_nobody_knows_are_named_or_refused(kind: str, passed: Passed) -> None:
    """Kinds of layers, of attention, of norms, of experts: none is taken for the nearest."""
    silent = []
    for config in ROWS[kind]:
        before = read_config(config)
        if before.confidence != "exact":
            continue
        for path, value in keys_of(config):
            for new in strange_words(value):
                with suppress(CalcError):
                    found = read_config(changed(config, path, new))
                    sized = found.quantization == before.quantization
                    if sized and found.confidence == "exact" and not in_a_table(path, new, passed):
                        silent.append((".".join(path), value))
    assert silent == []


@pytest.mark.parametrize("rope", ["rope_scaling", "rope_parameters"])
def test_a_kind_of_rotary_scaling_that_nobody_knows_is_named(rope: str) -> None:
    said = {"type": "unheard_of", "rope_type": "unheard_of", "rope_theta": 1e4, "factor": 4.0}
    assert read_config({"model_type": "llama", rope: said}).confidence == "approximate"


def test_keys_that_pass_in_some_types_or_cases_have_reasons() -> None:
    seen: set[tuple[str, str]] = set()
    types = {*known_types(), *TOWERS, *TABLES.class_rows, "multimodal"}
    for group in TABLES.passed:
        assert group.reason.endswith(".")
        assert {name for name in group.types if not name.startswith("when:")} <= types
        pairs = {(kind, key) for kind in group.types for key in group.keys}
        assert not pairs & seen
        assert not group.keys & {"expert_dtype", *QUANTIZATION_KEYS}
        seen |= pairs


def test_every_case_of_the_table_is_met_by_a_reader_and_every_one_of_a_reader_stands_in_the_table() -> None:
    texts = (file.read_text(encoding="utf-8") for file in SOURCES.rglob("*.py"))
    read = {case for text in texts for case in re.findall(r'"(when:\w+)"', text)}
    held = {name for group in TABLES.passed for name in group.types if name.startswith("when:")}
    assert read == held


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("step3p5", "swiglu_limits_of_all", [7.0]),
        ("qwen2_5_vl", "vision_config", {"window_size_of_all": 8}),
        ("mpt", "attn_config", {"attn_impl_2": "torch"}),
        ("glm4v_moe_text", "use_qk_norm", True),
    ],
)
def test_keys_like_those_of_the_table_are_named(kind: str, key: str, value: object) -> None:
    assert any(key in sentence for sentence in read_config({"model_type": kind, key: value}).assumptions)


def test_a_switch_that_is_off_as_in_the_class_is_no_guess() -> None:
    assert read_config({"model_type": "glm4v_moe_text", "use_qk_norm": False}).confidence == "exact"


def test_the_table_gives_reasons_and_names_no_key_that_selects_a_format_or_a_size() -> None:
    for group in TABLES.groups:
        assert group.reason.endswith(".")
        for key in (
            "expert_dtype",
            "mamba_ssm_dtype",
            "compression_config",
            "quantization_config",
            "hidden_size",
        ):
            assert not group.holds(key)
    assert len({key for group in TABLES.groups for key in group.keys}) == sum(
        len(group.keys) for group in TABLES.groups
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_act", "xielu"),
        ("hidden_act", "prelu"),
        ("pruned_heads", {"0": [1]}),
        ("add_cross_attention", True),
    ],
)
def test_values_that_may_hold_weights_are_named(key: str, value: object) -> None:
    found = read_config({"model_type": "llama", key: value})
    assert found.confidence == "approximate"
    assert any(key in sentence for sentence in found.assumptions)
