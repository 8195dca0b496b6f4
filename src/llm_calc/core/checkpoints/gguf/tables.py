"""What is known of GGUF files, as values: names of tensors, their types, and architectures; read from catalogs."""

from collections.abc import Mapping
from dataclasses import dataclass

from llm_calc.core.formats import NumberFormat
from llm_calc.core.weights import Component

Stems = Mapping[str, tuple[str, ...]]
"""Names in a file by ``component.name``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One architecture of GGUF files whose keys stand for those of a configuration, those of all files among them."""

    model_type: str
    mixture_model_type: str | None
    window_model_type: str | None
    needs: tuple[str, ...]
    keys: Mapping[str, str]
    experts: Mapping[str, str]
    flags: Mapping[str, str]
    nulls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which layers of an architecture have a window: all but one of ``period`` (0: all; None: as the file lists).

    ``dense_first``: the first of each period is the one without. ``tokens``: where no key says it.
    ``layers_with_keys``: later layers use keys and values of earlier ones.
    """

    period: int | None
    dense_first: bool
    tokens: int
    chunked: bool
    layers_with_keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorType:
    """A type of tensors: so many elements in so many bytes."""

    name: str
    elements: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileTypes:
    """Types of tensors and kinds of files by their numbers, and the formats of numbers by name."""

    types: Mapping[int, TensorType]
    kinds: Mapping[int, str]
    numbers: Mapping[str, NumberFormat]

    def kind(self, number: object) -> str | None:
        """The kind of file that ``general.file_type`` says; None where it says none that is known."""
        return self.kinds.get(number) if isinstance(number, int) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorNames:
    """What tensors of files are called, and which component each belongs to, by patterns.

    ``families``: lists of families whose files have other names than most. ``weights``: component and name of a
    model's weight, by the name of the one tensor that it becomes. ``kv_heads_by_layer``, ``prediction_blocks``:
    families whose files list heads by layer, and hold blocks that guess further tokens.
    """

    tensors: Stems
    families: tuple[tuple[tuple[str, ...], Stems], ...]
    weights: Mapping[str, str]
    components: tuple[tuple[Component, tuple[str, ...]], ...]
    stacks: tuple[str, ...]
    vectors: tuple[str, ...]
    buffers: tuple[str, ...]
    kv_heads_by_layer: tuple[str, ...]
    prediction_blocks: tuple[str, ...]
