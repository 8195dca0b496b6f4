"""Options of engines under all their names: aliases, wholes that hold several, and what is passed on uncounted."""

import re
from collections.abc import Mapping
from typing import Any

from llm_calc.adapters.json_twice import json_once
from llm_calc.adapters.passed_options import PassedOptions, passed_options
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.layout_flags import with_width
from llm_calc.core.engines.releases import asked_numbers, version_numbers
from llm_calc.core.errors import InvalidInputError, UnsupportedError

FURTHER = "further"
VALUES = "further_values"
UNSAID: tuple[object, ...] = (None, False, 0, "auto", "", {}, [])
"""Values of an option that is refused which say what the engine does anyway."""
NO_MORE_THAN_ONE = frozenset(
    {
        *(
            "attn_cp_size",
            "context_parallel_size",
            "cp_kv_cache_interleave_size",
            "dwdp_size",
        ),
        *("max_beam_width", "moe_dp_size", "prefill_context_parallel_size"),
    }
)
"""Sizes that are refused, of which 1 is what the engine does anyway."""
WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("on", "enabled", "true", "1"), True),
    **dict.fromkeys(("off", "disabled", "false", "0"), False),
    **dict.fromkeys(("auto", "-1"), None),
}
"""llama.cpp ``common/arg.cpp``, ``is_truthy``, ``is_falsey`` and ``is_autoy``; checked: 2026-12-01, read."""
OPPOSITES = {"offload_kqv": "no_kv_offload"}
"""Options of llama.cpp and the names of their opposites."""
MODE = "cudagraph_mode"
COMPILED = ("cudagraph_mode", "cudagraph_capture_sizes", "max_cudagraph_capture_size")
"""What vLLM's compilation config holds that the request's own options say as well."""
MOST_PORT = 65535
REDUNDANT = "num_redundant_experts"
FULL_LEVEL = 2
"""The level that a server has by itself."""
BY_LEVEL = {0: "NONE", 1: "PIECEWISE", 2: "FULL_AND_PIECEWISE", 3: "FULL_AND_PIECEWISE"}
"""``cudagraph_mode`` of an optimization level: vLLM 0.33.0 ``vllm/config/vllm.py``, ``OPTIMIZATION_LEVEL_TO_CONFIG``;
checked: 2026-11-30, read."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
LAST_WITHOUT_LEVEL = (0, 11)
"""vLLM 0.11.0 ``vllm/engine/arg_utils.py`` and ``config/compilation.py``; checked: 2026-11-30, read."""


def spelled(engine: Mapping[str, Any], name: str, refused: Mapping[str, str]) -> dict[str, Any]:
    """The engine's part with its options under the request's names; those that nothing counts by name in ``further``.

    Raises:
        InvalidInputError: two names of one option that say different things; a whole that cannot be read.
        UnsupportedError: an option of what is not modelled; says what to do instead.
    """
    known = passed_options(name)
    values: dict[str, Any] = {}
    engine = {**engine, FURTHER: _named(engine.get(FURTHER), known)}
    found: dict[str, Any] = {}
    said_as: dict[str, str] = {}
    for option, value in engine.items():
        own = known.aliases.get(option, option)
        _merge(found, own, value, option, said_as.get(own))
        if value is not None:
            said_as[own] = option
    _check_opposites(found)
    options = traits_of(name).options
    found = with_width(found, options.layout, _numbers(found.get("version")))
    for option in options.words:
        if isinstance(found.get(option), str):
            found[option] = WORDS.get(found[option], found[option])
    for option in found.keys() & options.sentinels.keys():
        found[option] = _meant(option, found[option], options.sentinels[option])
    if options.compiles:
        found = _compiled(found, values, name)
    homes = {**known.homes, **refused}
    for option in [each for each in found if each in homes]:
        if found[option] not in UNSAID and not (option in NO_MORE_THAN_ONE and found[option] == 1):
            raise UnsupportedError(f"engine.{option}: {homes[option]}", field=f"engine.{option}")
        del found[option]
    further = [each for each in found if each in known.passed]
    values = _typed(values | {each: found[each] for each in further if found[each] is not None})
    names = [*dict.fromkeys((*found.pop(FURTHER), *values))]
    rest = {option: value for option, value in found.items() if option not in further}
    return {**rest, **({FURTHER: names} if names else {}), **({VALUES: values} if values else {})}


def _meant(option: str, value: object, meant: Mapping[object, int | None]) -> object:
    """What a value stands for; a number as a command line says it, in text, is that number.

    Raises:
        InvalidInputError: a number below zero that stands for nothing.
    """
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return value
    if value not in meant and (isinstance(value, str) or value < 0):
        words = f"engine.{option}: {str(value)[:40]!r} is not taken; accepted are a count"
        listed = ", ".join(map(str, meant))
        raise InvalidInputError(f"{words}, {listed}", field=f"engine.{option}")
    return meant.get(value, value)


def with_listed_values(engine: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The engine's part with what it says under ``further_values`` said by itself, and the fields of those, as said.

    Raises:
        InvalidInputError: no object, a name that is no uncounted option, or one that says something else by itself.
    """
    found = {option: value for option, value in engine.items() if option != VALUES}
    values = _valued(engine.get(VALUES), passed_options(name))
    fields = {f"engine.{option}": f"engine.{VALUES}.{option}" for option in values if option not in found}
    for option, value in values.items():
        _merge(found, option, value, f"{VALUES}.{option}")
    return found, fields


