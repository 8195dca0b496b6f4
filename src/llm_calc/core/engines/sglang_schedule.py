"""How SGLang schedules: requests that run at once, and the piece of a prompt that a step takes.

Read from SGLang 0.5.4 (``srt/server_args.py``) and 0.5.23 (``srt/arg_groups/parallel_hook.py``).
"""

from llm_calc.core.engines.base import Pool
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.parallelism import Layout

WHOLE = -1
"""The chunk that leaves prompts whole."""
MOST_PREFILL = 16_384
"""``max_prefill_tokens``: whole prompts of a step, unless the first alone is longer [tokens]."""
FEWEST_RUNNING, MOST_RUNNING, CONTEXTS = 2048, 4096, 512


def own_chunk(chunk: int, layout: Layout) -> int:
    """Tokens of a prompt that a step takes in one group of data-parallel attention [tokens].

    ``chunked_prefill_size // groups``; the memory's share is reckoned before with the whole. With -1 whole prompts
    as far as ``max_prefill_tokens`` in each group.
    Source: SGLang 0.5.23 ``srt/arg_groups/parallel_hook.py``, ``handle_data_parallelism``;
    ``srt/managers/schedule_policy.py``, ``PrefillAdder``; checked: 2026-11-30, read.
    Leaves out: with -1, that a first prompt which is longer goes whole.
    """
    return MOST_PREFILL if chunk == WHOLE else max(1, chunk // layout.groups)


def working_tokens(chunk: int) -> int:
    """Prompt tokens that the memory of a step is kept for [tokens].

    ``chunked_prefill_size``; with -1 ``max_prefill_tokens``.
    Source: SGLang 0.5.23 ``srt/arg_groups/memory_hook.py``, ``handle_gpu_memory_settings``; checked: 2026-11-30, read.
    Exact.
    """
    return MOST_PREFILL if chunk == WHOLE else chunk


def check_page(page: int, chunk: int, stated: int | None) -> None:
    """Refuses pages of tokens that do not go into the piece of a prompt that a step takes.

    The whole ``chunked_prefill_size``, before groups of attention share it; -1 takes any page. A page that a kernel
    chose is not refused, as its engine checks what the page is then.
    Read in SGLang 0.4.5 to 0.5.23, ``check_server_args`` of ``srt/server_args.py``; checked: 2026-11-30.

    Raises:
        InvalidInputError: they do not; names the chunk and the nearest pages that do.
    """
    if stated is None or chunk == WHOLE or chunk % page == 0:
        return
    if page != stated:
        return
    accepted = _nearest_divisors(page, chunk)
    sizes = " or ".join(map(str, accepted))
    msg = (
        f"engine.page_size: {page} does not divide chunked_prefill_size, {chunk}, without which SGLang does not start; "
        f"give {sizes}, or another chunked_prefill_size"
    )
    raise InvalidInputError(msg, field="engine.page_size", accepted=accepted)


def _nearest_divisors(page: int, chunk: int) -> list[int]:
    """The divisors of a chunk that enclose a page."""
    below = next(size for size in range(min(page, chunk), 0, -1) if chunk % size == 0)
    above = next((size for size in range(page, chunk + 1) if chunk % size == 0), below)
    return [*dict.fromkeys((below, above))]


def whole_notes(chunk: int) -> tuple[str, ...]:
    """What becomes of prompts that are not cut.

    Definition: the rule of :func:`own_chunk`.
    """
    if chunk != WHOLE:
        return ()
    note = (
        f"chunked_prefill_size -1 leaves prompts whole: a step takes them as far as max_prefill_tokens ({MOST_PREFILL} "
        "by default) allow, and a longer one alone; memory is kept and steps are timed for so many tokens at most"
    )
    return (note,)


def running_requests(
    asked: int | None, usual: int | None, tokens: int, context: int, state: Pool | None
) -> int:
    """Requests that run at once on one replica [sequences].

    ``asked`` or ``usual``, else tokens / context x 512, held in 2048 to 4096; at most half of the tokens, and slots of
    state over those of a request.
    Definition: ``max_running_requests`` of ``srt/model_executor/model_runner.py``.
    """
    most = asked or usual or min(MOST_RUNNING, max(FEWEST_RUNNING, int(tokens / context * CONTEXTS)))
    if tokens:
        most = min(most, tokens // 2)
    if state is not None:
        most = min(most, int(state.capacity_bytes / state.claims[0].block_bytes + 1e-9))
    return max(1, most)
