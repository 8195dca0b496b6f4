"""BLIP-2 and InstructBLIP: a vision transformer, and queries that read it through a small encoder.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    depth,
    encoder_of,
    linear,
    norm,
    patch_grid,
    patch_volume,
    per_patch,
    table,
    two_layers,
    vector,
)
from llm_calc.core.model import Model


def vision(f: Fields) -> Tower:
    """A class token, positions, biases on queries, keys and values unless switched off, a norm behind."""
    hidden = f.int("hidden_size")
    f.fallbacks = {"num_channels": 3}
    encoder = replace(encoder_of(f), biases="oud" + ("qkv" if f.flag("qkv_bias") else ""))
    weights = (
        vector("class_embedding", hidden),
        per_patch("patch_embedding", patch_volume(f), hidden),
        table("position_embedding", patch_grid(f) + 1, hidden),
        *encoder.weights(),
        norm("post_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)


def queries_alone(f: Fields) -> Tower:
    """BLIP-2: the encoder sees queries; text as well where the file says so."""
    return _queries(f, text=f.flag("use_qformer_text_input", default=False), words=False)


def queries_and_text(f: Fields) -> Tower:
    """InstructBLIP: the encoder sees the instruction too."""
    return _queries(f, text=True, words=True)


def _queries(f: Fields, *, text: bool, words: bool) -> Tower:
    """Layers of attention, in some of them over the image too, and a feed-forward block for each kind of input."""
    hidden = f.int("hidden_size")
    if hidden % f.int("num_attention_heads"):
        raise f.refusal("num_attention_heads", f"a divisor of the hidden size ({hidden})")
    read = _reading(f, hidden, f.int("encoder_hidden_size"), text=text)
    if words:
        return Tower(weights=(*read, *_words(f, hidden)), width=hidden)
    return Tower(weights=read, width=hidden)


def _reading(f: Fields, hidden: int, image: int, *, text: bool) -> Weights:
    """Its weights at that width, over an image of that width."""
    inner, layers, every = f.int("intermediate_size"), depth(f), f.int("cross_attention_frequency")
    crossing = -(-layers // every)
    feed_forward = two_layers("queries.mlp", (hidden, inner, hidden), copies=layers * (1 + text))
    weights = (
        linear("queries.attention", hidden, hidden, copies=4 * layers),
        linear("queries.crossing", hidden, hidden, copies=2 * crossing),
        linear("queries.crossing_image", image, hidden, copies=2 * crossing),
        *feed_forward,
        norm("queries.norms", hidden, copies=(2 + text) * layers + crossing + 1),
    )
    return tuple(weight for weight in weights if weight.copies)


def _words(f: Fields, hidden: int) -> Weights:
    rows = f.int("vocab_size") + f.int("max_position_embeddings")
    return (table("queries.words", rows, hidden),)


def projector(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """The queries themselves, and a matrix into the text."""
    return (
        table("queries.learned", f.int("num_query_tokens"), tower.width),
        linear("projector", tower.width, text),
    )


SPATIAL = 4
"""Projectors of Granite 4 Vision for the four places of a square, beside those of single layers."""


def granite4(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """An encoder of queries for each tapped layer and each place of a square, and an embedding that ends each row."""
    part, width = f.part("qformer_config"), tower.width
    many = SPATIAL + len(f.items("deepstack_layer_map") or ())
    queries, window = _sides(f)
    one = (
        *_reading(part, width, width, text=part.flag("use_qformer_text_input", default=False)),
        norm("projector.norm", width),
        table("projector.queries", queries**2 + window**2, width),
        linear("projector.out", width, text),
    )
    return (*(replace(weight, copies=weight.copies * many) for weight in one), vector("image_newline", text))


def _sides(f: Fields) -> tuple[int, int]:
    """Sides of a square of queries and of the window that it reads."""
    sides = f.text("downsample_rate").split("/")
    if len(sides) != 2 or not all(side.isdigit() and 0 < int(side) < 10_000 for side in sides):
        raise f.refusal("downsample_rate", "two whole numbers, as in 4/8")
    return int(sides[0]), int(sides[1])


def of_image_width(read: Callable[[Fields], Model]) -> Callable[[Fields], Model]:
    """The class sets the width that its encoder of queries looks at to that of the images, whatever the file says."""

    def reader(f: Fields) -> Model:
        part, width = f.part("qformer_config"), f.part("vision_config").int("hidden_size")
        if part.given("encoder_hidden_size") and part.int("encoder_hidden_size") != width:
            f.warn(
                f"{part.path}.encoder_hidden_size was not used: the class takes vision_config.hidden_size ({width})"
            )
        part.values = {**part.values, "encoder_hidden_size": width}
        return read(f)

    return reader