def _numbers(version: object) -> tuple[int, ...] | None:
    return version_numbers(version) if isinstance(version, str) else None


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the port as a number, which manifests ask.

    Raises:
        InvalidInputError: no port.
    """
    port = values.get("port")
    if port is None:
        return values
    text = "" if isinstance(port, bool) else str(port).strip()
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= MOST_PORT:
        msg = f"engine.port: must be a whole number from 1 to {MOST_PORT}"
        raise InvalidInputError(msg, field="engine.port")
    return values | {"port": int(text)}


def _named(further: object, known: PassedOptions, field: str = FURTHER) -> list[str]:
    """The names that a request lists itself.

    Raises:
        InvalidInputError: no list, or a name that is none of the engine's uncounted options.
    """
    listed = [] if further is None else further
    if not isinstance(listed, (list, tuple)):
        raise InvalidInputError("engine.further: must be a list of names", field="engine.further")
    for option in listed:
        if not isinstance(option, str) or option not in known.passed:
            msg = f"engine.{field}: {str(option)[:80]!r} is no option that is known and uncounted; say it by itself"
            raise InvalidInputError(msg, field=f"engine.{field}")
    return list(listed)


def _valued(values: object, known: PassedOptions) -> dict[str, Any]:
    """What a request says itself of the options that it lists.

    Raises:
        InvalidInputError: no object, or a name that is none of the engine's uncounted options.
    """
    if values is not None and not isinstance(values, dict):
        raise InvalidInputError(f"engine.{VALUES}: must be a JSON object", field=f"engine.{VALUES}")
    return dict(zip(_named([*(values or ())], known, VALUES), (values or {}).values(), strict=True))


def _merge(
    found: dict[str, Any], option: str, value: object, said_as: str, before: str | None = None
) -> None:
    """An option beside those that are known; ``before``: the name under which it was said already."""
    if found.get(option, value) != value and value is not None and found[option] is not None:
        other = f"engine.{before or option} says {found[option]!r}"
        msg = f"engine.{said_as}: says {value!r}, but {other}; they are one option"
        raise InvalidInputError(msg, field=f"engine.{said_as}")
    if value is not None or option not in found:
        found[option] = value


def _check_opposites(found: Mapping[str, Any]) -> None:
    """Refuses an option and its opposite that are both on, or both off.

    Raises:
        InvalidInputError: they are; names both.
    """
    for option, opposite in OPPOSITES.items():
        value = found.get(option)
        if isinstance(value, bool) and found.get(opposite) is value:
            msg = f"engine.{opposite}: is the opposite of engine.{option}; both say {value}"
            raise InvalidInputError(msg, field=f"engine.{opposite}")


def _compiled(engine: dict[str, Any], values: dict[str, Any], name: str) -> dict[str, Any]:
    """A compilation config and a level of vLLM as the options that they hold; other keys are uncounted ``values``."""
    found = {
        key: value for key, value in engine.items() if key not in ("compilation_config", "optimization_level")
    }
    _balance(found, values)
    config, level = _whole(engine.get("compilation_config")), engine.get("optimization_level")
    if isinstance(config, int):
        values["compilation_config"], config = config, {}
    if config is not None:
        for key in [each for each in COMPILED if config.get(each) is not None]:
            value = config[key].upper() if key == MODE and isinstance(config[key], str) else config[key]
            _merge(found, key, value, f"compilation_config.{key}")
        if rest := _without(config, COMPILED):
            values["compilation_config"] = rest
    if level is not None:
        _check_level(engine.get("version"), name)
        if not isinstance(level, int) or isinstance(level, bool) or level not in BY_LEVEL:
            msg = "engine.optimization_level: must be 0, 1, 2 or 3"
            raise InvalidInputError(msg, field="engine.optimization_level", accepted=[*BY_LEVEL])
        if found.get("cudagraph_mode") is None:
            found["cudagraph_mode"] = BY_LEVEL[level]
        if level < FULL_LEVEL:
            values["optimization_level"] = level
    return found


def _without(config: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


def _check_level(version: object, engine: str) -> None:
    """Refuses a level of a release that has none: ``-O`` of 0.11.0 is the compilation config's own level.

    Raises:
        InvalidInputError: vLLM 0.11 and before.
    """
    if not isinstance(version, str):
        return
    numbers = asked_numbers(version, passed_options(engine).release, tagged=False)
    if tuple(numbers)[:2] <= LAST_WITHOUT_LEVEL:
        msg = (
            f"engine.optimization_level: vLLM {version} has no such option; its compilation_config takes a level of "
            "another meaning. Say cudagraph_mode, or enforce_eager"
        )
        raise InvalidInputError(msg, field="engine.optimization_level")


def _balance(found: dict[str, Any], values: dict[str, Any]) -> None:
    """A config of balanced experts as the number of redundant ones; when they are moved is uncounted."""
    config = _whole(found.pop("eplb_config", None), "eplb_config")
    if config is None:
        return
    if config.get(REDUNDANT) is not None:
        _merge(found, REDUNDANT, config[REDUNDANT], f"eplb_config.{REDUNDANT}")
    if rest := _without(config, (REDUNDANT,)):
        values["eplb_config"] = rest


def _whole(value: object, name: str = "compilation_config") -> Any:  # noqa: ANN401 - an object, or the level that older releases took
    """The config as an object, from either spelling."""
    if isinstance(value, str):
        try:
            value = json_once(value, where=f"engine.{name}")
        except ValueError:
            value = None if not value else object()
    levels = (int,) if name == "compilation_config" else ()
    if value is not None and (isinstance(value, bool) or not isinstance(value, (dict, *levels))):
        raise InvalidInputError(f"engine.{name}: must be a JSON object", field=f"engine.{name}")
    return value
