"""Searches of the catalog: rows whose names hold a text, else the one that requests take the whole text for."""

from typing import Any

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.documented.listings import available_gpus, available_models
from llm_calc.adapters.gpu_counts import read_counted
from llm_calc.adapters.variants import published
from llm_calc.core.errors import CalcError
from llm_calc.core.names import holds

MODEL_FIELDS = ("name", "family", "aliases", "hugging_face_ids")
GPU_FIELDS = ("id", "name", "vendor", "generation", "aliases")

Rows = list[dict[str, Any]]


def models_found(catalogs: Catalogs, text: str) -> Rows:
    """Models whose name, family, alias or id holds a text; else that of a published variant or a command."""
    rows = available_models(catalogs)
    return _holding(rows, text, MODEL_FIELDS) or [
        row for row in rows if row["name"] == _model(catalogs, text)
    ]


def gpus_found(catalogs: Catalogs, text: str) -> Rows:
    """GPUs whose names hold a text; else that of a number of GPUs, of a size of memory or of a cloud's instance."""
    rows = available_gpus(catalogs)
    return _holding(rows, text, GPU_FIELDS) or [row for row in rows if row["id"] == _gpu(catalogs, text)]


def _holding(rows: Rows, text: str, fields: tuple[str, ...]) -> Rows:
    return [row for row in rows if holds(text, (str(row[name]) for name in fields))]


def _model(catalogs: Catalogs, text: str) -> str | None:
    try:
        return published(catalogs, text).entry.name
    except CalcError:
        return None


def _gpu(catalogs: Catalogs, text: str) -> str | None:
    try:
        return catalogs.gpu(read_counted(text).gpu).id
    except CalcError:
        return None
