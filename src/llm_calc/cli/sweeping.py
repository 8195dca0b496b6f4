"""``llm-calc sweep``: a grid of requests, with a progress bar, to a file, a pipe or the terminal."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from llm_calc.cli.answers import console
from llm_calc.cli.completion import one_of
from llm_calc.cli.options import PATHS, SWEEP, DeploymentOptions, option
from llm_calc.core.errors import InvalidInputError

if TYPE_CHECKING:
    from llm_calc.adapters.sweep.run import Rows, Sweep
    from llm_calc.adapters.wire.sweep import SweepRequest

SHOWN_ROWS = 40
TEXTS = ("method", "error", "confidence", "weights_format", "basis")
ENDINGS = {".csv": "csv", ".parquet": "parquet", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_RANGE = re.compile(r"(?P<start>[-+.\dekKmM]+):(?P<stop>[-+.\dekKmM]+)(?::(?P<count>\d+))?(?P<log>:log)?")

OnRows = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions(DeploymentOptions):
    """A request, and the values that some of its fields take in turn."""

    target: Annotated[
        str | None,
        option(
            "--target",
            panel=SWEEP,
            of="WHAT",
            what="serving_estimate, memory_plan or calculate.",
            default="serving_estimate",
            complete=one_of("serving_estimate", "memory_plan", "calculate"),
        ),
    ] = None
    grid: Annotated[
        list[str] | None,
        option(
            "--grid",
            panel=SWEEP,
            of="FIELD=VALUES",
            what="workload.concurrency=1,8,64 or =START:STOP[:COUNT][:log]; may be repeated.",
        ),
    ] = None
    method: Annotated[
        str | None,
        option(
            "--method",
            panel=SWEEP,
            of="HOW",
            what="auto, as_endpoint or closed_form.",
            default="auto",
            complete=one_of("auto", "as_endpoint", "closed_form"),
        ),
    ] = None
    out: Annotated[
        Path | None,
        option("--out", panel=SWEEP, of="FILE", what="File for the rows: .ndjson, .csv or .parquet."),
    ] = None
    row_format: Annotated[
        str | None,
        option(
            "--format",
            panel=SWEEP,
            of="FORMAT",
            what="ndjson, csv or parquet, to --out or stdout.",
            default="the file's ending",
            complete=one_of("ndjson", "csv", "parquet"),
        ),
    ] = None
    on: Annotated[
        str | None,
        option("--on", panel=SWEEP, of="dask://HOST:PORT", what="Evaluate on a Dask cluster."),
    ] = None


def sweep(options: SweepOptions) -> None:
    """A grid over any fields of a request: one row for each combination.

    Shows the first rows as a table; --out writes all to a file, --json or --format to standard output.
    """
    if options.row_format == "parquet" and options.out is None and sys.stdout.isatty():
        raise InvalidInputError("--format parquet: is binary; give --out FILE or send it to a program")
    request = _request(options)
    with _progress() as on_rows:
        parts = _parts(request, options.on, on_rows)
        if options.out is not None:
            _write(options.out, parts)
        elif options.as_json or options.row_format:
            for part in parts:
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
        else:
            rows = _lines(parts)
            shown, more = list(islice(rows, SHOWN_ROWS)), sum(1 for _ in rows)
    if options.out is None and not (options.as_json or options.row_format):
        _show(shown, more, set(request.grid))


def _request(options: SweepOptions) -> "SweepRequest":
    """A sweep of ``--request`` if that is one, else of the request that the options describe."""
    from llm_calc.adapters.operations import validated
    from llm_calc.adapters.shorthand import expanded
    from llm_calc.adapters.wire.sweep import SweepRequest
    from llm_calc.cli.bodies import body_of, engine_of

    body = body_of(options, PATHS)
    if "base" not in body:
        body = {"target": "serving_estimate", "base": body}
    given = {"target": options.target, "method": options.method, "format": _format(options)}
    engine = engine_of(body["base"])
    axes = dict(_axis(text, engine) for text in options.grid or ())
    if not axes and not body.get("grid"):
        raise InvalidInputError("--grid: is required, such as --grid workload.concurrency=1,8,64")
    whole = {**body, **{name: value for name, value in given.items() if value is not None}}
    return validated(SweepRequest, expanded({**whole, "grid": {**whole.get("grid", {}), **axes}}))


def _format(options: SweepOptions) -> str:
    """The format that was asked for, else that of the file's ending; rows for tables are NDJSON."""
    if options.row_format is not None:
        return options.row_format
    if options.out is None:
        return "ndjson"
    ending = options.out.suffix.lower()
    if ending not in ENDINGS:
        raise InvalidInputError(
            f"--out {options.out}: must end in {', '.join(ENDINGS)}, or --format be given"
        )
    return ENDINGS[ending]


