"""Options of an engine that nothing here counts, as words of the command that starts it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llm_calc.core.launching.rules import FurtherRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """What was said of an option: ``on`` of a switch, else ``texts``, one a value.

    ``keys``: what an object holds, as texts. ``json``: all of it as JSON.
    """

    name: str
    on: bool | None
    texts: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    json: str


def further_words(rules: FurtherRules, further: Sequence[Further]) -> Mapping[str, tuple[str, ...]]:
    """The words of each option that stands on the command line; none of those that the command cannot say."""
    return {each.name: words for each in further if (words := tuple(_words(rules, each)))}


def further_lines(rules: FurtherRules, further: Sequence[Further]) -> Mapping[str, str]:
    """The options that stand in the engine's file, as JSON, which is YAML."""
    found = [each for each in further if _in_file(rules, each.name)]
    parts = {name: f"{part}.{name}" for part, names in rules.within.items() for name in names}
    return {parts.get(each.name, each.name): each.json for each in found}


def is_said(rules: FurtherRules, said: Further) -> bool:
    """Whether the command or its file says an option."""
    return _in_file(rules, said.name) or bool(further_words(rules, (said,)))


def _in_file(rules: FurtherRules, name: str) -> bool:
    return bool(rules.on_line) and name not in (*rules.on_line, *rules.own)


def _words(rules: FurtherRules, said: Further) -> Iterator[str]:
    name = said.name
    if name in rules.own or _in_file(rules, name):
        return
    option = f"--{name.replace('_', '-') if rules.dashes else name}"
    if said.on is not None:
        yield from _switch(rules, name, option, on=said.on)
    elif name in rules.nested and said.keys:
        for key, text in said.keys:
            yield from _valued(rules, f"{option}.{key}", (text,))
    else:
        yield from _valued(rules, option, said.texts)


def _switch(rules: FurtherRules, name: str, option: str, *, on: bool) -> Iterator[str]:
    if on:
        yield option
    elif rules.off_all or name in rules.off:
        yield f"--no-{option.removeprefix('--')}"


def _valued(rules: FurtherRules, option: str, texts: tuple[str, ...]) -> Iterator[str]:
    """The option and its values; one that begins like an option is joined to its own where the engine reads that."""
    if rules.joins and len(texts) == 1 and texts[0].startswith("-"):
        yield f"{option}={texts[0]}"
        return
    yield from (option, *texts)
