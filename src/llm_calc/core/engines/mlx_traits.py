"""What sets MLX apart beside its rules of memory."""

from collections.abc import Iterator

from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.engines.traits import FormatTraits, LoadTraits, OptionTraits, Traits

MLX_FORMATS = ("mlx-8bit", "mlx-6bit", "mlx-5bit", "mlx-4bit", "mlx-3bit")


def _started(needed: Needed) -> Iterator[Options]:
    """As it is; then with as many requests at once."""
    yield {}
    yield {"decode_concurrency": needed.each}


TRAITS = Traits(
    written=("mlx-lm",),
    options=OptionTraits(context="max_kv_size", cache_types={"auto": "auto"}),
    formats=FormatTraits(advised_weights=MLX_FORMATS, advised_caches=(), own_files=True),
    load=LoadTraits(own_machine=True, alone_only=True, sessions=False, drafts_alone=True, started=_started),
    packs_cache=True,
)
