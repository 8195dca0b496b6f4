"""What towers and projectors are made of: weights of component ``vision`` that no text token passes through."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.blocks import Attention, Mlp, Norm
from llm_calc.core.weights import Place, Weight, WeightKind

Weights = tuple[Weight, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tower:
    """An encoder's weights and the ``width`` of what it hands to the projector, per patch or frame."""

    weights: Weights
    width: int


TowerReader = Callable[[Fields], Tower]


def linear(name: str, rows: int, cols: int, *, bias: bool = True, copies: int = 1) -> Weight:
    """``copies`` matrices rows -> cols; a convolution has kernel x input channels rows."""
    return _weight(name, rows, cols, bias=cols if bias else 0, copies=copies)


def per_patch(name: str, rows: int, cols: int, *, bias: bool = True) -> Weight:
    """The matrix that each patch of an image enters through."""
    return replace(linear(name, rows, cols, bias=bias), place="patches")


def placed(weights: Iterable[Weight], place: Place, met: int | None = None) -> Weights:
    """The same where they stand, ``met``: so many of the copies by each that passes."""
    return tuple(replace(weight, place=place, met=met) for weight in weights)


def norm(name: str, width: int, *, bias: bool = True, copies: int = 1) -> Weight:
    """LayerNorm, or RMSNorm without a bias."""
    return vector(name, width * (2 if bias else 1), copies=copies)


def vector(name: str, elements: int, *, copies: int = 1) -> Weight:
    """A one-dimensional parameter: class token, layer scale, gate."""
    return _weight(name, 1, elements, copies=copies, kind="vector")


def table(name: str, rows: int, cols: int, *, copies: int = 1) -> Weight:
    """Learned positions or codebooks: looked up, never multiplied."""
    return _weight(name, rows, cols, copies=copies, kind="table")


def _weight(
    name: str, rows: int, cols: int, *, bias: int = 0, copies: int = 1, kind: WeightKind = "matrix"
) -> Weight:
    return Weight(
        name=f"tower.{name}",
        component="vision",
        rows=rows,
        cols=cols,
        bias=bias,
        copies=copies,
        used=0,
        kind=kind,
        place="tokens",
    )


def two_layers(name: str, widths: tuple[int, int, int], *, bias: bool = True, copies: int = 1) -> Weights:
    """A plain multi-layer perceptron: in -> middle -> out."""
    first, middle, last = widths
    return (
        linear(f"{name}.1", first, middle, bias=bias, copies=copies),
        linear(f"{name}.2", middle, last, bias=bias, copies=copies),
    )


def gated(name: str, widths: tuple[int, int, int], *, bias: bool = False, copies: int = 1) -> Weights:
    """A gated perceptron: in -> 2 x middle -> out."""
    first, middle, last = widths
    return (
        linear(f"{name}.gate", first, middle, bias=bias, copies=copies),
        linear(f"{name}.up", first, middle, bias=bias, copies=copies),
        linear(f"{name}.down", middle, last, bias=bias, copies=copies),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A stack of equal transformer layers: norm, attention, norm, feed-forward.

    ``biases``: letters of the matrices with a bias among ``qkvo`` and ``gud``. ``norms``: normalisations of the
    hidden width a layer, ``norm_bias``: with a bias. ``vectors``: elements of q/k norms, layer scales and the like.
    Matrices are as wide as the hidden size where its heads do not share it evenly and no width of a head is given.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int | None = None
    head_dim: int | None = None
    gated: bool = False
    biases: str = "qkvogud"
    norms: int = 2
    norm_bias: bool = True
    vectors: int = 0

    def weights(self, name: str = "layers") -> Weights:
        """Every layer's, as copies of one."""
        heads = self.heads
        if self.head_dim is None and self.kv_heads is None and self.hidden % heads:
            heads = 1
        blocks = (
            Attention(
                hidden=self.hidden,
                heads=heads,
                kv_heads=self.kv_heads or heads,
                head_dim=self.head_dim or self.hidden // heads,
                biases=self.biases,
                vector_params=self.vectors,
            ),
            Mlp(hidden=self.hidden, intermediate=self.intermediate, gated=self.gated, biases=self.biases),
            Norm(width=self.hidden, count=self.norms, bias=self.norm_bias),
        )
        return as_tower((weight for block in blocks for weight in block.parts().weights), name, self.layers)


def as_tower(weights: Iterable[Weight], name: str, copies: int = 1) -> Weights:
    """Weights of a text block as those of a tower, ``copies`` times; empty ones are left out."""
    if not copies:
        return ()
    return tuple(
        replace(
            w,
            name=f"tower.{name}.{w.name}",
            component="vision",
            copies=w.copies * copies,
            used=0,
            place="patches",
            attending=w.cols if w.name == "q_proj" else 0,
        )
        for w in weights
        if w.params
    )


def pair(f: Fields, key: str) -> tuple[int, int]:
    """A height and a width: one number for both, or a list of two."""
    value = f.raw(key)
    if isinstance(value, list | tuple):
        numbers = f.ints(key) or ()
        if len(numbers) != 2 or min(numbers) < 1:
            raise f.refusal(key, "a number or a list of two numbers of at least 1")
        return numbers[0], numbers[1]
    return f.int(key), f.int(key)


def patch_grid(f: Fields) -> int:
    """Patches of one image: (image height / patch height) x (width / patch width), rounded down."""
    (height, width), (patch_height, patch_width) = pair(f, "image_size"), pair(f, "patch_size")
    return (height // patch_height) * (width // patch_width)


def patch_volume(f: Fields, channels: str = "num_channels") -> int:
    """Numbers in one patch of one frame."""
    height, width = pair(f, "patch_size")
    return f.int(channels) * height * width


def positive(f: Fields, key: str) -> float:
    """A ratio: a number above 0 and up to a thousand."""
    value = f.number(key)
    if not 1e-3 <= value <= 1e3:
        raise f.refusal(key, "a number from 0.001 to 1000")
    return value


def depth(f: Fields, key: str = "num_hidden_layers") -> int:
    """Layers of a tower."""
    return f.int(key, least=0, most=1000)


def encoder_of(f: Fields) -> Encoder:
    """The plain encoder by the keys that most towers have: biases everywhere, two LayerNorms a layer."""
    return Encoder(
        layers=depth(f),
        hidden=f.int("hidden_size"),
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_attention_heads"),
    )
