"""The library's questions about a machine of one's own; as ``library`` they need no service and no network."""

from typing import Unpack

from llm_calc.adapters import operations
from llm_calc.adapters import request_fields as fields
from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
from llm_calc.adapters.request_fields import takes
from llm_calc.adapters.wire.fitting import FitAnswer, ModelsForAnswer


@takes(fields.FitFields)
def fit(**request: Unpack[fields.FitFields]) -> FitAnswer:
    """Which quantization of a model fits on a machine, with which cache, how fast, and how to run it.

    Args:
        model: as for ``estimate``; ``hardware``: ``"rtx-4090"`` or a part with its ``host``.
        context_tokens: of each sequence, prompt and answer [tokens]; ``concurrency``: so many at once.
        formats: GGUF kinds to consider; ``cache_types``: formats of the cache.
        least_tokens_per_s: slowest answer that is still of use [tokens/s].

    Returns:
        ``rows``, most bits first, ``best`` the place of the best one, None where nothing fits.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = fit(model="qwen3-8b", hardware="rtx-3060-12gb", formats=["q8_0", "q4_k_m"], cache_types=["f16"])
    >>> [(row.weights, row.where, row.best) for row in answer.rows]
    [('q8_0', 'gpu', True), ('q4_k_m', 'gpu', False)]
    """
    return operations.FIT.answered(request, catalogs())


@takes(fields.ModelsForFields)
def models_for(**request: Unpack[fields.ModelsForFields]) -> ModelsForAnswer:
    """Which models of the catalog run on a machine at a context and a speed, the largest first.

    Args:
        hardware: ``"rtx-4090"`` or a part.
        context_tokens: of one sequence, prompt and answer [tokens].
        weights: GGUF kind; the most bits of three that fit if absent.
        least_tokens_per_s: slowest answer that is still of use [tokens/s].
        family: only models of this family; ``max_models``: so many of them.

    Returns:
        ``models``, largest first, and in ``too_slow`` those that fit and are slower.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = models_for(hardware="l4", max_models=1)
    >>> len(answer.models), answer.more
    (1, True)
    """
    return operations.MODELS_FOR.answered(request, catalogs())
