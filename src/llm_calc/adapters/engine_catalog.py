"""The engines' catalog: releases with their defaults, rules and constants."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeAlias, get_type_hints

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml
from llm_calc.adapters.wire.engines import ENGINE_PARTS, EngineRelease
from llm_calc.core.engines import ENGINES
from llm_calc.core.engines.releases import version_numbers
from llm_calc.core.errors import CatalogError
from llm_calc.core.overheads import OverheadConstants

OptionValue: TypeAlias = bool | int | float | str
RuleValue: TypeAlias = OptionValue | list[int] | list[str] | list[list[float]]
NOT_OPTIONS = {"overheads", "rules"}
CONSTANTS = {field.name for field in fields(OverheadConstants)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRules:
    """The switches of an engine that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOption:
    """One option under the engine's own name; without a default the engine derives it."""

    name: str
    default: OptionValue | None
    meaning: str


class EngineConstant(BaseModel):
    """A constant that physics leaves open, with the number of start-up logs behind it (0: read from a log or code)."""

    model_config = STRICT

    name: str
    value: float
    logs: int
    basis: str


class ReleaseRow(BaseModel):
    """One release in an engine's file: what it changes of the release before it in the file.

    ``version``: the one whose code or pages were read; the rules hold from ``since`` to ``until``. ``defaults``: of
    options that the engine does not derive. ``rules``: the switches of the engine's rules in the core. ``without``:
    options that it does not have, in place of those that the release before it lacks. ``tags``: where builds are
    counted, the first and the last numbered release that the rules hold for. ``before`` and ``after`` end the
    warning of a version that lies outside of every range: what may be off, and in which direction.
    """

    model_config = STRICT

    version: str
    since: str
    until: str
    read_on: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    tags: Many[str] | None = Field(default=None, min_length=2, max_length=2)
    links: Many[str] = Field(min_length=1)
    defaults: dict[str, OptionValue] = {}
    constants: Many[EngineConstant] = ()
    rules: dict[str, RuleValue] = {}
    without: Many[str] | None = None
    before: str = "what changed in between is not known, so that the answer may be off either way"
    after: str = "what changed since is not known, so that the answer may be off either way"

    @model_validator(mode="after")
    def _is_a_day_and_a_range(self) -> "ReleaseRow":
        date.fromisoformat(self.read_on)
        numbers, first, last = (version_numbers(each) for each in (self.version, self.since, self.until))
        if not numbers or not first or not last or self.tags is not None:
            return self
        if not (first <= numbers[: len(first)] and numbers[: len(last)] <= last):
            raise ValueError(f"version: {self.version} is not in {self.since} to {self.until}")
        return self


class Disaggregation(BaseModel):
    """Whether an engine computes prompts on one server and answers on another, and where that was read.

    ``reuse``: what servers find of prompts and answers before that lie on the other side, by default and by option.
    """

    model_config = STRICT

    runs: bool
    reuse: str = ""
    checked: date
    links: Many[str] = Field(min_length=1)


class EngineFile(BaseModel):
    """A file of ``catalogs/engines``: an engine's releases, the oldest first.

    ``disaggregation``: absent where it is not known. ``untimed``: values of options that make the engine slower or
    faster in a way that no time here knows of. ``uncaptured``: those under which decode steps run without graphs.
    """

    model_config = STRICT

    name: str
    title: str
    disaggregation: Disaggregation | None = None
    untimed: dict[str, Many[OptionValue]] = {}
    uncaptured: dict[str, Many[OptionValue]] = {}
    releases: Many[ReleaseRow] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRules:
    """One release of an engine with all that it takes over from those before it."""

    name: str
    title: str
    row: ReleaseRow
    options: tuple[EngineOption, ...]
    constants: tuple[EngineConstant, ...]
    overheads: OverheadConstants
    rules: object
    without: tuple[str, ...]
    untimed: Mapping[str, tuple[OptionValue, ...]]
    uncaptured: Mapping[str, tuple[OptionValue, ...]]
    disaggregates: bool
    reuse_apart: str

    @property
    def version(self) -> str:
        """The release that was read."""
        return self.row.version

    @property
    def read_on(self) -> str:
        """The day of reading."""
        return self.row.read_on

    @property
    def links(self) -> tuple[str, ...]:
        """What was read."""
        return self.row.links

    @property
    def since(self) -> str:
        """The first version that the rules hold for."""
        return self.row.since

    @property
    def until(self) -> str:
        """The last version that the rules hold for."""
        return self.row.until

    @property
    def tags(self) -> Sequence[str] | None:
        """The first and the last numbered release that the rules hold for, where builds are counted."""
        return self.row.tags

    @property
    def defaults(self) -> dict[str, OptionValue | None]:
        """Every option with its default."""
        return {option.name: option.default for option in self.options}

    @property
    def answered(self) -> EngineRelease:
        """The release as answers name it."""
        return EngineRelease(name=self.name, version=self.version, rules_read_on=self.read_on)


