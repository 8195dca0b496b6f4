"""Reading all catalogs at once, with the checks between rows."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from llm_calc.adapters.catalog.digest import DIGITS, whole_digest
from llm_calc.adapters.catalog.files import catalog_root, read_csv, read_json, read_toml
from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.catalog.kept import keep, kept
from llm_calc.adapters.catalog.links import PCIE, CatalogLink, LinksFile, build_cluster, check_links
from llm_calc.adapters.catalog.models import CatalogModel
from llm_calc.adapters.catalog.prices import RentalPrice, TokenPrice
from llm_calc.adapters.catalog.published_names import hint_for
from llm_calc.adapters.catalog.sizes import sized_gpu, sold_gpus
from llm_calc.core.errors import CatalogError
from llm_calc.core.gpu_hints import gpu_hint
from llm_calc.core.hardware import Cluster, Gpu
from llm_calc.core.names import NameIndex, normal_name

Row = TypeVar("Row", bound=BaseModel)

KEPT = "catalogs"
"""The name of the file in which the package's own are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Catalogs:
    """Everything that the catalogs hold, read once and never changed. Entries are sorted by id.

    ``checked``: the newest day that an entry was looked at; ``digest`` stands for the content of all files.
    Equal only to itself, so that what is derived from it can be cached.
    """

    gpus: tuple[Gpu, ...]
    gpu_entries: tuple[CatalogGpu, ...]
    models: tuple[CatalogModel, ...]
    links: Mapping[str, CatalogLink]
    rental_prices: tuple[RentalPrice, ...]
    token_prices: tuple[TokenPrice, ...]
    gpu_names: NameIndex[CatalogGpu]
    model_names: NameIndex[CatalogModel]
    checked: date
    digest: str

    def gpu(self, name: str, field: str | None = None) -> Gpu:
        """The GPU of an id or alias, in any case; ``field`` is where a request named it.

        Raises:
            UnknownNameError: with the nearest ids.
        """
        if name in self.gpu_names:
            return self.gpu_names.find(name, field).gpu
        return sized_gpu(name, self.gpu_names, field)

    def gpu_entry(self, name: str) -> CatalogGpu:
        """What the catalog writes of a GPU: aliases, memory type, notes, the source of each number.

        Raises:
            UnknownNameError: with the nearest ids.
        """
        return self.gpu_names[name]

    def model(self, name: str, field: str | None = None) -> CatalogModel:
        """The model of a name, alias or Hugging Face id, in any case; ``field`` is where a request named it.

        Raises:
            UnknownNameError: with the nearest names.
        """
        return self.model_names.find(name, field)

    def cluster(self, gpu: str | Gpu, count: int = 1, gpus_per_node: int = 8) -> Cluster:
        """So many GPUs with the links between them.

        Raises:
            UnknownNameError: unknown GPU.
            InvalidInputError: ``count`` or ``gpus_per_node`` is below 1.
        """
        device = self.gpu(gpu) if isinstance(gpu, str) else gpu
        network = self._entry_of(device).network
        return build_cluster(device, count, gpus_per_node, self.links, network)

    def _entry_of(self, device: Gpu) -> CatalogGpu:
        """The entry of a device, or the one that a custom (``custom:<id>``) or smaller (``<id>-36gb``) one is like."""
        name = device.id.rpartition(":")[2]
        return self.gpu_names[name if name in self.gpu_names else name.rpartition("-")[0]]

    def gpus_sold(self, *, beside: str) -> tuple[Gpu, ...]:
        """GPUs sold by themselves, none of a laptop; those that share the machine's memory with each of its sizes."""
        return sold_gpus(self.gpu_entries, beside)

    def prices_of_gpu(self, gpu_id: str) -> tuple[RentalPrice, ...]:
        """All rental prices of a GPU id, in the order of the files."""
        return tuple(price for price in self.rental_prices if price.gpu == gpu_id)

    def typical_price(self, gpu_id: str) -> RentalPrice | None:
        """The row that stands for a GPU's price: the one marked so; None where none is known."""
        return next((price for price in self.prices_of_gpu(gpu_id) if price.typical), None)

    def prices_of_model(self, model_name: str) -> tuple[TokenPrice, ...]:
        """What providers ask per token for a model's name, in the order of the file."""
        return tuple(price for price in self.token_prices if price.model == model_name)


