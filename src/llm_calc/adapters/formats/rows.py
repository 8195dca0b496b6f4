"""Rows of the format catalogs, checked strictly; what they mean stands at the head of each file."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from llm_calc.adapters.catalog.files import STRICT, Many
from llm_calc.core.checkpoints.recipes.rules import LayerSpan, Recipe, Rule, When
from llm_calc.core.hardware import NUMBER_TYPES

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class SourceRow(BaseModel):
    """Where facts were read, and when."""

    model_config = STRICT

    url: Annotated[str, Field(pattern=r"^https://")]
    title: str
    checked: date

    @field_validator("checked", mode="before")
    @classmethod
    def _iso_date(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) else value


class NumberRow(BaseModel):
    """How numbers are stored: the parts that bits an element follow from."""

    model_config = STRICT

    element_bits: Annotated[float, Field(ge=1, le=64)]
    group_size: Annotated[int, Field(ge=0)] = 0
    scale_bits: Annotated[float, Field(ge=0)] = 0.0
    zero_bits: Annotated[float, Field(ge=0)] = 0.0
    block: Annotated[Many[int], Field(min_length=2, max_length=2)] | None = None
    row_bits: Annotated[float, Field(ge=0)] = 0.0
    column_bits: Annotated[float, Field(ge=0)] = 0.0
    tensor_bits: Annotated[float, Field(ge=0)] = 0.0
    compute: str | None = None
    fallback: Name | None = None
    source: str

    @model_validator(mode="after")
    def _scales_have_groups(self) -> "NumberRow":
        if (self.scale_bits or self.zero_bits) and not self.group_size and self.block is None:
            raise ValueError("group_size: scale_bits and zero_bits are of a group, whose size is not said")
        if self.compute not in (None, *NUMBER_TYPES):
            raise ValueError(f"compute: {self.compute!r} is no number type; known: {', '.join(NUMBER_TYPES)}")
        return self


class WhenRow(BaseModel):
    """Properties of a model that a rule asks for; all of those given must hold."""

    model_config = STRICT

    gqa_min: int | None = None
    experts: int | None = None
    experts_min: int | None = None
    not_experts: int | None = None
    num_layers: int | None = None
    tied: bool | None = None
    latent_attention: bool | None = None
    recurrent: bool | None = None
    model_types: Many[str] | None = None
    not_model_types: Many[str] | None = None


class RuleRow(BaseModel):
    """Tensors (patterns of ``component.name``, or ``@group``) that are stored in a format."""

    model_config = STRICT

    tensors: Annotated[Many[str], Field(min_length=1)]
    format: str
    layers: LayerSpan = "all"
    by: Literal["layer", "place"] = "layer"
    when: WhenRow = WhenRow()
    vectors: bool = False
    odd_rows: bool = False
    flat: bool = False

    @property
    def rule(self) -> Rule:
        """As the core takes it."""
        return Rule(**{**self.model_dump(exclude={"when"}), "when": When(**self.when.model_dump())})


class SetReference(BaseModel):
    """A named set of rules, in its place."""

    model_config = STRICT

    set: str


class RecipeRow(BaseModel):
    """One format of whole checkpoints or files.

    ``storage``: the kind of numbers; a checkpoint that is quantized to the same kind keeps its own mixture.
    ``gguf``: the kind of GGUF file that llama.cpp runs instead. ``keeps_mxfp4``: a kind of GGUF file that leaves
    tensors in MXFP4 which the checkpoint has so.
    """

    model_config = STRICT

    aliases: Many[Name] = ()
    storage: str
    default: Name
    vectors: str | None = None
    gguf: Name | None = None
    keeps_mxfp4: bool = True
    rules: Many[
        Annotated[
            Annotated[RuleRow, Tag("rule")] | Annotated[SetReference, Tag("reference")],
            Discriminator(lambda row: "reference" if isinstance(row, dict) and "set" in row else "rule"),
        ]
    ] = ()
    source: str

    @property
    def recipe(self) -> Recipe:
        """As the core takes it, without its rules."""
        return Recipe(**self.model_dump(exclude={"rules"}))


class TradeRow(BaseModel):
    """Names of files that are no kind of the quantizer (a pattern, in lower case), and the kind that is nearest."""

    model_config = STRICT

    pattern: str
    says: str


class NumbersFile(BaseModel):
    """``numbers.toml``."""

    model_config = STRICT

    sources: dict[Name, SourceRow]
    numbers: dict[Name, NumberRow]


class RecipesFile(BaseModel):
    """``checkpoints.toml`` and ``gguf.toml``; ``groups``: categories of tensors of a file, the first that fits.

    ``numbers``: formats of numbers that its recipes bring with them, beside those of ``numbers.toml``.
    """

    model_config = STRICT

    sources: dict[Name, SourceRow]
    groups: dict[str, Many[str]] = {}
    numbers: dict[Name, NumberRow] = {}
    sets: dict[str, Many[RuleRow]]
    recipes: dict[Name, RecipeRow]
    trade: Many[TradeRow] = ()
