"""One change of a deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made

Value = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change with which it fits and starts: ``field`` set to ``value``, and each of ``also`` with it.

    ``change``: what it means, in words.
    """

    field: str
    value: Value
    change: str
    also: Mapping[str, Value] = made(default_factory=dict)
