"""Reading catalog files: where they lie, and errors that name the file and the key."""

import csv
import json
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from llm_calc.core.errors import CatalogError

CATALOGS_VARIABLE = "LLM_CALC_CATALOGS_PATH"

Row = TypeVar("Row", bound=BaseModel)
Item = TypeVar("Item")


class Named(BaseModel):
    """A file that holds the name by which it is asked for, which is the file's own."""

    name: str


NamedRow = TypeVar("NamedRow", bound=Named)

Many = Annotated[tuple[Item, ...], Strict(strict=False)]
"""A tuple that may be written as the array of the file format; its items stay strict."""

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
"""No coercion, no unknown key, no change after reading, no NaN."""
TEXT = ConfigDict(strict=False, extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)
"""The same for CSV, whose cells are all text."""


_CHOSEN: list[Path | None] = []
"""The directory that was chosen; empty before any was, None for the package's."""


def catalog_root(path: Path | None = None) -> Path:
    """The directory of the catalogs: ``path``, else that of the installed package, else of the checkout.

    Raises:
        CatalogError: there is none.
    """
    package = Path(__file__).resolve().parents[2]
    candidates = [path] if path else [package / "catalogs", package.parents[1] / "catalogs"]
    for candidate in candidates:
        if (candidate / "gpus").is_dir():
            return candidate
    raise CatalogError(f"no catalogs in {' or '.join(str(candidate) for candidate in candidates)}")


def choose_catalogs(path: Path | None) -> None:
    """Have every catalog of this process read from ``path``, or from the package's where it is None.

    What was read from another directory is forgotten, so that no answer rests on two.

    Raises:
        CatalogError: there are no catalogs.
    """
    if _CHOSEN[-1:] == [path]:
        return
    catalog_root(path)
    if _CHOSEN or os.environ.get(CATALOGS_VARIABLE, "") != str(path or ""):
        _forget()
    _CHOSEN[:] = [path]


def _forget() -> None:
    """Empty what the adapters keep of catalogs and of what follows from them."""
    modules = [module for name, module in sys.modules.items() if name.startswith("llm_calc.adapters")]
    kept = [value for module in modules for value in vars(module).values() if hasattr(value, "cache_clear")]
    for value in kept:
        value.cache_clear()


def catalog_folder(name: str, path: Path | None = None) -> Path:
    """One folder of the catalogs, such as ``formats``.

    Without ``path`` that of the directory that was chosen, else of the one that ``LLM_CALC_CATALOGS_PATH`` names; where
    it has no such folder, the package's.

    Raises:
        CatalogError: there are no catalogs.
    """
    if path is not None:
        return catalog_root(path) / name
    stated = os.environ.get(CATALOGS_VARIABLE)
    chosen = _CHOSEN[-1] if _CHOSEN else (Path(stated) if stated else None)
    if chosen is not None and (chosen / name).is_dir():
        return chosen / name
    return catalog_root() / name


def read_toml(kind: type[Row], path: Path) -> Row:
    """One TOML file as a checked row.

    Raises:
        CatalogError: not TOML, or not such a row.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise _refusal(where, kind, error) from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise CatalogError(f"{where}: {error}") from error


def read_named(kind: type[NamedRow], folder: str, path: Path | None = None) -> dict[str, NamedRow]:
    """All TOML files of a folder of the catalogs, by name.

    Raises:
        CatalogError: a file is wrong or misnamed.
    """
    found = {}
    for file in sorted(catalog_folder(folder, path).glob("*.toml")):
        row = read_toml(kind, file)
        if row.name != file.stem:
            raise CatalogError(f"{folder}/{file.name}: name: {row.name!r} is not the file's")
        found[row.name] = row
    return found


def read_json(kind: type[Row], path: Path) -> Row:
    """One JSON file as a checked row.

    Raises:
        CatalogError: not JSON, or not such a row.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once))
    except ValidationError as error:
        raise _refusal(where, kind, error) from error
    except ValueError as error:  # no JSON, or no UTF-8, or a key twice
        raise CatalogError(f"{where}: {error}") from error


def read_csv(kind: type[Row], path: Path) -> Iterator[Row]:
    """The rows of a CSV file; an empty cell is an absent value.

    Raises:
        CatalogError: a row is not such a row; names the line.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            for cells in reader:
                yield _row(kind, cells, f"{where} line {reader.line_num}")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{where}: {error}") from error


def _row(kind: type[Row], cells: dict[str | Any, str | Any], where: str) -> Row:
    if None in cells:
        raise CatalogError(f"{where}: more cells than columns")
    try:
        return kind.model_validate({name: cell for name, cell in cells.items() if cell})
    except ValidationError as error:
        raise _refusal(where, kind, error) from error


def refuse_twice(key: str, names: Iterable[str]) -> None:
    """Names that stand once.

    Raises:
        ValueError: one stands twice; a validator's word for it.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{key}: {name!r} stands twice")
        seen.add(name)


def _refusal(where: str, kind: type[BaseModel], error: ValidationError) -> CatalogError:
    """In the words in which requests are refused: which key, what is accepted."""
    from llm_calc.adapters.validation_text import faults_of, sentence_of

    problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)]
    return CatalogError(f"{where}: {sentence_of(faults_of(problems, kind)).removeprefix('body: ')}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand in it once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)}: stands twice")
    return found
