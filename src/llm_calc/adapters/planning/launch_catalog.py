"""How engines are started: their options by the documented names, and the layouts that these can express."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, TEXT, Many, Named, catalog_folder, read_csv, read_named
from llm_calc.core.errors import UnknownNameError
from llm_calc.core.launching.rules import (
    Container,
    Dynamo,
    FurtherRules,
    Image,
    Kserve,
    LaunchOption,
    LaunchRules,
    LlmD,
    OneOption,
    Quantity,
    Resource,
    StatedOption,
)
from llm_calc.core.planning.space import LayoutRules


class OptionRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = LaunchOption.__doc__

    model_config = STRICT

    option: str
    takes: Quantity
    fixed: str | None = None
    values: dict[str, str] | None = None


class StatedRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = StatedOption.__doc__

    model_config = STRICT

    states: str
    option: str
    in_file: bool = False
    on: str | None = None
    off: str | None = None
    joined: str | None = None
    values: dict[str, str] = {}
    earlier: dict[str, str] = {}


class OneRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = OneOption.__doc__

    model_config = STRICT

    option: str
    switch: str
    together: str
    since: str


class FurtherRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = FurtherRules.__doc__

    model_config = STRICT

    dashes: bool = True
    off_all: bool = False
    off: Many[str] = ()
    joins: bool = True
    nested: Many[str] = ()
    on_line: Many[str] = ()
    within: dict[str, Many[str]] = {}
    own: Many[str] = ()


class LayoutRow(BaseModel):
    """What layouts the engine's options can express."""

    model_config = STRICT

    tensor: bool
    pipeline: bool
    data: bool
    data_beside_tensor: bool
    experts: Literal["none", "whole"]


class ImageRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = Image.__doc__

    model_config = STRICT

    vendor: str
    families: Many[str] = ()
    image: str
    version: str | None = None
    source: str
    checked: date


class KserveRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = Kserve.__doc__

    model_config = STRICT

    vendor: str
    sets: Many[str]
    source: str
    checked: date


class DynamoRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = Dynamo.__doc__

    model_config = STRICT

    vendor: str
    command: Many[str]
    model: str
    mode: Many[str] = ()
    renamed: dict[str, str] = {}
    listens: bool = False
    groups: bool = False
    image: str
    version: str
    sources: Many[str] = Field(min_length=1)
    checked: date


class LlmDRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = LlmD.__doc__

    model_config = STRICT

    chart: str
    sets: Many[str]
    accelerators: dict[str, str]
    proxy: str
    connector: str
    connected: str
    sources: Many[str] = Field(min_length=1)
    checked: date


class ContainerRow(BaseModel):  # noqa: D101 - the words of the core
    __doc__ = Container.__doc__

    model_config = STRICT

    checked: date
    sources: Many[str] = Field(min_length=1)
    port: int
    health_path: str
    listen: Many[str] = ()
    own: Many[str] = ()
    entrypoint: bool = False
    shell: Many[str] = ()
    shared_memory_gib: int = 0
    grouped: bool = False
    on_other_hosts: Many[str] = ()
    kserve: KserveRow | None = None
    dynamo: DynamoRow | None = None
    llm_d: LlmDRow | None = None
    images: Many[ImageRow] = Field(min_length=1)

    @property
    def container(self) -> Container:
        """As the core takes it."""
        kept = {"source", "sources", "checked"}
        kserve = None if self.kserve is None else Kserve(**self.kserve.model_dump(exclude=kept))
        return Container(
            **self.model_dump(exclude={"checked", "sources", "kserve", "dynamo", "llm_d", "images"}),
            kserve=kserve,
            dynamo=None if self.dynamo is None else Dynamo(**self.dynamo.model_dump(exclude=kept)),
            llm_d=None if self.llm_d is None else LlmD(**self.llm_d.model_dump(exclude=kept)),
            images=tuple(Image(**row.model_dump(exclude=kept)) for row in self.images),
            resources=_resources(),
        )


class LaunchFile(Named):  # noqa: D101 - the words of the core
    __doc__ = LaunchRules.__doc__

    model_config = STRICT

    command: Many[str]
    checked: date
    sources: Many[str]
    notes: Many[str] = ()
    notes_on_one_host: bool = False
    usual_formats: Many[str] = ()
    usual_above_bits: float = 0
    made_on_load: Many[str] = ()
    kv_cache_formats: Many[str] = ()
    several_nodes: Many[str] = ()
    options_file: str | None = None
    one_host: bool = False
    layouts: LayoutRow
    options: Many[OptionRow] = Field(min_length=1)
    file_options: Many[OptionRow] = ()
    stated: Many[StatedRow] = ()
    one: Many[OneRow] = ()
    further: FurtherRow | None = None
    container: ContainerRow | None = None

    @property
    def rules(self) -> LaunchRules:
        """As the core takes them."""
        parts = {"layouts", "options", "file_options", "stated", "one", "further", "container", "checked"}
        return LaunchRules(
            **self.model_dump(exclude=parts),
            layout_rules=LayoutRules(**self.layouts.model_dump()),
            options=tuple(LaunchOption(**row.model_dump()) for row in self.options),
            file_options=tuple(LaunchOption(**row.model_dump()) for row in self.file_options),
            stated=tuple(StatedOption(**row.model_dump()) for row in self.stated),
            one=tuple(OneOption(**row.model_dump()) for row in self.one),
            further=None if self.further is None else FurtherRules(**self.further.model_dump()),
            container=None if self.container is None else self.container.container,
        )


class ResourceRow(BaseModel):
    """A line of ``catalogs/kubernetes/resources.csv``: what a vendor's device plugin calls its chips."""

    model_config = TEXT

    vendor: str
    families: str = ""
    resource: str
    checked: date
    source: str


@cache
def load_resources(path: Path | None = None) -> tuple[ResourceRow, ...]:
    """What device plugins call chips.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    return tuple(read_csv(ResourceRow, catalog_folder("kubernetes", path) / "resources.csv"))


def _resources() -> tuple[Resource, ...]:
    return tuple(
        Resource(vendor=row.vendor, families=tuple(row.families.split()), resource=row.resource)
        for row in load_resources()
    )


@cache
def load_launch_rules(path: Path | None = None) -> Mapping[str, LaunchRules]:
    """Rules of all engines that can be started, by name.

    Raises:
        CatalogError: a file is wrong or misnamed.
    """
    return {name: file.rules for name, file in read_named(LaunchFile, "launch", path).items()}


def launch_rules(engine: str) -> LaunchRules:
    """Rules of one engine.

    Raises:
        UnknownNameError: an engine that plans cannot start.
    """
    rules = load_launch_rules()
    if engine not in rules:
        raise UnknownNameError("engine", engine, tuple(rules), field="engines")
    return rules[engine]