def _axis(text: str, engine: str) -> tuple[str, object]:
    """``field=1,2,3`` or ``field=start:stop[:count][:log]``; ``engine``: whose options are meant."""
    from llm_calc.cli.bodies import value_at, value_of

    path, equals, values = text.partition("=")
    if not equals or not values:
        raise InvalidInputError(f"--grid {text}: must be FIELD=VALUES, such as workload.concurrency=1,8,64")
    span = _RANGE.fullmatch(values)
    if span is None:
        whole = value_of(values)
        return path, whole if isinstance(whole, list) else [
            value_at(path, each, engine) for each in values.split(",")
        ]
    said = [name for name in ("start", "stop", "count") if span[name] is not None]
    ends = {name: value_at(path, span[name], engine) for name in said}
    return path, {**ends, "spacing": "log" if span["log"] else "linear"}


def _parts(request: "SweepRequest", cluster: str | None, on_rows: OnRows) -> Iterator[bytes]:
    """The pieces of the answer, evaluated here or by a cluster."""
    from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
    from llm_calc.adapters.operations import MOST_ROWS
    from llm_calc.adapters.sweep.distributed import sweep_on
    from llm_calc.adapters.sweep.run import ready_sweep
    from llm_calc.adapters.sweep.writers import written

    if cluster is not None:
        return sweep_on(cluster, request, catalogs(), MOST_ROWS, on_rows)
    ready = ready_sweep(request, catalogs(), MOST_ROWS)
    return written(ready, _counted(ready, on_rows))


def _counted(ready: "Sweep", on_rows: OnRows) -> "Iterator[list[Rows]]":
    from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs

    done = 0
    for batch in ready.batches(catalogs()):
        done += sum(rows.count for rows in batch)
        on_rows(done, ready.grid.rows)
        yield batch


@contextmanager
def _progress() -> Iterator[OnRows]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), "rows", TimeRemainingColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("sweep", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _write(path: Path, parts: Iterator[bytes]) -> None:
    """All rows to a file, which is there when it is whole: an interrupted sweep leaves none."""
    is_device = path.exists() and not path.is_file()
    unfinished = path if is_device else path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            file.writelines(parts)
        if not is_device:
            unfinished.replace(path)
    except OSError as error:
        raise InvalidInputError(f"--out {path}: cannot be written: {error.strerror}") from error
    finally:
        if not is_device:
            unfinished.unlink(missing_ok=True)


def _lines(parts: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    from pydantic_core import from_json

    return (from_json(line) for part in parts for line in part.splitlines())


def _show(rows: list[dict[str, Any]], more: int, axes: set[str]) -> None:
    """Rows as a table: the axes first, then every figure that some row has."""
    from llm_calc.cli.tables import listing

    shown = console()
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    columns.sort(key=lambda name: (name not in axes, name == "method"))
    titles = [_title(name) for name in columns]
    spare = [title.strip() for name, title in zip(columns, titles, strict=True) if name not in axes]
    cells = [tuple(_cell(name, row[name]) for name in columns) for row in rows]
    listing(shown, titles, cells, spare=list(reversed(spare)))
    if more:
        shown.print(f"{more:,} more rows; --out FILE writes all of them")


def _title(name: str) -> str:
    """The name of a column in words, without the unit where cells show it; texts begin with a space."""
    words = name if name.endswith("_per_s") else name.removesuffix("_bytes").removesuffix("_s")
    return (" " if name in TEXTS else "") + words.replace("_", " ").replace(".", " ")


def _cell(name: str, value: object) -> str:
    """A value as people read it, in the unit that its name says."""
    from llm_calc.cli.text import NONE, memory, number, seconds

    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return NONE if value is None else str(value)
    if name.endswith("_bytes"):
        return memory(value)
    return seconds(value) if name.endswith("_s") and not name.endswith("_per_s") else number(value)
