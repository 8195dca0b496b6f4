"""The engines' catalog: options with their defaults, fitted constants, versions; and engines built from them."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import STRICT, CatalogError, Many, catalog_folder, read_toml
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.engines import ENGINES, Engine
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.overheads import OverheadConstants

OptionKind = Literal["fraction", "ratio", "count", "layers", "flag"]
OptionValue: TypeAlias = bool | int | float


class EngineOption(BaseModel):
    """One option under the engine's own name; without a default the engine derives it."""

    model_config = STRICT

    name: str
    kind: OptionKind
    default: OptionValue | None = None
    meaning: str


class EngineConstant(BaseModel):
    """A constant that physics leaves open, with the number of start-up logs behind it (0: read from a log or code)."""

    model_config = STRICT

    name: str
    value: float
    logs: int
    basis: str


class EngineRules(BaseModel):
    """What the catalog holds of an engine: the version that the rules were read from, and where."""

    model_config = STRICT

    name: str
    title: str
    version: str
    read_on: str
    links: Many[str]
    options: Many[EngineOption]
    constants: Many[EngineConstant] = ()

    @property
    def defaults(self) -> dict[str, OptionValue | None]:
        """Every option with its default."""
        return {option.name: option.default for option in self.options}

    @property
    def overheads(self) -> OverheadConstants:
        """The fitted constants as the core takes them."""
        return OverheadConstants(**{constant.name: constant.value for constant in self.constants})


@cache
def load_engine_rules(path: Path | None = None) -> Mapping[str, EngineRules]:
    """Rules of all engines, by name.

    Raises:
        CatalogError: a file is wrong, misnamed, or does not name exactly the options that the engine's rules take.
    """
    rules = {}
    for file in sorted(catalog_folder("engines", path).glob("*.toml")):
        row = read_toml(EngineRules, file)
        if row.name != file.stem or row.name not in ENGINES:
            raise CatalogError(f"engines/{file.name}: name: {row.name!r} is not the file's or no engine")
        _check(row, file.name)
        rules[row.name] = row
    return rules


def _check(row: EngineRules, file: str) -> None:
    """Refuses a file whose options or constants are not those of the engine's rules."""
    expected = {field.name for field in fields(ENGINES[row.name])} - {"overheads"}
    if set(row.defaults) != expected:
        raise CatalogError(
            f"engines/{file}: options: {sorted(set(row.defaults) ^ expected)} differ from the rules"
        )
    unknown = {constant.name for constant in row.constants} - {
        field.name for field in fields(OverheadConstants)
    }
    if unknown:
        raise CatalogError(f"engines/{file}: constants: {sorted(unknown)} are not known")


def engine_rules(name: str) -> EngineRules:
    """Rules of one engine.

    Raises:
        UnknownNameError: no such engine.
    """
    rules = load_engine_rules()
    if name not in rules:
        raise UnknownNameError("engine", name, tuple(rules), field="engine.name")
    return rules[name]


def build_engine(name: str, **options: OptionValue | None) -> Engine:
    """An engine with these options; those left out or None take the catalog's defaults.

    Raises:
        UnknownNameError: no such engine.
        InvalidInputError: an option that the engine does not have.
    """
    rules = engine_rules(name)
    unknown = sorted(set(options) - set(rules.defaults))
    if unknown:
        known = ", ".join(rules.defaults)
        raise InvalidInputError(
            f"engine.{unknown[0]}: {name} has no such option; it has {known}", field="engine"
        )
    given = {option: value for option, value in options.items() if value is not None}
    settings = {**rules.defaults, **given}
    engine: Engine = ENGINES[name](overheads=rules.overheads, **settings)  # type: ignore[arg-type]
    return engine


def engine_from(part: EnginePart) -> Engine:
    """The engine that a request names, with its options."""
    return build_engine(part.name, **part.model_dump(exclude={"name", "version"}))


def version_warnings(part: EnginePart) -> list[str]:
    """One sentence where the request names another version than the rules were read from."""
    rules = engine_rules(part.name)
    if part.version is None or part.version.lstrip("v").startswith(rules.version):
        return []
    return [f"engine.version: rules are those of {rules.title} {rules.version}; {part.version} may differ"]
