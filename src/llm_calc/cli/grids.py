"""``llm-calc sweep``: a grid of requests to a file or standard output, with a progress bar."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import checked_request
from llm_calc.adapters.sweep.run import Rows, Sweep, ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.cli.running import errors, told_errors
from llm_calc.cli.sources import read_json
from llm_calc.library import MOST_SWEEP_ROWS, SWEEP


def sweep(
    file: Annotated[str, typer.Argument(help="JSON request of /api/sweep, or - for standard input")],
    out: Annotated[Path | None, typer.Option(help="File to write; absent: standard output")] = None,
    form: Annotated[str | None, typer.Option("--format", help="ndjson, csv or parquet")] = None,
    on: Annotated[str | None, typer.Option(help="A Dask scheduler to run on: dask://host:port")] = None,
    max_rows: Annotated[int, typer.Option(help="Most rows")] = MOST_SWEEP_ROWS,
) -> None:
    """A grid over any fields of a request, one row a combination."""
    with told_errors():
        body = read_json(file)
        if form and isinstance(body, dict):
            body["format"] = form
        request = cast("SweepRequest", checked_request(SWEEP, body))
        catalogs = load_catalogs()
        ready = ready_sweep(request, catalogs, max_rows)
        rows = ready.grid.rows
        _write(_local(ready) if on is None else _distributed(on, request, max_rows, rows), out)


def _bar() -> Progress:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


def _local(ready: Sweep) -> Iterator[bytes]:
    """The rows, counted on standard error as they are made."""
    with _bar() as progress:
        task = progress.add_task("rows", total=ready.grid.rows)

        def counted() -> Iterator[list[Rows]]:
            for batch in ready.batches(load_catalogs()):
                yield batch
                progress.advance(task, sum(piece.count for piece in batch))

        yield from written(ready, counted())


def _distributed(address: str, request: SweepRequest, max_rows: int, rows: int) -> Iterator[bytes]:
    from llm_calc.adapters.sweep.distributed import sweep_on

    with _bar() as progress:
        task = progress.add_task("rows", total=rows)
        yield from sweep_on(
            address,
            request,
            load_catalogs(),
            max_rows,
            lambda done, _: progress.update(task, completed=done),
        )


def _write(pieces: Iterator[bytes], out: Path | None) -> None:
    if out is None:
        _pour(pieces, sys.stdout.buffer)
        return
    with out.open("wb") as target:
        _pour(pieces, target)


def _pour(pieces: Iterator[bytes], target: BinaryIO) -> None:
    target.writelines(pieces)
    target.flush()
