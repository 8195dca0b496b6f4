"""What the configuration classes assume of absent keys: facts of the published classes, as data.

``class_defaults.json`` holds one line a model type: ``keys`` (defaults that may change sizes), ``same``
(other names that the class accepts for a key), ``parts`` (nested configurations and their model types),
``absent`` (what a nested configuration holds that the file lacks), ``optional`` (those that may be null) and
``fixed`` (those of one class, whatever ``model_type`` they state).
It is written by ``tools/class_defaults.py`` from the release of transformers that its head names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDefaults:
    """Defaults of one model type. ``names[key]``: every spelling that the class accepts, the key itself first."""

    keys: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


NO_DEFAULTS = ClassDefaults()


def class_defaults(model_type: str) -> ClassDefaults:
    """Defaults of a model type; none for types that the table does not hold."""
    row = _table().get(model_type)
    return NO_DEFAULTS if row is None else _parsed(model_type)


@cache
def _table() -> Mapping[str, dict[str, Any]]:
    text = files(__package__).joinpath("class_defaults.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text)["types"])


@cache
def _parsed(model_type: str) -> ClassDefaults:
    row = _table()[model_type]
    names: dict[str, tuple[str, ...]] = {}
    for alias, real in row.get("same", {}).items():
        names[alias] = (*names.get(alias, (alias,)), str(real))
        names[str(real)] = (*names.get(str(real), (str(real),)), alias)
    parts = {key: str(value) for key, value in row.get("parts", {}).items()}
    return ClassDefaults(
        keys=row.get("keys", {}),
        names=names,
        parts=parts,
        absent=row.get("absent", {}),
        optional=frozenset(row.get("optional", ())),
        fixed=frozenset(row.get("fixed", ())),
    )
