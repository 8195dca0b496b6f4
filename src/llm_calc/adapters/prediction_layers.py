"""Layers that predict further tokens (MTP): how many a checkpoint has, by its configuration and the catalog."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml, refuse_twice

PARTS = ("text_config", "language_config", "thinker_config", "llm_config", "mtp_config")
"""Parts of a configuration that may say it in place of the whole."""


class Published(BaseModel):
    """Layers of a kind of models whose configuration need not say that it has them."""

    model_config = STRICT

    model_type: str = Field(min_length=1)
    layers: int = Field(ge=1)
    source: str = Field(min_length=1)


class MtpFile(BaseModel):
    """``catalogs/workloads/mtp.toml``."""

    model_config = STRICT

    kinds: Many[str] = Field(min_length=1)
    keys: Many[str] = Field(min_length=1)
    source: str = Field(min_length=1)
    checked: date
    published: Many[Published]

    @model_validator(mode="after")
    def _each_type_once(self) -> "MtpFile":
        refuse_twice("published: model_type", (row.model_type for row in self.published))
        return self


@cache
def load_mtp(path: Path | None = None) -> MtpFile:
    """The file, read once.

    Raises:
        CatalogError: the file is wrong; names the key.
    """
    return read_toml(MtpFile, catalog_folder("workloads", path) / "mtp.toml")


def prediction_layers(config: Mapping[str, object], *, whole: bool = True) -> int | None:
    """How many such layers the checkpoint of a configuration has; 0 where nothing says that it has any.

    ``whole``: whether the configuration is the published file; of one that is not, None where nothing tells. None as
    well of a kind of models that no engine is known to draft so with, whatever its configuration says.
    """
    table = load_mtp()
    stated = [
        value for part in _parts(config) for key in table.keys if (value := _count(part, key)) is not None
    ]
    kinds = {part.get("model_type") for part in _parts(config)}
    if stated:
        return max(stated) if not any(stated) or kinds & {*table.kinds} else None
    known = [row.layers for row in table.published if row.model_type in kinds]
    if not known and not whole and kinds & set(table.kinds):
        return None
    return max(known, default=0)


def _parts(config: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield config
    for name in PARTS:
        part = config.get(name)
        if isinstance(part, Mapping):
            yield from _parts(part)


def _count(part: Mapping[str, object], key: str) -> int | None:
    value = part.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
