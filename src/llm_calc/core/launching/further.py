"""Options of an engine that nothing here counts, as words of the command that starts it."""

import json
from collections.abc import Iterator, Mapping

from llm_calc.core.launching.rules import FurtherRules
from llm_calc.core.launching.stated import Stated


def further_words(rules: FurtherRules, further: Stated) -> Mapping[str, tuple[str, ...]]:
    """The words of each option that stands on the command line; none of those that the command cannot say."""
    return {name: words for name, value in further if (words := tuple(_words(rules, name, value)))}


def further_lines(rules: FurtherRules, further: Stated) -> Mapping[str, str]:
    """The options that stand in the engine's file, as JSON, which is YAML."""
    return {name: json.dumps(value) for name, value in further if name in rules.in_file}


def _words(rules: FurtherRules, name: str, value: object) -> Iterator[str]:
    if name in rules.own or name in rules.in_file or value is None:
        return
    option = rules.renamed.get(name, f"--{name.replace('_', '-') if rules.dashes else name}")
    if isinstance(value, bool):
        yield from _switch(rules, name, option, on=value)
    elif name in rules.nested and isinstance(value, dict):
        for key, inner in value.items():
            yield from _valued(rules, f"{option}.{key}", inner)
    else:
        yield from _valued(rules, option, value)


def _switch(rules: FurtherRules, name: str, option: str, *, on: bool) -> Iterator[str]:
    if on:
        yield option
    elif rules.off_all or name in rules.off:
        yield f"--no-{option.removeprefix('--')}"


def _valued(rules: FurtherRules, option: str, value: object) -> Iterator[str]:
    """The option and its value; one that begins like an option is joined to its own where the engine reads that."""
    texts = _texts(value)
    if rules.joins and len(texts) == 1 and texts[0].startswith("-"):
        yield f"{option}={texts[0]}"
        return
    yield from (option, *texts)


def _texts(value: object) -> list[str]:
    """Each of several plain values as a word of its own."""
    if isinstance(value, (list, tuple)) and not any(isinstance(each, (dict, list)) for each in value):
        return [_text(each) for each in value]
    return [_text(value)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
