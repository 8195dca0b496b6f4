"""Engines built from the catalog: of the release that a request names, with its options."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from llm_calc.adapters.engine_catalog import EngineRules, NoRules, OptionValue, load_engine_releases
from llm_calc.adapters.passed_options import further_words, passed_options
from llm_calc.adapters.release_days import old_rules
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.media_limits import items_of
from llm_calc.core.engines import ENGINES, Engine
from llm_calc.core.engines.releases import (
    Nearest,
    asked_numbers,
    built_before,
    release_for,
    release_of_tag,
    side_of_build,
)
from llm_calc.core.engines.vllm import LONGEST_THAT_FITS
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.serving.estimate import Deployment

COPIES = ("num_redundant_experts", "ep_num_redundant_experts")
"""Numbers of experts that are stored again, of which no run was measured."""


def engine_releases(name: str) -> tuple[EngineRules, ...]:
    """All releases of one engine that the catalog holds, the oldest first.

    Raises:
        UnknownNameError: no such engine.
    """
    releases = load_engine_releases()
    if name not in releases:
        raise UnknownNameError("engine", name, tuple(releases), field="engine.name")
    return releases[name]


def engine_rules(name: str, version: str | None = None) -> EngineRules:
    """The release of an engine that answers for this version: the newest where none is named, else the nearest.

    Raises:
        UnknownNameError: no such engine.
        InvalidInputError: the version is written as none of this engine is.
    """
    releases = engine_releases(name)
    return releases[_nearest(releases, version).index]


def _nearest(releases: tuple[EngineRules, ...], version: str | None) -> Nearest:
    if version is None:
        return Nearest(len(releases) - 1, 0)
    for index, release in enumerate(releases):
        if release.version.removeprefix("v") == version.strip().removeprefix("v"):
            return Nearest(index, 0)
    tagged = any(release.tags for release in releases)
    numbers = asked_numbers(version, releases[-1].version, tagged=tagged)
    if tagged and len(numbers) > 1:
        return release_of_tag(numbers, releases)
    found = release_for(numbers, releases)
    if found.side or not built_before(version):
        return found
    release = releases[found.index]
    newest = release.version if release is releases[-1] else None
    return Nearest(found.index, side_of_build(numbers, release.row, newest))


def build_engine(name: str, version: str | None = None, **options: OptionValue | None) -> Engine:
    """An engine of this release with these options; those left out or None take the catalog's defaults.

    Raises:
        UnknownNameError: no such engine.
        InvalidInputError: an option that the engine, or this release of it, does not have; no such version.
    """
    rules = engine_rules(name, version)
    unknown = sorted(set(options) - set(rules.defaults))
    if unknown:
        known = ", ".join(rules.defaults)
        raise InvalidInputError(
            f"engine.{unknown[0]}: {name} has no such option; it has {known}", field="engine"
        )
    given = {option: value for option, value in options.items() if value is not None}
    _refuse_missing(rules, given)
    settings = {**rules.defaults, **given}
    switches = {} if isinstance(rules.rules, NoRules) else {"rules": rules.rules}
    engine: Engine = ENGINES[name](overheads=rules.overheads, **switches, **settings)  # type: ignore[arg-type]
    return engine


def _refuse_missing(rules: EngineRules, given: Mapping[str, OptionValue]) -> None:
    """Refuses an option that this release does not have yet, or no longer."""
    for option in given:
        if option in rules.without:
            having = [row.version for row in engine_releases(rules.name) if option not in row.without]
            raise InvalidInputError(
                f"engine.{option}: {rules.title} {rules.version} has no such option; these have: {', '.join(having)}",
                field=f"engine.{option}",
            )


def can_be_compared(*parts: object) -> bool:
    """Whether parts of requests are made of values that can be compared, not of lists or configurations."""
    try:
        hash(parts)
    except TypeError:
        return False
    return True


def engine_from(part: EnginePart) -> Engine:
    """The engine that a request names, of its release and with its options; the same one for equal parts."""
    return _kept_engine(part) if can_be_compared(part) else _engine_from(part)


def _engine_from(part: EnginePart) -> Engine:
    _refuse_open_preset(part)
    aside = {"name", "version", "preset", "further", "further_values"}
    options = part.model_dump(exclude={*aside, *homed_flags(part.name)})
    options.pop("mm_processor_kwargs", None)  # of the model's largest item: the setup's
    if options.get("max_model_len") == "auto":
        options["max_model_len"] = LONGEST_THAT_FITS
    if options.get("limit_mm_per_prompt") is not None:
        options["limit_mm_per_prompt"] = items_of(options["limit_mm_per_prompt"])
    return build_engine(part.name, part.version, **options)


_kept_engine = lru_cache(256)(_engine_from)


def _refuse_open_preset(part: EnginePart) -> None:
    """A preset chooses before an engine is built; where it did not, it would be dropped."""
    if getattr(part, "preset", None) is not None and getattr(part, "n_ctx", None) is None:
        raise InvalidInputError(
            "engine.preset: is not taken here; say n_ctx and n_parallel", field="engine.preset"
        )


def release_of(part: EnginePart) -> EngineRules:
    """The release whose rules answer for a request."""
    return engine_rules(part.name, part.version)


def runs_captured(part: EnginePart) -> bool:
    """Whether decode steps run as captured graphs, as far as the request's options say."""
    off = release_of(part).uncaptured
    return not any(getattr(part, name, None) in values for name, values in off.items())


