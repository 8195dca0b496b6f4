"""What the encoder of images computes and keeps, from the weights that patches and their tokens meet."""

from collections.abc import Iterator
from functools import lru_cache

from llm_calc.core.model import Model
from llm_calc.core.weights import Place, Weight
from llm_calc.core.workloads.images import ImageCost


def of_place(model: Model, place: Place) -> Iterator[Weight]:
    """Matrices outside of the stack that stand in one place."""
    return (weight for weight in model.outside if weight.place == place and weight.kind == "matrix")


@lru_cache(maxsize=1024)
def encoder_flops(model: Model, cost: ImageCost) -> float:
    """Work of the encoder and what joins it to the decoder, for one image [FLOP].

    ``2 x rows x cols x copies that each meets``, times the patches of all tiles for what patches meet and times the
    tokens handed on for what stands behind them; ``4 x patches^2 x width`` for the attention of each layer in each
    tile.
    Definition: multiplications and additions of every matrix; all patches of a tile see each other, and a class token
    counts as one of them.
    Leaves out: windows of single layers (Qwen2.5-VL), which attend to less; norms and activations; heads that pool a
    tower for other uses.
    """
    total, patches = 0.0, cost.positions * cost.tiles
    for weight in of_place(model, "patches"):
        total += _each(weight) * patches
        total += 4.0 * cost.positions * patches * weight.attending * weight.copies
    return total + sum(_each(weight) * cost.embeddings for weight in of_place(model, "tokens"))


def _each(weight: Weight) -> float:
    met = weight.copies if weight.met is None else weight.met
    return 2.0 * weight.rows * weight.cols * met


def encoder_bytes(model: Model, cost: ImageCost, element_bytes: float) -> float:
    """Working memory of the encoder for one image [bytes].

    ``positions x (4 x width + widest layer) x bytes`` and ``embeddings x hidden x bytes`` of what it hands on.
    Choice: as the decoder's own step (``core.overheads``), one layer's tensors and the stream at once.
    Leaves out: pixels, which lie with the host until they are needed.
    """
    layers = tuple(of_place(model, "patches"))
    width = max((weight.rows for weight in layers if weight.attending), default=0)
    widest = max((weight.cols for weight in layers), default=0)
    inside = cost.positions * cost.tiles * (4 * width + widest)
    return (inside + cost.embeddings * model.hidden) * element_bytes


def has_encoder(model: Model) -> bool:
    """Whether a vision tower or what takes its place belongs to the model."""
    return any(weight.place in ("patches", "tokens") for weight in model.outside)
