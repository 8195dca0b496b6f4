"""The lists of what the catalogs hold: models, GPUs, engines, number formats, prices and links.

The service, the library, its client, the command line and the MCP server all take them from here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from llm_calc.adapters.catalog import Catalogs, RentalPrice
from llm_calc.adapters.documented.listings import available_gpus, available_models
from llm_calc.adapters.engine_catalog import EngineRules, load_engine_releases
from llm_calc.adapters.formats import format_catalog
from llm_calc.adapters.formats.recipes import number_format
from llm_calc.adapters.presets import Preset, load_presets
from llm_calc.adapters.runs_on import GGUF, EngineRunsOn, load_runs_on
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel
from llm_calc.adapters.wire.listings import (
    AvailableEngine,
    AvailableFormat,
    AvailableLink,
    AvailablePrice,
    ListedHardware,
    ListedLack,
    ListedOption,
    ListedRelease,
)
from llm_calc.core.checkpoints.recipes.rules import RecipeEntry
from llm_calc.core.engines.ollama import OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list that can be asked for.

    ``name``: of the function and the command; ``path``: where the service answers it; ``searched``: the fields that a
    search looks into.
    """

    name: str
    path: str
    operation_id: str
    description: str
    row: type[BaseModel]
    rows: Callable[[Catalogs], Sequence[Any]]
    searched: tuple[str, ...]

    def entries(self, catalogs: Catalogs) -> list[Any]:
        """The rows as objects."""
        return [
            row if isinstance(row, BaseModel) else self.row.model_validate(row) for row in self.rows(catalogs)
        ]

    def matching(self, entries: Iterable[Any], text: str) -> list[Any]:
        """Entries one of whose searched fields holds the text, in any case."""
        wanted = text.lower()
        return [
            each
            for each in entries
            if any(wanted in str(getattr(each, name)).lower() for name in self.searched)
        ]


def available_engines(catalogs: Catalogs) -> list[AvailableEngine]:
    """Every engine with its releases and what it runs on, by name."""
    runs_on = load_runs_on()
    return [
        AvailableEngine(
            name=name,
            title=releases[-1].title,
            newest=releases[-1].version,
            releases=[_release(release) for release in releases],
            runs_on=_hardware(runs_on[name], catalogs) if name in runs_on else [],
            lacks=_lacks(runs_on[name]) if name in runs_on else [],
        )
        for name, releases in load_engine_releases().items()
    ] + [_started_as(preset, catalogs) for preset in load_presets().values()]


def _started_as(preset: Preset, catalogs: Catalogs) -> AvailableEngine:
    """A program that starts an engine by defaults of its own."""
    rules = load_runs_on()[preset.engine]
    return AvailableEngine(
        name=preset.name,
        title=f"{preset.title} ({preset.engine} by its defaults)",
        newest=preset.version,
        releases=[
            ListedRelease(
                version=preset.version,
                since=preset.version,
                until=preset.version,
                rules_read_on=preset.read_on,
                sources=list(preset.links),
                options=[
                    ListedOption(name=name, default=None, meaning=said) for name, said in OPTIONS.items()
                ],
                without=[],
            )
        ],
        runs_on=_hardware(rules, catalogs),
        lacks=_lacks(rules),
    )


def available_formats(catalogs: Catalogs) -> list[AvailableFormat]:
    """Every number format that requests can name."""
    running = {
        name: {kind for gpu in catalogs.gpus for kind in rules.formats_on(gpu)}
        for name, rules in load_runs_on().items()
    }
    return [_format(entry, running) for entry in format_catalog().recipes]


def available_prices(catalogs: Catalogs) -> list[AvailablePrice]:
    """Every rental price, by GPU."""
    return [
        AvailablePrice(
            gpu=price.gpu,
            gpus=price.gpus,
            provider=price.provider,
            instance=price.instance,
            region=price.region,
            usd_per_hour=price.usd_per_hour,
            spot_usd_per_hour=price.spot_usd_per_hour,
            reserved_usd_per_hour=price.reserved_usd_per_hour,
            reserved_months=price.reserved_months,
            usd_per_gpu_hour=price.usd_per_gpu_hour,
            typical=price.typical,
            as_of=price.as_of,
            checked=price.checked.isoformat(),
            source=price.source,
            confidence=price.confidence,
        )
        for price in sorted(catalogs.rental_prices, key=_place)
    ]


