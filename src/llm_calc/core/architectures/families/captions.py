"""Models that caption and read images with a decoder of their own: GIT, Kosmos-2 and Kosmos-2.5.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from llm_calc.core.architectures.families.gpt import (
    multi_head,
    plain_mlp,
    positions,
    refuse_cross_attention,
    stack,
)
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import assemble, embedding_table, final_norm, hidden_size
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.towers.parts import Tower, Weights, linear, norm, table, vector
from llm_calc.core.architectures.towers.table import read_tower
from llm_calc.core.architectures.towers.wrapper import TowerPart, Wrapper
from llm_calc.core.blocks import Norm
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight
from llm_calc.core.weights import vector as text_vector

VISION = "vision_config"


def after_embedding(f: Fields) -> Weight:
    """The biased norm behind the embedding of models in BERT's line, which have none behind the last layer."""
    return text_vector("embedding_norm", "norms", 2 * hidden_size(f))


def bert_like(f: Fields, *further: Weight) -> Model:
    """BERT's layers as a decoder: learned positions, norms behind each block, a bias at the head."""
    layers = stack(f, multi_head(f, biases="qkvo"), plain_mlp(f, f.int("intermediate_size")))
    return assemble(
        f,
        layers,
        embedding=(embedding_table(f), positions(f)),
        outside=(after_embedding(f), *further),
        head_bias=True,
    )


@family("bert-generation")
def bert_generation(f: Fields) -> Model:
    """BERT's layers without the kinds of sentences; a head that is not tied has its bias twice."""
    refuse_cross_attention(f)
    twice = (
        ()
        if f.flag("tie_word_embeddings")
        else (text_vector("lm_head_bias", "lm_head", f.int("vocab_size")),)
    )
    return bert_like(f, *twice)


@family("git")
def git(f: Fields) -> Model:
    """GIT: images stand before the text in the same decoder; frames of a video have an embedding each."""
    part = f.part(VISION)
    tower = read_tower(part, f.defaults.parts.get(VISION, ""))
    weights: Weights = ()
    if tower is not None:
        hidden = hidden_size(f)
        frames = f.optional_int("num_image_with_embedding") or 0
        weights = (
            *tower.weights,
            *((vector("frames", tower.width, copies=frames),) if frames else ()),
            linear("projector", tower.width, hidden),
            norm("projector.norm", hidden),
        )
    return bert_like(f, *weights)


@family("kosmos_2_text_model")
def kosmos_2_text(f: Fields) -> Model:
    """Kosmos-2: a norm before each output projection, of the attention as of the feed-forward block."""
    return _kosmos(f, attention_norm=True)


@family("kosmos_2_5_text_model")
def kosmos_2_5_text(f: Fields) -> Model:
    """Kosmos-2.5: a norm inside the feed-forward block alone; two kinds of segments."""
    segments = Weight(
        name="segment_embedding", component="embedding", rows=2, cols=hidden_size(f), kind="table"
    )
    return _kosmos(f, segments, attention_norm=False)


def _kosmos(f: Fields, *further: Weight, attention_norm: bool) -> Model:
    refuse_cross_attention(f)
    inner = f.int("ffn_dim")
    layers = stack(
        f,
        multi_head(f, biases="qkvo"),
        plain_mlp(f, inner),
        Norm(width=inner, bias=True, component="mlp", name="mlp_norm"),
        norms=2 + attention_norm,
    )
    return assemble(f, layers, embedding=(embedding_table(f), *further), outside=(final_norm(f, bias=True),))


def latent_queries(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Learned queries as wide as the text that attend to the projected image."""
    return (
        table("projector.queries", f.int("latent_query_num"), text),
        linear("projector", tower.width, text),
        linear("projector.attention", text, text, copies=4),
    )


QUERIES = (TowerPart(key=VISION, projector=latent_queries),)
register("kosmos-2", read=Wrapper(towers=QUERIES, tying="either"), group="multimodal")
register("kosmos-2.5", read=Wrapper(towers=QUERIES, tying="text"), group="multimodal")
