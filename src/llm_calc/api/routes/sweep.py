"""Grids of requests, streamed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import Request
from starlette.responses import StreamingResponse

from llm_calc.adapters.sweep.grid import SweepLimits
from llm_calc.adapters.wire.sweep import MEDIA_TYPES, SweepRequest
from llm_calc.api.deps import CatalogsDep, beside_of, pool_of
from llm_calc.api.json_body import new_router
from llm_calc.api.pools import Pool, while_wanted
from llm_calc.api.settings import Settings
from llm_calc.api.tasks import Rows

router = new_router("planning")

UNCOMPRESSED = {"Content-Encoding": "identity", "Cache-Control": "no-store"}
"""Compression would take longer than the rows themselves."""
SLICE_BYTES = 131_072
"""Most that is written before other answers have their turn [bytes]."""
_STREAMS = {
    media_type.partition(";")[0]: {
        "schema": {"type": "string", "description": "One row for each combination"}
    }
    for media_type in MEDIA_TYPES.values()
}


@router.post(
    "/api/sweep",
    operation_id="sweep",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Rows as NDJSON, CSV or Parquet; axes of set-ups vary slowest, those of numbers fastest",
            "content": _STREAMS,
            "headers": {
                "X-Total-Rows": {
                    "description": "Rows of the whole answer [rows]",
                    "schema": {"type": "integer"},
                }
            },
        }
    },
)
async def post_sweep(body: SweepRequest, catalogs: CatalogsDep, request: Request) -> StreamingResponse:
    """A grid over any fields of a request to another endpoint: one row for each combination of values.

    Everything is checked and counted before the first row. Rows that cannot be calculated say why in `error`. The
    evaluation stops when the caller leaves.
    """
    settings: Settings = request.app.state.settings
    pool = pool_of(request, "heavy")
    limits = SweepLimits(rows=settings.sweep_max_rows, setups=settings.sweep_max_setups)
    beside = beside_of(request)
    rows, parts = await while_wanted(
        request, pool.run(lambda: _begun(beside.pieces(Rows(body, limits), catalogs)))
    )
    return StreamingResponse(
        in_slices(pool, parts),
        media_type=MEDIA_TYPES[body.format],
        headers={"X-Total-Rows": str(rows), **UNCOMPRESSED},
    )


def _begun(pieces: Iterator[Any]) -> tuple[int, Iterator[bytes]]:
    """How many rows there will be, and the parts of the answer."""
    return next(pieces), pieces


async def in_slices(pool: Pool, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The parts, each made in a thread when the one before has been sent; a slow reader holds no thread.

    They are handed on in slices: the megabytes of a part, written at once, would hold up all other answers.
    """
    while (part := await pool.run(lambda: next(parts, None), admitted=True)) is not None:
        for start in range(0, len(part), SLICE_BYTES):
            yield part[start : start + SLICE_BYTES]
            await asyncio.sleep(0)
