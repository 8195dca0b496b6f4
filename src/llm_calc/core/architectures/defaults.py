"""What the configuration classes assume of absent keys: facts of the published classes, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDefaults:
    """Defaults of one model type.

    ``keys``: defaults that may change sizes; ``names[key]``: every spelling that the class accepts, the key itself
    first; ``parts``: nested configurations and their model types; ``absent``: what a nested configuration holds that
    the file lacks; ``optional``: those that may be null; ``fixed``: those of one class, whatever type they state.
    """

    keys: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


NO_DEFAULTS = ClassDefaults()


def defaults_of(row: Mapping[str, Any]) -> ClassDefaults:
    """The defaults in a row of the table; ``same`` holds other names that the class accepts for a key."""
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
