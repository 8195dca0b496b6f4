"""Every key of a file ends in one of three places: it acts, a table says why it does not, or the answer names it.

Each key of each catalog model and of one counted configuration a type is changed, alone.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.architectures import reading
from llm_calc.adapters.architectures.fields import QUANTIZATION_KEYS, Fields
from llm_calc.adapters.architectures.neutral import is_understood, keys_in_company, neutral_groups
from llm_calc.adapters.architectures.reading import Reading, read_config
from llm_calc.core.errors import CalcError

ROOT = Path(__file__).parents[3]
UNCOUNTED = ("mllama", "moshi")
"""Types of which a part is left out as a whole, which the answer says or the named class decides."""
Rows = dict[str, list[dict[str, Any]]]
Path_ = tuple[str, ...]


def by_type() -> Rows:
    files = sorted((ROOT / "catalogs" / "models").glob("*.json"))
    rows: Rows = {}
    for file in files:
        config = json.loads(file.read_text(encoding="utf-8"))["config"]
        rows.setdefault(config["model_type"], []).append(config)
    lines = (ROOT / "tests" / "golden" / "architectures.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        config = json.loads(line)["config"]
        if config["model_type"] not in rows:
            rows[config["model_type"]] = [config]
    return {kind: configs for kind, configs in rows.items() if kind not in UNCOUNTED}


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


def changed(config: dict[str, Any], path: Path_, value: object) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(config))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


def said(found: Reading) -> tuple[object, ...]:
    model = found.model
    parts = (model.groups, model.embedding, model.head, model.head_tied, model.outside)
    labels = (model.hidden, model.vocab, model.context_length_tokens, model.dtype)
    return (*parts, *labels, found.assumptions, found.warnings)


def in_a_table(path: Path_, value: object, passed: set[str]) -> bool:
    *above, key = path
    if is_understood(key, value) or key in passed or any(is_understood(part, 0) for part in above):
        return True
    return {".".join(path[-2:]), key} & keys_in_company() != set()


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Keys that a family says to change no size in it, as it reads."""
    seen: set[str] = set()
    reading._read.cache_clear()
    ignore = Fields.ignore

    def noted(self: Fields, *keys: str) -> None:
        seen.update(keys)
        ignore(self, *keys)

    monkeypatch.setattr(Fields, "ignore", noted)
    return seen


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_no_key_is_dropped_without_a_word(kind: str, passed: set[str]) -> None:
    silent = []
    for config in ROWS[kind]:
        before = said(read_config(config))
        for path, value in keys_of(config):
            new = another(value)
            try:
                after = said(read_config(changed(config, path, new)))
            except CalcError:
                continue
            if after == before and not in_a_table(path, new, passed):
                silent.append((".".join(path), value))
    assert silent == []


def test_the_table_gives_reasons_and_names_no_key_that_selects_a_format_or_a_size() -> None:
    for group in neutral_groups():
        assert group.reason.endswith(".")
        for key in (
            "expert_dtype",
            "mamba_ssm_dtype",
            "compression_config",
            "quantization_config",
            "hidden_size",
        ):
            assert not group.holds(key)
    assert len({key for group in neutral_groups() for key in group.keys}) == sum(
        len(group.keys) for group in neutral_groups()
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
