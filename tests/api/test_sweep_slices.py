"""Parts of a sweep go out in slices, between which other answers have their turn."""

import asyncio

from llm_calc.api.pools import Pool
from llm_calc.api.routes.sweep import SLICE_BYTES, in_slices


async def test_a_large_part_is_handed_on_in_slices_with_turns_for_others() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.get_running_loop().create_task(others())
    parts = [bytes([place]) * (3 * SLICE_BYTES + 5) for place in (1, 2)]
    pool = Pool("test", threads=1, waiting=0)
    turns_at, slices = [], []
    async for each in in_slices(pool, iter([*parts, b""])):
        turns_at.append(turns)
        slices.append(each)
    beside.cancel()
    assert b"".join(slices) == b"".join(parts)
    assert max(map(len, slices)) == SLICE_BYTES
    assert len(set(turns_at)) == len(slices)  # others had a turn before each further one