@cache
def load_catalogs(path: Path | None = None) -> Catalogs:
    """Reads and checks every catalog, once a process and path.

    Args:
        path: directory of the catalogs; by default that of the package, else of the checkout.

    Raises:
        CatalogError: a file or row is wrong, or two of them contradict each other; names file and key.
    """
    root, base = catalog_root(path), catalog_root()
    digest = whole_digest(root, base)
    if root != base:
        return _read(root, digest[:DIGITS])
    found = kept(KEPT, digest)
    if isinstance(found, dict):
        return Catalogs(**{**found, "links": MappingProxyType(found["links"])})
    catalogs = _read(root, digest[:DIGITS])
    parts = {part.name: getattr(catalogs, part.name) for part in fields(Catalogs)}
    keep(KEPT, digest, {**parts, "links": dict(catalogs.links)})
    return catalogs


def _read(root: Path, digest: str) -> Catalogs:
    """The catalogs of a directory, from its files."""
    gpu_entries = _read_all(CatalogGpu, read_toml, root / "gpus", "*.toml", lambda row: row.id)
    models = _read_all(CatalogModel, read_json, root / "models", "*.json", lambda row: row.name)
    links = _with_new_links(_links(root / "links.toml"), gpu_entries)
    gpu_names = _gpu_names(gpu_entries)
    model_names = _model_names(models)
    rental = tuple(
        row for file in sorted((root / "clouds").glob("*.csv")) for row in read_csv(RentalPrice, file)
    )
    tokens = tuple(read_csv(TokenPrice, root / "api_prices.csv"))
    check_links(gpu_entries, links)
    _check_vendors(gpu_entries)
    _check_rental_prices(rental, gpu_names)
    _check_token_prices(tokens, {row.name for row in models})
    return Catalogs(
        gpus=tuple(row.gpu for row in gpu_entries),
        gpu_entries=gpu_entries,
        models=models,
        links=links,
        rental_prices=rental,
        token_prices=tokens,
        gpu_names=gpu_names,
        model_names=model_names,
        checked=max(
            *(source.checked for entry in gpu_entries for source in entry.sources),
            *(row.checked for rows in (models, links.values(), rental, tokens) for row in rows),
        ),
        digest=digest,
    )


def _read_all(
    kind: type[Row],
    read: Callable[[type[Row], Path], Row],
    folder: Path,
    pattern: str,
    id_of: Callable[[Row], str],
) -> tuple[Row, ...]:
    rows = []
    for file in sorted(each for each in folder.glob("*") if not each.name.startswith(".")):
        if not file.match(pattern):
            raise CatalogError(
                f"{folder.name}/{file.name}: is not read; a file of this folder is named {pattern}"
            )
        row = read(kind, file)
        if id_of(row) != file.stem:
            where = f"{folder.name}/{file.name}"
            raise CatalogError(f"{where}: holds {id_of(row)!r}; a file is named after its id")
        rows.append(row)
    if not rows:
        raise CatalogError(f"{folder}: no {pattern}")
    return tuple(rows)


_ACTIVE = re.compile(r"-a\d+(\.\d+)?[bm]$")


def _gpu_names(files: Sequence[CatalogGpu]) -> NameIndex[CatalogGpu]:
    index: NameIndex[CatalogGpu] = NameIndex("gpu", "gpu", gpu_hint)
    for row in files:
        own = {normal_name(row.id), *map(normal_name, row.aliases)}
        display = () if normal_name(row.name) in own else (row.name,)
        index.add(row, row.id, (row.id, *row.aliases, *display))
    for row in files:
        for name in (row.id, *row.aliases, row.name):
            if f"{row.vendor} {name}" not in index:
                index.also(row, f"{row.vendor} {name}")
    return index