@cache
def load_engine_releases(path: Path | None = None) -> Mapping[str, tuple[EngineRules, ...]]:
    """All releases of all engines, by name, the oldest first.

    Raises:
        CatalogError: a file is wrong, misnamed, or names options, rules or constants that the engine does not take.
    """
    found = {}
    for file in sorted(catalog_folder("engines", path).glob("*.toml")):
        read = read_toml(EngineFile, file)
        if read.name != file.stem or read.name not in ENGINES:
            raise CatalogError(f"engines/{file.name}: name: {read.name!r} is not the file's or no engine")
        _check_order([(row.since, row.until) for row in read.releases], file.name)
        found[read.name] = tuple(_releases(read, file.name))
    return found


def load_engine_rules(path: Path | None = None) -> Mapping[str, EngineRules]:
    """The newest release of all engines, by name."""
    return {name: releases[-1] for name, releases in load_engine_releases(path).items()}


def _releases(read: EngineFile, file: str) -> Iterator[EngineRules]:
    """Each release with what it takes over."""
    whole = read.releases[0]
    for row in read.releases:
        whole = row if row is whole else _changed(whole, row)
        yield _release(read, whole, f"engines/{file}: releases {row.version}")


def _changed(before: ReleaseRow, row: ReleaseRow) -> ReleaseRow:
    """A release with what it takes over from the one before it."""
    constants = {constant.name: constant for constant in (*before.constants, *row.constants)}
    return row.model_copy(
        update={
            "defaults": {**before.defaults, **row.defaults},
            "constants": tuple(constants.values()),
            "rules": {**before.rules, **row.rules},
            "without": before.without if row.without is None else row.without,
        }
    )


def _release(read: EngineFile, row: ReleaseRow, where: str) -> EngineRules:
    names = {*option_meanings(read.name)}
    for kind, wrong in (
        ("defaults: no options", {*row.defaults} - names),
        ("without: no options", {*(row.without or ())} - names),
        ("untimed: no options", {*read.untimed} - names),
        ("uncaptured: none of untimed", {*read.uncaptured} - {*read.untimed}),
        ("constants: not known", {constant.name for constant in row.constants} - CONSTANTS),
    ):
        if wrong:
            raise CatalogError(f"{where}: {kind}: {', '.join(sorted(wrong))}")
    _check_defaults(read.name, row.defaults, where)
    return EngineRules(
        name=read.name,
        title=read.title,
        row=row,
        options=tuple(
            EngineOption(name=name, default=row.defaults.get(name), meaning=meaning)
            for name, meaning in option_meanings(read.name).items()
        ),
        constants=row.constants,
        overheads=OverheadConstants(**{constant.name: constant.value for constant in row.constants}),
        rules=_switches(read.name, row, where),
        without=row.without or (),
        untimed=read.untimed,
        uncaptured=read.uncaptured,
        disaggregates=read.disaggregation is not None and read.disaggregation.runs,
        reuse_apart="" if read.disaggregation is None else read.disaggregation.reuse,
    )


def _check_defaults(name: str, defaults: Mapping[str, OptionValue], where: str) -> None:
    """A default is what a request could say of the option."""
    part = ENGINE_PARTS.get(name)
    for option, value in defaults.items():
        if part is None or option not in part.model_fields:
            continue
        try:
            part.model_validate({"name": name, option: value})
        except ValidationError as error:
            reasons = [each["msg"] for each in error.errors(include_url=False) if option in each["loc"]]
            if reasons:
                raise CatalogError(f"{where}: defaults: {option}: {value!r}: {reasons[0]}") from error


def _switches(name: str, row: ReleaseRow, where: str) -> object:
    """The switches as the core takes them."""
    kind = get_type_hints(ENGINES[name]).get("rules", NoRules)
    unknown = {*row.rules} - {field.name for field in fields(kind)}
    if unknown:
        raise CatalogError(f"{where}: rules: not known: {', '.join(sorted(unknown))}")
    kinds = get_type_hints(kind)
    for rule, value in row.rules.items():
        if kinds[rule] is bool and not isinstance(value, bool):
            raise CatalogError(f"{where}: rules: {rule}: {value!r} is neither true nor false")
    try:
        return TypeAdapter(kind).validate_python(dict(row.rules))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise CatalogError(f"{where}: rules: {fault['loc'][-1]}: {fault['msg']}") from error


def option_meanings(name: str) -> dict[str, str]:
    """The options of an engine as its rules take them, with what requests say of them."""
    part = ENGINE_PARTS.get(name)
    described = {} if part is None else part.model_fields
    names = (field.name for field in fields(ENGINES[name]) if field.name not in NOT_OPTIONS)
    return {name: str(described[name].description) if name in described else "" for name in names}


def _check_order(ranges: list[tuple[str, str]], file: str) -> None:
    numbers = [version_numbers(end) for each in ranges for end in each]
    if None in numbers or numbers != sorted(numbers, key=lambda each: each or ()):
        raise CatalogError(f"engines/{file}: releases: since and until: not versions in their order")
