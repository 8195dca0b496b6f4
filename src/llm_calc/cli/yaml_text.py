"""JSON values as YAML, for tools that read it: blocks for lists and objects, JSON for what stands in them."""

import json
import re
from collections.abc import Iterator, Sequence

Json = object

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*")
"""Words that mean themselves in YAML; all others are quoted, as JSON quotes them."""
SPECIAL = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))


def yaml_documents(values: Sequence[Json], comments: Sequence[str] = ()) -> str:
    """Several documents, after lines of comment.

    >>> print(yaml_documents([{"a": ["b", 1, {"c": "1"}]}], ["plan 1"]), end="")
    # plan 1
    a:
      - b
      - 1
      - c: "1"
    """
    heads = [f"# {line}\n" for text in comments for line in text.splitlines()]
    return "".join(heads) + "---\n".join(yaml_text(value) for value in values)


def yaml_text(value: Json) -> str:
    """One value, with a line break at its end."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Json) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _member(_scalar(key), each)
    elif isinstance(value, list) and value:
        for each in value:
            first, *rest = _lines(each)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _member(key: str, value: Json) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield f"{key}:"
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{key}: {_scalar(value)}"


def _scalar(value: Json) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.casefold() not in SPECIAL:
        return value
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(letter: str) -> str:
    """Letters that YAML would not take as they are, or would take for a line break."""
    code = ord(letter)
    if 0x20 <= code < 0x7F:
        return letter
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