def with_launches_of(deployment: Deployment, engine: EnginePart) -> Deployment:
    """The deployment whose decode steps are launched kernel by kernel, where the request switches graphs off."""
    return deployment if runs_captured(engine) else _uncaptured(deployment)


def _uncaptured(deployment: Deployment) -> Deployment:
    kernels, server, alone = deployment.rates.kernels, deployment.server, deployment.alone
    return replace(
        deployment,
        rates=replace(deployment.rates, kernels=replace(kernels, captured=False)),
        server=None if server is None else _uncaptured(server),
        alone=None if alone is None else _uncaptured(alone),
    )


def untimed_options(part: EnginePart) -> tuple[str, ...]:
    """Options of a request that change the engine's speed where no time here does."""
    rules = release_of(part)
    given = {name: getattr(part, name, None) for name in rules.untimed}
    slower = tuple(
        name
        for name, value in given.items()
        if value is not None and value in rules.untimed[name] and value != rules.defaults.get(name)
    )
    return *slower, *(name for name in COPIES if getattr(part, name, None))


def version_warnings(part: EnginePart) -> list[str]:
    """Whose rules a request got, rules read long ago, and options that were listed from another release."""
    return [*_rule_warnings(part), *_of_other_release(part)]


def _rule_warnings(part: EnginePart) -> list[str]:
    """Whose rules a request got that names a version outside of every range, and what is off; rules read long ago."""
    chosen = release_of(part)
    old = old_rules(chosen.title, chosen.version, chosen.read_on)
    if part.version is None:
        return old
    releases = engine_releases(part.name)
    nearest = _nearest(releases, part.version)
    rules = releases[nearest.index]
    if not nearest.side:
        return old
    side, effect = ("newer", rules.row.after) if nearest.side > 0 else ("older", rules.row.before)
    known = f"the nearest known rules are those of {rules.title} {rules.version}"
    beyond = nearest.index == (len(releases) - 1 if nearest.side > 0 else 0)
    span = f" ({_span(releases)})" if beyond else ""
    return [f"engine.version: {known}; {part.version} is {side}: {effect}{span}", *old]


def told_of(part: EnginePart) -> list[str]:
    """What to know of an engine's release, and of its options that nothing counts."""
    return [*version_warnings(part), *further_words(part)]


def _of_other_release(part: EnginePart) -> list[str]:
    """That options were listed from another release than the one that is asked for."""
    if not part.further or part.version is None:
        return []
    listed, rules = passed_options(part.name).release, release_of(part)
    if rules.version.removeprefix("v") == listed:
        return []
    names = ", ".join(f"engine.{name}" for name in part.further)
    return [f"{names}: listed from {rules.title} {listed}; whether {part.version} has it is not known here"]


def _span(releases: tuple[EngineRules, ...]) -> str:
    """Which versions have rules of their own, in words."""
    builds = f"rules are known of {releases[0].row.since} to {releases[-1].row.until}"
    tags = [tag for release in releases for tag in release.tags or ()]
    return f"{builds}, and of tags v{tags[0]} to v{tags[-1]}" if tags else builds