def _place(price: RentalPrice) -> tuple[str, str, str, int]:
    """By GPU, provider, instance and term."""
    return price.gpu, price.provider, price.instance, price.reserved_months or 0


def available_links(catalogs: Catalogs) -> list[AvailableLink]:
    """Every link between GPUs or hosts, by id."""
    joined: dict[str, list[str]] = {}
    for gpu in catalogs.gpus:
        joined.setdefault(gpu.link_kind or "", []).append(gpu.id)
    return [
        AvailableLink(
            id=link.id,
            name=link.name,
            scope=link.scope,
            bytes_per_s_each_way=link.link().bytes_per_s_per_gpu_each_way or None,
            latency_s=link.link().latency_s,
            gpus=joined.get(link.id, []),
            checked=link.checked.isoformat(),
            source=link.source,
        )
        for link in sorted(catalogs.links.values(), key=lambda each: each.id)
    ]


def _release(release: EngineRules) -> ListedRelease:
    return ListedRelease(
        version=release.version,
        since=release.since,
        until=release.until,
        rules_read_on=release.read_on,
        sources=list(release.links),
        options=[
            ListedOption(name=option.name, default=option.default, meaning=option.meaning)
            for option in release.options
            if option.name not in release.without
        ],
        without=list(release.without),
    )


def _hardware(rules: EngineRunsOn, catalogs: Catalogs) -> list[ListedHardware]:
    return [
        ListedHardware(
            hardware=row.words,
            gpus=[gpu.id for gpu in catalogs.gpus if row.covers(gpu)],
            formats=list(row.formats),
            native_only=list(row.native_only),
            missing_up_to=row.missing_up_to,
            missing_from=row.missing_from,
        )
        for row in rules.hardware
    ]


def _lacks(rules: EngineRunsOn) -> list[ListedLack]:
    return [
        ListedLack(
            types=list(row.types),
            instead=row.instead,
            missing_up_to=row.missing_up_to,
            missing_from=row.missing_from,
        )
        for row in rules.models
    ]


def _format(entry: RecipeEntry, running: dict[str, set[str]]) -> AvailableFormat:
    number = number_format(entry.row.default)
    names = {GGUF} if entry.is_gguf else {entry.name, entry.row.storage}
    return AvailableFormat(
        name=entry.name,
        aliases=list(entry.row.aliases),
        kind=entry.row.storage,
        is_gguf=entry.is_gguf,
        bits_per_element=number.bits_per_element,
        arithmetic=number.compute,
        engines=[engine for engine, formats in running.items() if names & formats],
    )


MODELS = Listing(
    name="models",
    path="/api/available_models",
    operation_id="list_models",
    description="Every predefined model.",
    row=AvailableModel,
    rows=available_models,
    searched=("name", "family", "aliases", "hugging_face_ids"),
)
GPUS = Listing(
    name="gpus",
    path="/api/available_gpus",
    operation_id="list_gpus",
    description="Every GPU of the catalog, with dense peaks.",
    row=AvailableGpu,
    rows=available_gpus,
    searched=("id", "name", "vendor", "generation", "aliases"),
)
ENGINES = Listing(
    name="engines",
    path="/api/engines",
    operation_id="list_engines",
    description="Every engine with its releases, their options and defaults, and what it runs on.",
    row=AvailableEngine,
    rows=available_engines,
    searched=("name", "title"),
)
FORMATS = Listing(
    name="formats",
    path="/api/formats",
    operation_id="list_formats",
    description="Every number format that requests can name, and the engines that run such weights.",
    row=AvailableFormat,
    rows=available_formats,
    searched=("name", "aliases", "kind"),
)
PRICES = Listing(
    name="prices",
    path="/api/prices",
    operation_id="list_prices",
    description="Every rental price with its source and day.",
    row=AvailablePrice,
    rows=available_prices,
    searched=("gpu", "provider", "instance"),
)
LINKS = Listing(
    name="links",
    path="/api/links",
    operation_id="list_links",
    description="Every link between GPUs or hosts, with the GPUs that it joins.",
    row=AvailableLink,
    rows=available_links,
    searched=("id", "name", "scope", "gpus"),
)
LISTINGS = (MODELS, GPUS, ENGINES, FORMATS, PRICES, LINKS)
