"""What names of published variants say of their format.

``catalogs/published_names.toml`` holds ends of names with the format that they stand for. A variant whose name says one
format is its model in that format, and an answer says so: who publishes it decides which layers it quantizes. Of any
other the refusal tells what to give instead.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_root, read_toml
from llm_calc.core.names import NameIndex, normal_name

FILE = "published_names.toml"
Entry = TypeVar("Entry")
Shared = Literal["bits", "storage", "files"]
"""What the formats share that one name stands for; ``files``: that they are kinds of GGUF files."""
_GGUF_KIND = re.compile(r"(ud-)?(i?q\d(?:-[0-9a-z]{1,3}){1,2}|tq\d-0)")
_FILE = re.compile(r"([^/?=]+?)(-\d{5}-of-\d{5})?\.gguf$", re.IGNORECASE)


class SpokenFormat(BaseModel):
    """Ends of names and the format that they stand for.

    ``alike``: what to give where that is one of several; ``publishers``: in whose names alone it is no other. ``same``:
    what the several share; ``plans``: those that a plan looks at, the format alone if empty.
    """

    model_config = STRICT

    words: Many[str] = Field(min_length=1)
    weights: str
    alike: str | None = None
    publishers: Many[str] = ()
    same: Shared = "bits"
    plans: Many[str] = ()


class Elsewhere(BaseModel):
    """Words for formats that the catalog does not hold, and what to say of them."""

    model_config = STRICT

    words: Many[str] = Field(min_length=1)
    says: str


class Dropped(BaseModel):
    """Words that tell variants of one shape apart.

    ``same``: those that tell no releases apart; ``packed``: those of who packs the files.
    """

    model_config = STRICT

    words: Many[str]
    same: Many[str]
    packed: Many[str]


class PublishedNamesFile(BaseModel):
    """``published_names.toml``; ``mixture``: what to say of kinds of GGUF files that a publisher mixes himself."""

    model_config = STRICT

    formats: Many[SpokenFormat]
    elsewhere: Many[Elsewhere]
    dropped: Dropped
    mixture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is left of a name without its format.

    ``weights``: the one format that it says, ``row``: those that it may say, ``give``: the format to give, ``says``:
    why there is none.
    """

    base: str
    weights: str = ""
    row: SpokenFormat | None = None
    give: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken(Generic[Entry]):
    """The entry that a variant's name means, and the one format of weights that it says."""

    entry: Entry
    weights: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(Generic[Entry]):
    """The entry that a name of files in several formats means.

    ``like``: one of the formats; ``same``: what they share; ``plans``: those that a plan looks at; ``give``: what to
    give as the format, in words.
    """

    entry: Entry
    like: str
    same: Shared
    plans: tuple[str, ...]
    give: str


@cache
def _file() -> PublishedNamesFile:
    return read_toml(PublishedNamesFile, catalog_root() / FILE)


def unheld_format(name: str) -> str | None:
    """What to say of a word for a format that the catalog does not hold; None for any other word."""
    word = normal_name(name)
    return next((row.says for row in _file().elsewhere if word in row.words), None)


def said_format(name: str) -> tuple[str, str]:
    """A name without the one format that it says, and that format; empty where it says none."""
    variant = _variant(name)
    return variant.base, variant.weights


def unpacked(name: str) -> str:
    """What a name of files calls the model itself: without its format, and what who packed them adds."""
    return _without(_variant(name).base, _file().dropped.packed)


def spoken_variant(name: str, index: NameIndex[Entry]) -> Spoken[Entry] | None:
    """The model and the format that a variant's name says; None where it leaves either of them open."""
    variant = _variant(name)
    bases = (variant.base, _without(variant.base, _file().dropped.same))
    base = next((each for each in bases if each in index), None) if variant.weights else None
    return None if base is None else Spoken(entry=index.find(base), weights=variant.weights)


def several_formats(name: str, index: NameIndex[Entry]) -> Several[Entry] | None:
    """The model of a name that stands for files of several formats (``-GGUF``), and what to give as the format."""
    variant = _variant(name)
    row = variant.row
    if variant.weights or row is None:
        return None
    bases = (variant.base, _without(variant.base, _file().dropped.same))
    base = next((each for each in bases if each in index), None)
    if base is None:
        return None
    plans = row.plans or (row.weights,)
    return Several(
        entry=index.find(base), like=row.weights, same=row.same, plans=tuple(plans), give=variant.give
    )


def hint_for(name: str, index: NameIndex[Entry]) -> tuple[str, str | None]:
    """What to give instead of an unknown name, in words, and the id that it resembles; nothing where none does."""
    variant = _variant(name)
    shape = re.sub(r"-\d{4}(?=-|$)", "", _without(variant.base, _file().dropped.words))
    owner = index.owner_of(variant.base) or index.owner_of(shape)
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


def _variant(name: str) -> Variant:
    """A name cut before its format: the longest end that stands for one."""
    file = _FILE.search(name.strip())
    plain = normal_name(name if file is None else file[1])
    publisher, _, last = plain.rpartition("/")
    text = re.sub(r"[:.](?=i?q\d|ud-|f16|bf16)", "-", last).replace(":", "-")
    return _other(text) or _kind(text) or _format(text, publisher.rpartition("/")[2])


def _other(text: str) -> Variant | None:
    """A name that ends in a format which the catalog does not hold."""
    for row in _file().elsewhere:
        base = _cut(text, row.words)
        if base is not None:
            return Variant(base=base, says=row.says)
    return None


def _kind(text: str) -> Variant | None:
    """A name that ends in a kind of GGUF file; a publisher's own mixture is none of the usual kinds."""
    kind = re.fullmatch(rf"(.+?)-(?:gguf-)?{_GGUF_KIND.pattern}(?:-gguf)?", text)
    if kind is None:
        return None
    if kind[2] or kind[3].endswith("-xl"):
        return Variant(base=kind[1], says=_file().mixture)
    name = kind[3].replace("-", "_")
    return Variant(base=kind[1], weights=name, give=repr(name))


def _format(text: str, publisher: str) -> Variant:
    found = [(base, row) for row in _file().formats if (base := _cut(text, row.words)) is not None]
    if not found:
        return Variant(base=text)
    least = min(len(base) for base, _ in found)
    rows = [(base, row) for base, row in found if len(base) == least]
    base, spoken = next(((base, row) for base, row in rows if publisher in row.publishers), rows[0])
    one = not spoken.alike and (not spoken.publishers or publisher in spoken.publishers)
    give = spoken.alike or repr(spoken.weights)
    return Variant(base=base, weights=spoken.weights if one else "", row=spoken, give=give)


def _cut(text: str, words: tuple[str, ...]) -> str | None:
    ends = [word for word in words if text.endswith(f"-{word}")]
    return text[: -len(max(ends, key=len)) - 1] if ends else None


def _without(text: str, words: tuple[str, ...]) -> str:
    """A name without words that tell variants of one shape apart."""
    return "-".join(part for part in text.split("-") if part not in words)
