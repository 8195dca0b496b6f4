"""What is known of a configuration's keys by their names alone, read from the tables beside this module.

``class_defaults.json``: one line a model type, written by ``tools/class_defaults.py`` from the release of transformers
that its head names. ``neutral_keys.json``: ``groups`` of keys, and patterns of keys, under one reason; keys that change
none where they are ``switched_off``; and, for whoever reads or checks it, keys that act only ``in_company`` of others.
``family_keys.json``: those that change none in some types alone: reason, types, keys.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from llm_calc.core.architectures.neutral import KeyTables, Neutral, Passed


@cache
def key_tables() -> KeyTables:
    """The tables that come with the package."""
    neutral, passed = _table("neutral_keys"), _table("family_keys")
    return KeyTables(
        class_rows=_table("class_defaults")["types"],
        groups=tuple(_group(row) for row in neutral["groups"]),
        passed=tuple(
            Passed(reason=group["reason"], types=frozenset(types.split()), keys=frozenset(keys.split()))
            for group in passed["groups"]
            for types, keys in group["keys"].items()
        ),
        functions=frozenset(neutral["functions"]),
        switches=_keys(neutral["switched_off"]),
        in_company=_keys(neutral["in_company"]),
    )


def _table(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(
        files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    )
    return table


def _group(row: dict[str, Any]) -> Neutral:
    pattern = re.compile("|".join(row["patterns"]) or "(?!)")
    return Neutral(reason=row["reason"], keys=frozenset(row["keys"]), pattern=pattern)


def _keys(groups: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(key for group in groups for key in group["keys"])
