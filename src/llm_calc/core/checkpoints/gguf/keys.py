"""The keys of a GGUF header by their names without the architecture's, with bounds; which were asked for is kept."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from llm_calc.core.errors import InvalidInputError

FIELD = "model.gguf_base64"
MOST = 2**31 - 1
MOST_LAYERS = 10_000


class Keys:
    """Values of one architecture. ``seen``: keys that an answer rests on; ``doubts``: lists that cannot be right."""

    def __init__(self, values: Mapping[str, Any], architecture: str) -> None:
        prefix = f"{architecture}."
        self.architecture = architecture
        self.own = {key[len(prefix) :]: value for key, value in values.items() if key.startswith(prefix)}
        self.seen: set[str] = set()
        self.doubts: dict[str, None] = {}

    def has(self, name: str) -> bool:
        """Whether the header holds the key."""
        return name in self.own

    def raw(self, name: str) -> Any:  # noqa: ANN401
        """The value as it stands, None where there is none."""
        self.seen.add(name)
        return self.own.get(name)

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number that is not negative; of a list the largest.

        Raises:
            InvalidInputError: another value, or none where there is no default.
        """
        value = self.raw(name)
        if isinstance(value, list) and value:
            largest = max(self._whole(name, each) for each in value)
            if len(set(value)) > 1:
                self.doubts |= {f"{name} differs by layer; the largest ({largest}) was taken": None}
            return largest
        if value is None and default is not None:
            return default
        return self._whole(name, value)

    def by_layer(self, name: str, layers: int, default: int | None = None) -> tuple[int, ...]:
        """One number a layer: a list, or one value for all.

        Raises:
            InvalidInputError: a list that is shorter than the stack, or a value that is no such number.
        """
        value = self.raw(name)
        if not isinstance(value, list):
            return (self.number(name, default),) * layers
        if len(value) < layers:
            raise self.refuse(name, f"must list {layers} layers; it lists {len(value)}")
        if len(value) > layers:
            self.doubts |= {f"{name} lists {len(value)} layers; block_count says {layers}": None}
        return tuple(self._whole(name, each) for each in value[:layers])

    def at_layer(self, name: str, index: int, default: int) -> int:
        """The number of one layer: of a list that reaches so far, or the one for all.

        Raises:
            InvalidInputError: another value.
        """
        value = self.raw(name)
        if isinstance(value, list) and index < len(value):
            return self._whole(name, value[index])
        return self.number(name, default)

    def layers(self) -> int:
        """Blocks of the file.

        Raises:
            InvalidInputError: none, or more than any model has.
        """
        count = self.number("block_count")
        if not 0 < count <= MOST_LAYERS:
            raise self.refuse("block_count", f"must be 1 to {MOST_LAYERS}; it is {count}")
        return count

    def unknown(self, harmless: Iterable[str]) -> tuple[str, ...]:
        """Keys that were not asked for and of which no pattern says that they change nothing."""
        patterns = tuple(harmless)
        rest = (key for key in self.own if key not in self.seen)
        return tuple(key for key in rest if not any(fnmatchcase(key, pattern) for pattern in patterns))

    def refuse(self, name: str, reason: str) -> InvalidInputError:
        """The error that names a key."""
        return InvalidInputError(f"{FIELD}: {self.architecture}.{name}: {reason}", field=FIELD)

    def _whole(self, name: str, value: object) -> int:
        if value is None:
            raise self.refuse(name, "is missing; the file, or more of it, is needed")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or not 0 <= value <= MOST:
            raise self.refuse(name, f"must be a whole number from 0 to {MOST}; it is {str(value)[:40]}")
        return int(value)
