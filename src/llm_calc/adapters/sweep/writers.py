"""Rows as NDJSON, CSV or Parquet, in constant memory."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

from llm_calc.adapters.json_text import array_json
from llm_calc.adapters.sweep.run import Rows, Sweep
from llm_calc.core.errors import UnsupportedError

ROWS_AT_ONCE = 1024
"""Rows that are turned into text in one go."""
RUN = 4
"""Equal values in a row, on average, from which on writing each once is faster [rows]."""
YES_OR_NO = ("fits", "holds_a_request")
WORDS = ("basis",)
Batches = Iterable[list[Rows]]


class Style(NamedTuple):
    """How cells are written: what is not known, and what stands around words."""

    unknown: bytes
    quote: bytes


NULL = b"null"
JSON, CSV = Style(unknown=NULL, quote=b'"'), Style(unknown=b"", quote=b"")


def written(sweep: Sweep, batches: Batches) -> Iterator[bytes]:
    """The stream of a sweep's answer, one piece of bytes a batch.

    Raises:
        UnsupportedError: Parquet was asked for, and its library is not installed.
    """
    writers: dict[str, Callable[[Sweep, Batches], Iterator[bytes]]] = {
        "ndjson": ndjson,
        "csv": comma_separated,
        "parquet": parquet,
    }
    return writers[sweep.request.format](sweep, batches)


def ndjson(sweep: Sweep, batches: Batches) -> Iterator[bytes]:
    """One JSON object a row and line; with ``progress``, a line after each batch that says how far it is."""
    done = 0
    for batch in batches:
        yield b"".join(_json_lines(sweep, rows) for rows in batch)
        done += sum(rows.count for rows in batch)
        if sweep.request.progress:
            whole = {"complete": True} if done == sweep.grid.rows else {}
            yield to_json({"progress": {"rows": done, "of": sweep.grid.rows, **whole}}) + b"\n"


def _json_lines(sweep: Sweep, rows: Rows) -> bytes:
    """All rows of a piece as lines, between whose cells stand names and what the rows share."""
    shared = to_json({name: rows.fixed[name] for name in sweep.fixed_columns})[1:-1]
    labels = [b',"%b":' % name.encode() for name in sweep.number_columns]
    return _filled(sweep, rows, _around(sweep, rows, b"{" + shared, labels, b"}\n", JSON), JSON)


def _around(
    sweep: Sweep, rows: Rows, head: bytes, labels: Sequence[bytes], tail: bytes, style: Style
) -> list[bytes]:
    """What stands before, between and after the cells of a row; columns of one value are part of it."""
    around = [head]
    for name, label in zip(sweep.number_columns, labels, strict=True):
        values = rows.numbers[name]
        around[-1] += label
        if _same(values):
            around[-1] += _plain_texts(values[:1].copy(), style)[0]
        else:
            around.append(b"")
    around[-1] += tail
    return around


def _texts(values: npt.NDArray[Any], style: Style) -> list[bytes]:
    """The text of each value; of a run of one value it is written once."""
    bits = values.view(np.int64) if values.dtype == np.float64 else values
    begins = np.flatnonzero(np.append(True, bits[1:] != bits[:-1]))
    if RUN * len(begins) > len(values):
        return _plain_texts(values, style)
    lengths = np.diff(np.append(begins, len(values)))
    return list(chain.from_iterable(map(repeat, _plain_texts(values[begins], style), lengths.tolist())))


def _plain_texts(values: npt.NDArray[Any], style: Style) -> list[bytes]:
    """The text of each value. Numbers are written by the JSON library as a whole; words are plain and few."""
    if isinstance(values[0], str):
        given = values.tolist()
        words = {word: style.quote + word.encode() + style.quote for word in set(given)}
        return [words[value] for value in given]
    text = array_json(values)[1:-1]
    return (text if style.unknown == NULL else text.replace(NULL, style.unknown)).split(b",")


def _same(values: npt.NDArray[Any]) -> bool:
    """Whether all elements are one value, stored once."""
    return values.strides == (0,)


def _filled(sweep: Sweep, rows: Rows, around: list[bytes], style: Style) -> bytes:
    """All rows of a piece; a few thousand at a time, between which other threads have their turn."""
    varying = [name for name in sweep.number_columns if not _same(rows.numbers[name])]
    if not varying:
        return around[0] * rows.count
    columns = [_stored(sweep, rows, name) for name in varying]
    parts = (
        [_texts(column[first : first + ROWS_AT_ONCE], style) for column in columns]
        for first in range(0, rows.count, ROWS_AT_ONCE)
    )
    return b"".join(_interleaved(around, texts) for texts in parts)


def _interleaved(around: list[bytes], texts: list[list[bytes]]) -> bytes:
    """Rows from their cells and what stands around those."""
    count, width = len(texts[0]), len(around) + len(texts)
    pieces = [b""] * (count * width)
    for place, text in enumerate(around):
        pieces[2 * place :: width] = [text] * count
    for place, column in enumerate(texts):
        pieces[2 * place + 1 :: width] = column
    return b"".join(pieces)


def _stored(sweep: Sweep, rows: Rows, name: str) -> npt.NDArray[Any]:
    """A column; axes of whole numbers stay whole."""
    values = rows.numbers[name]
    whole = any(column.is_whole for column in sweep.grid.arrays if column.path == name)
    return values.astype(np.int64) if whole else values


def comma_separated(sweep: Sweep, batches: Batches) -> Iterator[bytes]:
    """A header and one line a row (RFC 4180); what is not known is empty. With ``progress``, a last line says so."""
    yield _csv_line([*sweep.fixed_columns, *sweep.number_columns])
    for batch in batches:
        yield b"".join(_csv_lines(sweep, rows) for rows in batch)
    if sweep.request.progress:
        yield b"# complete: %d rows\r\n" % sweep.grid.rows


def _csv_lines(sweep: Sweep, rows: Rows) -> bytes:
    shared = _csv_line([_cell(rows.fixed[name]) for name in sweep.fixed_columns])[:-2]
    labels = [b","] * len(sweep.number_columns)
    return _filled(sweep, rows, _around(sweep, rows, shared, labels, b"\r\n", CSV), CSV)


def _csv_line(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A value for a cell: objects and lists as JSON."""
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def parquet(sweep: Sweep, batches: Batches) -> Iterator[bytes]:
    """A Parquet file, one row group a batch.

    Raises:
        UnsupportedError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        msg = "format: parquet needs the extra llm-calc[parquet]; use ndjson or csv"
        raise UnsupportedError(msg, field="format") from None
    return _parquet(sweep, batches, pa, pq)


def _parquet(sweep: Sweep, batches: Batches, pa: Any, pq: Any) -> Iterator[bytes]:  # noqa: ANN401
    schema = pa.schema(
        [
            *(pa.field(name, _arrow_type(sweep, name, pa)) for name in sweep.fixed_columns),
            *(pa.field(name, _arrow_type(sweep, name, pa)) for name in sweep.number_columns),
        ]
    )
    sink = _Sink()
    # Numbers hardly repeat: looking for a dictionary of them, or for their extremes, takes longer than all else.
    words = [field.name for field in schema if field.type == pa.string()]
    with pq.ParquetWriter(sink, schema, use_dictionary=words, write_statistics=False) as writer:
        for batch in batches:
            writer.write_table(_table(batch, schema, pa))
            yield sink.taken()
    yield sink.taken()


def _arrow_type(sweep: Sweep, name: str, pa: Any) -> Any:  # noqa: ANN401
    if name in YES_OR_NO:
        return pa.bool_()
    if name in WORDS:
        return pa.string()
    if name in sweep.number_columns:
        whole = any(column.path == name and column.is_whole for column in sweep.grid.arrays)
        return pa.int64() if whole else pa.float64()
    column = next((column for column in sweep.grid.setups if column.path == name), None)
    if column is not None and column.is_numeric:
        return pa.int64() if column.is_whole else pa.float64()
    return pa.string()


def _table(batch: list[Rows], schema: Any, pa: Any) -> Any:  # noqa: ANN401
    """A batch as an Arrow table."""
    columns = [
        pa.chunked_array([_arrow(rows, field, pa) for rows in batch], type=field.type) for field in schema
    ]
    return pa.table(columns, schema=schema)


def _arrow(rows: Rows, field: Any, pa: Any) -> Any:  # noqa: ANN401
    if field.name in rows.numbers:
        values = rows.numbers[field.name]
        if _same(values):
            return pa.repeat(_arrow_column(values[:1], field, pa)[0], rows.count)
        return _arrow_column(values, field, pa)
    value = rows.fixed[field.name]
    if field.type == pa.string() and value is not None:
        value = value if isinstance(value, str) else json.dumps(value)
    return pa.repeat(pa.scalar(value, type=field.type), rows.count)


def _arrow_column(values: npt.NDArray[Any], field: Any, pa: Any) -> Any:  # noqa: ANN401
    if field.type == pa.bool_():
        return pa.array(values, mask=np.isnan(values.astype(float))).cast(field.type)
    if values.dtype == object:
        return _few_words(values, pa).cast(field.type)
    return pa.array(values, from_pandas=True).cast(field.type)


def _few_words(values: npt.NDArray[Any], pa: Any) -> Any:  # noqa: ANN401
    """Words by their places in a list of those that occur, which is faster than one after the other."""
    words = sorted(set(values.tolist()))
    places = np.zeros(len(values), dtype=np.int8)
    for place, word in enumerate(words[1:], start=1):
        places[values == word] = place
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(words))


class _Sink(io.RawIOBase):
    """A file that is only written to, and hands out what was written since the last time."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401
        """Keep the bytes until they are taken."""
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._at

    def taken(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
