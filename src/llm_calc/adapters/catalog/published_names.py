"""What names of published variants say of their format: for refusals that tell what to give instead.

``catalogs/published_names.toml`` holds ends of names with the format that they stand for. A variant that the catalog
does not hold is never taken for its model: who publishes it decides which layers it quantizes.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_root, read_toml
from llm_calc.adapters.catalog.names import NameIndex, normal_name

FILE = "published_names.toml"
Entry = TypeVar("Entry")
_GGUF_KIND = re.compile(r"(?:ud-)?(i?q\d(?:-[0-9a-z]{1,3}){0,2}|tq\d-0)")


class SpokenFormat(BaseModel):
    """Ends of names and the format that they stand for; ``alike``: what to give where that is one of several."""

    model_config = STRICT

    words: Many[str] = Field(min_length=1)
    weights: str
    alike: str | None = None


class Elsewhere(BaseModel):
    """Words for formats that the catalog does not hold, and what to say of them."""

    model_config = STRICT

    words: Many[str] = Field(min_length=1)
    says: str


class Dropped(BaseModel):
    """Words that tell variants of one shape apart."""

    model_config = STRICT

    words: Many[str]


class PublishedNamesFile(BaseModel):
    """``published_names.toml``."""

    model_config = STRICT

    formats: Many[SpokenFormat]
    elsewhere: Many[Elsewhere]
    dropped: Dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is left of a name without its format; ``give``: the format to give, ``says``: why there is none."""

    base: str
    give: str = ""
    says: str = ""


@cache
def _file() -> PublishedNamesFile:
    return read_toml(PublishedNamesFile, catalog_root() / FILE)


def unheld_format(name: str) -> str | None:
    """What to say of a word for a format that the catalog does not hold; None for any other word."""
    word = normal_name(name)
    return next((row.says for row in _file().elsewhere if word in row.words), None)


def hint_for(name: str, index: NameIndex[Entry]) -> tuple[str, str | None]:
    """What to give instead of an unknown name, in words, and the id that it resembles; nothing where none does."""
    variant = _variant(normal_name(name).rpartition("/")[2].replace(":", "-"))
    owner = index.owner_of(variant.base) or index.owner_of(_without(variant.base))
    config = "its config.json as hf_config"
    if owner is None:
        return f"where its shape is none of these, give {config}", None
    if variant.says:
        return f"it is a variant of {owner} whose format {variant.says}", owner
    if variant.give:
        return (
            f"for this variant of {owner} give {owner!r} with precision.weights {variant.give}, or {config}",
            owner,
        )
    return f"give {owner!r} where its shape is the same, or {config}", owner


def _variant(text: str) -> Variant:
    """A name cut before its format: the longest end that stands for one."""
    for row in _file().elsewhere:
        base = _cut(text, row.words)
        if base is not None:
            return Variant(base=base, says=row.says)
    kind = re.fullmatch(rf"(.+?)-(?:gguf-)?{_GGUF_KIND.pattern}", text)
    if kind is not None:
        return Variant(base=kind[1], give=repr(kind[2].replace("-", "_")))
    found = [(base, row) for row in _file().formats if (base := _cut(text, row.words)) is not None]
    if not found:
        return Variant(base=text)
    base, spoken = min(found, key=lambda each: len(each[0]))
    return Variant(base=base, give=spoken.alike or repr(spoken.weights))


def _cut(text: str, words: tuple[str, ...]) -> str | None:
    ends = [word for word in words if text.endswith(f"-{word}")]
    return text[: -len(max(ends, key=len)) - 1] if ends else None


def _without(text: str) -> str:
    """A name without words that tell variants of one shape apart."""
    dropped = _file().dropped.words
    return "-".join(
        part for part in text.split("-") if part not in dropped and not re.fullmatch(r"\d{4}", part)
    )
