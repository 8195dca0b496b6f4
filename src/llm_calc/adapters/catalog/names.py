"""Names that people use, matched without regard to case, spaces or underscores."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Generic, TypeVar

from llm_calc.adapters.catalog.files import CatalogError
from llm_calc.core.errors import UnknownNameError

Entry = TypeVar("Entry")

NEAREST = 5
"""How many near names an error offers."""


def normal_name(name: str) -> str:
    """The form in which names are compared: lower case, one hyphen for spaces and underscores."""
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())


class NameIndex(Generic[Entry]):
    """Entries by id and alias."""

    def __init__(self, kind: str, field: str) -> None:
        self._kind = kind
        self._field = field
        self._entries: dict[str, Entry] = {}
        self._owners: dict[str, str] = {}

    def add(self, entry: Entry, owner: str, names: Iterable[str]) -> None:
        """Enters one entry under all of its names.

        Raises:
            CatalogError: a name is taken by another entry, or written twice in this one.
        """
        for name in names:
            key = normal_name(name)
            if key in self._entries:
                msg = f"{self._kind} {owner!r}: the name {name!r} already means {self._owners[key]!r}"
                raise CatalogError(msg)
            self._entries[key] = entry
            self._owners[key] = owner

    def __getitem__(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            UnknownNameError: no entry has the name; carries the nearest ids.
        """
        return self.find(name)

    def find(self, name: str, field: str | None = None) -> Entry:
        """The entry of a name that a request gave in ``field``.

        Raises:
            UnknownNameError: no entry has the name; names the field and carries the nearest ids.
        """
        try:
            return self._entries[normal_name(name)]
        except KeyError:
            nearest = self.nearest(name)
            raise UnknownNameError(self._kind, name, nearest, field=field or self._field) from None

    def __contains__(self, name: str) -> bool:
        return normal_name(name) in self._entries

    def nearest(self, name: str) -> tuple[str, ...]:
        """Ids whose own or other names resemble ``name``, best first."""
        close = get_close_matches(normal_name(name), self._entries, n=4 * NEAREST, cutoff=0.4)
        return tuple(dict.fromkeys(self._owners[key] for key in close))[:NEAREST]

    @property
    def names(self) -> Mapping[str, str]:
        """Every known name in its compared form, with the id that it means."""
        return MappingProxyType(self._owners)
