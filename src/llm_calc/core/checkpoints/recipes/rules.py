"""Formats by name: the rules of each, the names that people use, and the number formats that both refer to."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from llm_calc.core.formats import NumberFormat
from llm_calc.core.names import NameIndex, normal_name

FIELD = "precision.weights"
SIXTEEN_BIT = "16-bit"
"""In rules: the model's own 16-bit type."""
LayerSpan = Literal[
    "all", "more_bits", "first_eighth", "first_sixteenth", "first_2", "first_4", "middle", "before_attention"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Properties of a model that a rule asks for; all of those given must hold."""

    gqa_min: int | None = None
    experts: int | None = None
    experts_min: int | None = None
    not_experts: int | None = None
    num_layers: int | None = None
    tied: bool | None = None
    latent_attention: bool | None = None
    recurrent: bool | None = None
    model_types: tuple[str, ...] | None = None
    not_model_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Tensors (patterns of ``component.name``, or ``@group``) that are stored in a format."""

    tensors: tuple[str, ...]
    format: str
    layers: LayerSpan
    by: Literal["layer", "place"]
    when: When
    vectors: bool
    odd_rows: bool
    flat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One format of whole checkpoints or files.

    ``storage``: the kind of numbers; a checkpoint that is quantized to the same kind keeps its own mixture.
    ``gguf``: the kind of GGUF file that llama.cpp runs instead. ``keeps_mxfp4``: a kind of GGUF file that leaves
    tensors in MXFP4 which the checkpoint has so.
    """

    aliases: tuple[str, ...]
    storage: str
    default: str
    vectors: str | None
    gguf: str | None
    keeps_mxfp4: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Names of files that are no kind of the quantizer (a pattern, in lower case), and the kind that is nearest."""

    pattern: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeEntry:
    """A recipe of the catalog with its rules in order and its sets filled in.

    ``is_gguf``: a kind of GGUF file. ``groups``: categories of tensors in a file, the first that fits a name.
    """

    name: str
    row: Recipe
    rules: tuple[Rule, ...]
    is_gguf: bool
    groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeName:
    """A publisher's own mixture: what to say of it, and the kind of the quantizer that is nearest."""

    says: str
    nearest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatCatalog:
    """All formats."""

    numbers: Mapping[str, NumberFormat]
    recipes: tuple[RecipeEntry, ...]
    names: NameIndex[RecipeEntry]
    trade: tuple[Trade, ...] = ()
    field: str = FIELD

    def trade_name(self, name: str) -> TradeName | None:
        """What is known of a name that publishers give to mixtures of their own; None for any other."""
        key = normal_name(name).replace("-", "_")
        row = next((row for row in self.trade if fnmatchcase(key, row.pattern)), None)
        return None if row is None else TradeName(says=row.says, nearest=self._nearest_kind(key))

    def _nearest_kind(self, key: str) -> str:
        """The kind whose bits and size letters the name begins with, the medium one where there are several."""
        stem = key.removeprefix("ud_").rsplit("_", 1)[0]
        kinds = [entry.name for entry in self.recipes if entry.is_gguf]
        tries = (f"{stem}_m", stem, f"{stem}_s")
        return next((each for each in tries if each in kinds), "q4_k_m")

    def number(self, name: str) -> NumberFormat:
        """The number format of a name that the catalog itself uses."""
        return self.numbers[name]
