"""Names that people use, matched without regard to case, spaces or underscores."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from llm_calc.core.errors import CatalogError, UnknownNameError

Entry = TypeVar("Entry")

NEAREST = 5
"""How many near names an error offers."""
SHORTEST_BEGINNING = 3
"""Characters from which on the beginning of a name is taken for a sign of it."""


_HUB = re.compile(
    r"(https?://)?(www\.)?(huggingface\.co|hf\.co|ollama\.com/library|ollama\.com)/", re.IGNORECASE
)
_TAG = re.compile(r":latest$", re.IGNORECASE)
_PAGE = re.compile(r"/(tree|blob|resolve)/.*$|/*[?#].*$|/+$")
_COMMAND = re.compile(
    r"^(ollama (run|pull|show)|vllm serve|llama-(server|cli|bench) -hf|(hf|huggingface-cli) download)\s+",
    re.IGNORECASE,
)


def bare_id(name: str) -> str:
    """A name without the hub's address, the command and the tag ``latest`` around it, as it was written."""
    plain = _TAG.sub("", _COMMAND.sub("", name.strip(), count=1))
    address = _HUB.match(plain)
    return _PAGE.sub("", plain[address.end() :]) if address else plain


@lru_cache(maxsize=4096)
def normal_name(name: str) -> str:
    """The form in which names are compared: lower case, one hyphen for spaces and underscores, no ``:latest``.

    Of an address on a hub its last part, the id, counts, and of a command that loads a model what it loads.
    """
    return re.sub(r"[\s_-]+", "-", bare_id(name).casefold())


@lru_cache(maxsize=4096)
def joined_name(name: str) -> str:
    """The same without anything between its words, as people type it (``gpt-oss:20b``, ``llama 3.3 70b``)."""
    return re.sub(r"[\s_:-]+", "", re.sub(r"\+$", "plus", normal_name(name)))


def holds(text: str, names: Iterable[str]) -> bool:
    """Whether one of ``names`` holds what was typed, in any case and however its words are set apart."""
    wanted = joined_name(text)
    return any(wanted in joined_name(name) for name in names)


class NameIndex(Generic[Entry]):
    """Entries by id and alias."""

    def __init__(self, kind: str, field: str, hint: "Hint | None" = None) -> None:
        self._kind = kind
        self._hint = hint
        self._field = field
        self._entries: dict[str, Entry] = {}
        self._owners: dict[str, str] = {}
        self._joined: dict[str, Entry | None] = {}

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
            self.also(entry, name)

    def also(self, entry: Entry, name: str) -> None:
        """Lets ``name`` without its separators mean an entry, unless it means another one already."""
        key = joined_name(name)
        same = key not in self._joined or self._joined[key] is entry
        self._joined[key] = entry if same else None

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
        found = self._entries.get(normal_name(name)) or self._joined.get(joined_name(name))
        if found is None:
            hint, like = self._hint(name, self) if self._hint else ("", None)
            near = dict.fromkeys((*([like] if like else []), *self.nearest(name)))
            raise UnknownNameError(
                self._kind, name, tuple(near)[:NEAREST], field=field or self._field, hint=hint
            )
        return found

    def owner_of(self, name: str) -> str | None:
        """The id of the entry that a name means; None where it means none."""
        key = normal_name(name)
        if key in self._owners:
            return self._owners[key]
        entry = self._joined.get(joined_name(name))
        return next((self._owners[key] for key, each in self._entries.items() if each is entry), None)

    def __contains__(self, name: str) -> bool:
        return normal_name(name) in self._entries or self._joined.get(joined_name(name)) is not None

    def nearest(self, name: str) -> tuple[str, ...]:
        """Ids whose own or other names begin with ``name``, then those that resemble it, best first."""
        wanted, names = joined_name(name), {joined_name(key): owner for key, owner in self._owners.items()}
        longer = [key for key in names if len(wanted) >= SHORTEST_BEGINNING and key.startswith(wanted)]
        close = get_close_matches(wanted, names, n=4 * NEAREST, cutoff=0.4)
        return tuple(dict.fromkeys(names[key] for key in (*sorted(longer, key=len), *close)))[:NEAREST]

    @property
    def names(self) -> Mapping[str, str]:
        """Every known name in its compared form, with the id that it means."""
        return MappingProxyType(self._owners)


Hint = Callable[[str, NameIndex[Any]], tuple[str, str | None]]
"""What to give instead of an unknown name, in words, and the id that it resembles."""


def counted(amount: int, thing: str) -> str:
    """How many of something, in words.

    >>> counted(1, "GPU"), counted(3, "adapter")
    ('1 GPU', '3 adapters')
    """
    return f"{amount} {thing}{'' if amount == 1 else 's'}"