def _model_names(files: Sequence[CatalogModel]) -> NameIndex[CatalogModel]:
    index: NameIndex[CatalogModel] = NameIndex("model", "model_name", hint_for)
    last_parts: list[tuple[CatalogModel, str]] = []
    for row in files:
        index.add(row, row.name, (row.name, *row.aliases, *row.hugging_face_ids))
        last_parts += [(row, name.partition("/")[2]) for name in row.hugging_face_ids]
        for checkpoint in row.checkpoints:
            stored = row.stored_as(checkpoint)
            index.add(stored, row.name, (*checkpoint.aliases, *checkpoint.hugging_face_ids))
            last_parts += [(stored, name.partition("/")[2]) for name in checkpoint.hugging_face_ids]
    for entry, name in last_parts:
        if name not in index:
            index.also(entry, name)
    # People leave out what is active of a mixture of experts, and say the size of all: qwen3.5-397b, deepseek-v3:671b.
    sized = [(row, f"{row.name}-{row.nominal_parameters_billions:g}b") for row in files]
    short = [
        (row, _ACTIVE.sub("", name))
        for row in files
        for name in (row.name, *row.aliases)
        if _ACTIVE.search(name)
    ]
    for entry, name in [each for each in (*short, *sized) if each[1] not in index]:
        index.also(entry, name)
    return index


def _links(file: Path) -> Mapping[str, CatalogLink]:
    rows = read_toml(LinksFile, file).links
    by_id = {row.id: row for row in rows}
    if len(by_id) < len(rows):
        raise CatalogError(f"{file.name}: two links have one id")
    if PCIE not in by_id:
        raise CatalogError(f"{file.name}: no link {PCIE!r}")
    return MappingProxyType(by_id)


def _with_new_links(
    links: Mapping[str, CatalogLink], files: Iterable[CatalogGpu]
) -> Mapping[str, CatalogLink]:
    """The links, with those that a GPU's own file describes."""
    found = dict(links)
    for row in files:
        link = row.link
        if link is None or link.latency_us is None:
            continue
        if link.kind in found:
            raise CatalogError(f"gpus/{row.id}.toml: link.kind: {link.kind!r} is described elsewhere already")
        said = next((each for each in row.sources if "link" in each.fields), row.sources[0])
        found[link.kind] = CatalogLink(
            id=link.kind,
            name=link.name or link.kind,
            scope="fast",
            gb_per_s_each_way=link.gb_per_s_each_way,
            latency_us=link.latency_us,
            latency_kind=link.latency_kind or "estimate",
            source=said.source,
            checked=said.checked,
        )
    return MappingProxyType(found)


def _check_vendors(files: Iterable[CatalogGpu]) -> None:
    """A vendor is written in one way: what runs on its GPUs goes by it."""
    spelled: dict[str, str] = {}
    for row in files:
        known = spelled.setdefault(row.vendor.casefold(), row.vendor)
        if row.vendor != known:
            raise CatalogError(f"gpus/{row.id}.toml: vendor: {row.vendor!r} is written {known!r} elsewhere")


def _check_rental_prices(prices: Iterable[RentalPrice], gpus: NameIndex[CatalogGpu]) -> None:
    seen: set[tuple[str, str, str, str, int | None]] = set()
    typical: set[str] = set()
    for price in prices:
        where = f"clouds: {price.provider} {price.instance}"
        if price.gpu not in gpus or gpus[price.gpu].id != price.gpu:
            meant = f"; it is an alias of {gpus[price.gpu].id!r}" if price.gpu in gpus else ""
            raise CatalogError(f"{where}: gpu: {price.gpu!r} is no GPU id{meant}")
        if seen & price.stated:
            raise CatalogError(f"{where}: written twice")
        if price.typical and price.gpu in typical:
            raise CatalogError(f"{where}: typical: {price.gpu} has one already")
        seen |= price.stated
        typical |= {price.gpu} if price.typical else set()


def _check_token_prices(prices: Iterable[TokenPrice], models: set[str]) -> None:
    seen: set[tuple[str, str]] = set()
    for price in prices:
        where = f"api_prices.csv: {price.provider} {price.provider_model}"
        if price.model not in models:
            raise CatalogError(f"{where}: model: {price.model!r} is no model name")
        if (price.provider, price.provider_model) in seen:
            raise CatalogError(f"{where}: written twice")
        seen.add((price.provider, price.provider_model))
