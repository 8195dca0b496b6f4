"""Recorded requests as text: lines of JSON as Mooncake publishes them, or a table with commas (CSV)."""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from llm_calc.adapters.json_twice import SaidTwiceError, json_once
from llm_calc.core.workloads.traces import Trace

MOST_ROWS = 25_000
MOST_CHARACTERS = 7_500_000
MOST_TOKENS = 100_000_000
MOST_NUMBER = 1e15
MOST_SPAN_S = 1e9
"""From the first to the last arrival; the clock of a longer run would be too coarse for a step."""
MS = 1e-3
ARRIVALS: Mapping[str, float] = {
    "timestamp_ms": MS,
    "arrival_ms": MS,
    "timestamp_s": 1.0,
    "arrival_s": 1.0,
    "arrival": 1.0,
}
"""Columns that say when a request came, in which unit [s]."""
PROMPTS = ("input_length", "input_tokens", "input", "contexttokens", "request tokens", "prompt_tokens")
OUTPUTS = (
    "output_length",
    "output_tokens",
    "output",
    "generatedtokens",
    "response tokens",
    "completion_tokens",
)
BLOCKS = "hash_ids"
TIMESTAMP = "timestamp"
KNOWN = frozenset((*ARRIVALS, TIMESTAMP, *PROMPTS, *OUTPUTS, BLOCKS))
_SEPARATOR = re.compile(r"[\s;,|]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One request; ``line``: where it stands in the text."""

    line: int
    arrival_s: float
    prompt: float
    output: float
    blocks: tuple[int, ...] | None
    unused: tuple[str, ...]


def read_trace(text: str, block_tokens: int, speed: float) -> tuple[Trace, tuple[str, ...]]:
    """The requests of a text in the order of their arrival, the first at 0, and fields that say nothing here.

    ``speed``: how much faster they come.

    Raises:
        ValueError: a line that cannot be read; names it and the field.
    """
    rows = list(_rows(text, block_tokens))
    if not rows:
        raise ValueError("has no requests; it takes a line for each")
    named = {row.blocks is not None for row in rows}
    if len(named) > 1:
        first = next(row.line for row in rows if row.blocks is None)
        raise ValueError(f"line {first}: hash_ids: missing; other lines have them")
    rows.sort(key=lambda row: row.arrival_s)
    begin = rows[0].arrival_s
    if (rows[-1].arrival_s - begin) / speed > MOST_SPAN_S:
        raise ValueError(
            f"its requests come within {MOST_SPAN_S:g} s at most, after speed; is the unit of times right?"
        )
    trace = Trace(
        arrivals_s=tuple((row.arrival_s - begin) / speed for row in rows),
        prompts=tuple(row.prompt for row in rows),
        outputs=tuple(row.output for row in rows),
        blocks=tuple(row.blocks or () for row in rows) if True in named else (),
        block_tokens=float(block_tokens),
    )
    return trace, tuple(dict.fromkeys(name for row in rows for name in row.unused))


def unit_taken(text: str) -> str:
    """Which unit was taken for times whose column names none; nothing where it does, or where they are dates."""
    _, fields = next(iter(_lines(text)))
    if "arrival" in fields:
        return "arrival: taken as seconds; name it arrival_ms for milliseconds"
    if is_number(fields.get(TIMESTAMP)):
        return "timestamp: taken as milliseconds, as Mooncake has it; name it timestamp_s for seconds"
    return ""


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    begin = text.lstrip("\ufeff \t\r\n")
    if begin.startswith("[") or begin.split("\n", 1)[0].strip() in ("null", "true", "false"):
        raise ValueError("line 1: must be a JSON object; a trace has one a line, without a list around them")
    return _json_lines(text) if begin.startswith("{") else _table(text)


def _rows(text: str, block_tokens: int) -> Iterator[_Row]:
    for number, (line, fields) in enumerate(_lines(text)):
        if number == MOST_ROWS:
            raise ValueError(f"line {line}: at most {MOST_ROWS} requests are taken; send a part of them")
        yield _row(line, fields, block_tokens)


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, row in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not row.strip():
            continue
        try:
            found = json_once(row)
        except SaidTwiceError as error:
            raise ValueError(f"line {line}: {error.message}") from None
        except ValueError:
            raise ValueError(f"line {line}: is no JSON object") from None
        if not isinstance(found, dict):
            raise ValueError(  # noqa: TRY004 - said of a line of the request
                f"line {line}: is no JSON object"
            )
        yield line, found


def _table(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    text = text.removeprefix("\ufeff")
    reader = csv.reader(StringIO(text), delimiter=_delimiter(text.lstrip().split("\n", 1)[0]))
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        _check_header(header)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                msg = f"line {reader.line_num}: has {len(cells)} fields; line 1 names {len(header)}"
                raise ValueError(msg)
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: is no line of a table: {error}") from None


def _delimiter(header: str) -> str:
    """Which of the usual separators the header has most of; a comma where it has none."""
    return max(",;\t|", key=header.count)


def _check_header(header: Sequence[str]) -> None:
    """Every column that is needed is there once."""
    needed = ((*ARRIVALS, TIMESTAMP), PROMPTS, OUTPUTS)
    for names in needed:
        found = [name for name in header if name in names]
        if len(found) != 1:
            raise ValueError(
                f"line 1: must name one column of {', '.join(names)}; found {' and '.join(found) or 'none'}"
            )


def _row(line: int, fields: Mapping[str, Any], block_tokens: int) -> _Row:
    prompt = _tokens(line, fields, PROMPTS)
    return _Row(
        line=line,
        arrival_s=_arrival(line, fields),
        prompt=prompt,
        output=_tokens(line, fields, OUTPUTS),
        blocks=_blocks(line, fields, prompt, block_tokens),
        unused=tuple(name[:60] for name in fields if name not in KNOWN),
    )


def _field(line: int, fields: Mapping[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    found = [name for name in names if name in fields]
    if len(found) != 1:
        raise ValueError(f"line {line}: must have one of {', '.join(names)}; found {len(found)}")
    return found[0], fields[found[0]]


def _number(line: int, name: str, value: object) -> float:
    """A finite number that is not below 0, or text of one."""
    try:
        known = isinstance(value, (int, float, str)) and not isinstance(value, bool)
        found = float(value) if known else math.nan  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        found = math.nan
    if not 0 <= found <= MOST_NUMBER:
        raise ValueError(
            f"line {line}: {name} must be a number from 0 to {MOST_NUMBER:g}; found {_shown(value)}"
        )
    return found


def _shown(value: object) -> str:
    return repr(value)[:40]


def _tokens(line: int, fields: Mapping[str, Any], names: Sequence[str]) -> float:
    name, value = _field(line, fields, names)
    found = _number(line, name, value)
    if found != int(found) or not 1 <= found <= MOST_TOKENS:
        raise ValueError(
            f"line {line}: {name} must be a whole number from 1 to {MOST_TOKENS}; found {_shown(value)}"
        )
    return found


def _arrival(line: int, fields: Mapping[str, Any]) -> float:
    """When a request came [s]; a number in ``timestamp`` is milliseconds, as Mooncake has it, else a date and time.

    One without an offset is taken as UTC, whose days have no hour twice.
    """
    name, value = _field(line, fields, (*ARRIVALS, TIMESTAMP))
    if name in ARRIVALS:
        return _number(line, name, value) * ARRIVALS[name]
    if is_number(value):
        return _number(line, name, value) * MS
    try:
        when = datetime.fromisoformat(str(value).strip())
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"line {line}: timestamp must be a number from 0 to {MOST_NUMBER:g} of milliseconds, or a date with a "
            f"time; found {_shown(value)}"
        ) from None


def is_number(value: object) -> bool:
    """Whether a value is a number, or text of one; a date of digits alone is none."""
    try:
        return not isinstance(value, bool) and math.isfinite(float(str(value)))
    except ValueError:
        return False


def _blocks(line: int, fields: Mapping[str, Any], prompt: float, block_tokens: int) -> tuple[int, ...] | None:
    """Names of the prompt's blocks, as many as it fills, the last one perhaps in part."""
    value = fields.get(BLOCKS)
    if value is None:
        return None
    names = (
        [each for each in _SEPARATOR.split(value.strip("[] \t")) if each] if isinstance(value, str) else value
    )
    if not isinstance(names, list):
        raise ValueError(  # noqa: TRY004 - as above
            f"line {line}: hash_ids must be a list of whole numbers; found {_shown(value)}"
        )
    needed = math.ceil(prompt / block_tokens)
    if len(names) != needed:
        raise ValueError(
            f"line {line}: hash_ids must be {needed} for {prompt:.0f} tokens in blocks of {block_tokens} "
            f"(block_tokens); found {len(names)}"
        )
    found = tuple(_block(line, name) for name in names)
    if len(set(found)) < len(found):
        raise ValueError(f"line {line}: hash_ids must differ from each other within a prompt")
    return found


def _block(line: int, name: object) -> int:
    try:
        if isinstance(name, (int, str)) and not isinstance(name, bool):
            return int(name)
    except ValueError:
        pass
    raise ValueError(f"line {line}: hash_ids must be whole numbers; found {_shown(name)}")
