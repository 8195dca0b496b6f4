"""``llm-calc models``, ``gpus``, ``engines``, ``formats``, ``prices`` and ``links``."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from llm_calc.cli.answers import console, end
from llm_calc.cli.completion import gpu_names, model_names
from llm_calc.cli.options import AsJson

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from llm_calc.adapters.listings import Listing

Entry = TypeVar("Entry", bound="BaseModel")


SEARCHED_LIST = "Part of a name or another word of the row; all if absent."
SEARCHED = "Part of a name, id, alias, family or vendor; all if absent."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListOptions:
    """Which models to list."""

    text: Annotated[
        str,
        typer.Argument(help=SEARCHED, metavar="TEXT", show_default=False, autocompletion=model_names),
    ] = ""
    as_json: AsJson = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuListOptions:
    """Which GPUs to list."""

    text: Annotated[
        str,
        typer.Argument(help=SEARCHED, metavar="TEXT", show_default=False, autocompletion=gpu_names),
    ] = ""
    as_json: AsJson = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Which entries of a list to show."""

    text: Annotated[str, typer.Argument(help=SEARCHED_LIST, metavar="TEXT", show_default=False)] = ""
    as_json: AsJson = False


def models(options: ModelListOptions) -> None:
    """The models that can be named. Exit code 3 if none matches."""
    from llm_calc.adapters.all_catalogs import chosen_catalogs
    from llm_calc.adapters.searches import models_found
    from llm_calc.adapters.wire.documented_responses import AvailableModel
    from llm_calc.cli.views.calculator import show_models

    found = [AvailableModel.model_validate(row) for row in models_found(chosen_catalogs(), options.text)]
    if options.as_json:
        _print_json(found)
    elif found:
        show_models(console(), found)
    _end(found, options.text, "model")


def gpus(options: GpuListOptions) -> None:
    """The GPUs that can be named. Exit code 3 if none matches."""
    from llm_calc.adapters.all_catalogs import chosen_catalogs
    from llm_calc.adapters.searches import gpus_found
    from llm_calc.adapters.wire.documented_responses import AvailableGpu
    from llm_calc.cli.views.calculator import show_gpus

    found = [AvailableGpu.model_validate(row) for row in gpus_found(chosen_catalogs(), options.text)]
    if options.as_json:
        _print_json(found)
    elif found:
        show_gpus(console(), found)
    _end(found, options.text, "GPU")


def engines(options: ListOptions) -> None:
    """The engines with their releases. Exit code 3 if none matches."""
    from llm_calc.cli.views.catalogs import show_engines

    _list("ENGINES", options, show_engines, "engine")


def formats(options: ListOptions) -> None:
    """The number formats that can be named. Exit code 3 if none matches."""
    from llm_calc.cli.views.catalogs import show_formats

    _list("FORMATS", options, show_formats, "format")


def prices(options: ListOptions) -> None:
    """What GPUs cost to rent. Exit code 3 if none matches."""
    from llm_calc.cli.views.catalogs import show_prices

    _list("PRICES", options, show_prices, "price")


def links(options: ListOptions) -> None:
    """The links between GPUs and hosts. Exit code 3 if none matches."""
    from llm_calc.cli.views.catalogs import show_links

    _list("LINKS", options, show_links, "link")


def _list(name: str, options: ListOptions, show: "Callable[[Console, list[Any]], None]", kind: str) -> None:
    from llm_calc.adapters import listings
    from llm_calc.adapters.all_catalogs import chosen_catalogs

    listing: Listing = getattr(listings, name)
    found = listing.matching(listing.entries(chosen_catalogs()), options.text)
    if options.as_json:
        _print_json(found)
    elif found:
        show(console(), found)
    _end(found, options.text, kind)


def _end(found: Sequence["BaseModel"], text: str, kind: str) -> None:
    """End with 3 where nothing matches, and say so."""
    if not found:
        print(f"No {kind} matches {text!r}; llm-calc {kind.lower()}s lists all.", file=sys.stderr)
    end(yes=bool(found))


def _print_json(found: Iterable["BaseModel"]) -> None:
    from pydantic_core import to_json

    print(to_json(list(found)).decode())
