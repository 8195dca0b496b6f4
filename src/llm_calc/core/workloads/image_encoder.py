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


def pass_bytes(model: Model, cost: ImageCost, items: int, element_bytes: float, tensor: int) -> float:
    """Working memory of the encoder while it takes ``items`` images or frames at once [bytes].

    ``items x tiles x positions x (4 x width + widest block / tensor + numbers of a patch) x bytes``: the stream, the
    inner widths of attention or of the feed-forward block (gate, up and what goes down), and the pixels.
    Choice: as the decoder's own step (``core.overheads``); Qwen2.5-VL-7B takes 14.9 GiB for its 458 752 patches,
    where a start-up log of vLLM has about 15.5 with all that is outside of the allocator.
    Leaves out: scores of attention, which fused kernels do not keep.
    """
    layers = [weight for weight in of_place(model, "patches") if ".layers." in weight.name]
    width = max((weight.rows for weight in layers if weight.attending), default=0)
    inner = {"mixer": 0.0, "mlp": 0.0}
    for weight in layers:
        block = "mlp" if weight.name.endswith(("gate_proj", "up_proj", "down_proj")) else "mixer"
        inner[block] += weight.rows if weight.cols == width else weight.cols
    pixels = max((w.rows for w in of_place(model, "patches") if ".layers." not in w.name), default=0)
    each = 4 * width + max(inner.values()) / tensor + pixels
    return items * cost.tiles * cost.positions * each * element_bytes


def handed_on_bytes(model: Model, tokens: int, element_bytes: float) -> float:
    """What the encoder hands on for so many tokens, which is kept until the decoder has read them [bytes].

    ``tokens x hidden x (1 + further levels) x bytes``: Qwen3-VL hands on three more levels beside the last.
    Definition: one vector of the decoder's width a token and level.
    """
    deeper = max((w.copies for w in of_place(model, "tokens") if "deepstack" in w.name), default=0)
    return tokens * model.hidden * (1 + deeper) * element_bytes
