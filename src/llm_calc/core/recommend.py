"""The smallest layout on which a model fits."""

from collections.abc import Iterator
from functools import lru_cache

from llm_calc.core.errors import DoesNotFitError, UnsupportedError
from llm_calc.core.footprint import Footprint, Numbers, Overheads, Split, gpu_footprint
from llm_calc.core.model import Model
from llm_calc.core.names import counted
from llm_calc.core.parallelism import Layout, check_layout

MAX_STAGES = 32


def fits(footprint: Footprint, overheads: Overheads, usable_bytes: float) -> bool:
    """Whether one GPU's parts, with overheads, are within what a process can allocate."""
    return float(footprint.system_bytes(overheads)) <= usable_bytes


def tensor_sizes(model: Model, gpus_per_node: int) -> list[int]:
    """Powers of two up to a node that divide every kind of attention heads, in rising order."""
    sizes = [1]
    while sizes[-1] * 2 <= gpus_per_node:
        sizes.append(sizes[-1] * 2)
    return [size for size in sizes if all(heads % size == 0 for heads in model.attention_units)]


def candidate_layouts(model: Model, gpus_per_node: int) -> Iterator[Layout]:
    """One GPU, then tensor parallel within a node, then the widest tensor parallel times pipeline stages."""
    yield Layout()
    widths = tensor_sizes(model, gpus_per_node)
    for tensor in widths[1:]:
        yield Layout(tensor=tensor)
    for stages in range(2, min(MAX_STAGES, model.num_layers) + 1):
        yield Layout(tensor=widths[-1], pipeline=stages)


@lru_cache(maxsize=128)
def _candidate_splits(model: Model, gpus_per_node: int) -> tuple[Split, ...]:
    return tuple(Split(layout=layout) for layout in candidate_layouts(model, gpus_per_node))


def smallest_fit(
    model: Model,
    numbers: Numbers,
    overheads: Overheads,
    *,
    batch: int,
    tokens: int,
    usable_bytes: float,
    gpus_per_node: int = 8,
) -> tuple[Split, Footprint]:
    """The fewest GPUs on which everything fits, and what the fullest of them holds [bytes].

    One, else tensor parallel, else pipeline stages over nodes.
    Definition: the first of :func:`candidate_layouts` whose ``Footprint.system_bytes`` is within what is usable.

    Raises:
        DoesNotFitError: not even the largest layout considered holds it; says what would be needed.
    """
    needed = 0.0
    for split in _candidate_splits(model, gpus_per_node):
        footprint = gpu_footprint(model, numbers, split, batch, tokens)
        needed = float(footprint.system_bytes(overheads))
        if needed <= usable_bytes:
            return split, footprint
    raise DoesNotFitError(
        f"no layout of up to {counted(split.gpus, 'GPU')} holds it: {needed:.4g} bytes are needed on each, "
        f"{usable_bytes:.4g} are usable",
        needed_bytes=needed,
        available_bytes=usable_bytes,
    )


def allowed(model: Model, layout: Layout) -> bool:
    """Whether heads, experts and layers can be divided so."""
    try:
        check_layout(model, layout)
    except UnsupportedError:
        return False
    return True
