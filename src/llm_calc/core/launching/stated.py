"""Options that a request states for its engine, as words of the command that starts it."""

from collections.abc import Mapping

from llm_calc.core.launching.rules import LaunchRules, StatedOption

Stated = tuple[tuple[str, object], ...]
"""Names of options and what was said of them."""


def stated_words(
    rules: LaunchRules, stated: Stated, release: str | None, *, in_file: bool
) -> Mapping[str, tuple[str, ...]]:
    """The words of each option that says something stated, the option's own among them."""
    said = dict(stated)
    found = {
        row.option: option_words(row, said[row.states], release)
        for row in rules.stated
        if row.states in said and row.in_file == in_file
    }
    return {option: words for option, words in found.items() if words}


def option_words(row: StatedOption, value: object, release: str | None) -> tuple[str, ...]:
    """The option and its value; nothing where it cannot be said."""
    option = row.option if release is None else row.earlier.get(release, row.option)
    if isinstance(value, bool):
        return _switched(option, row.on if value else row.off, bare=value)
    if isinstance(value, tuple):
        texts = tuple(plain_text(each, row.values) for each in value)
        return (option, *(texts if row.joined is None else (row.joined.join(texts),)))
    return option, plain_text(value, row.values)


def _switched(option: str, word: str | None, *, bare: bool) -> tuple[str, ...]:
    if word is None:
        return (option,) if bare else ()
    return (word,) if word.startswith("-") else (option, word)


def plain_text(value: object, values: Mapping[str, str]) -> str:
    """A value as commands write it, or the engine's word for it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return values.get(text, text)
