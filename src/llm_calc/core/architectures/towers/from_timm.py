"""Towers that the library timm builds: FastViT of FastVLM, the Perception Encoder.

Source: parameter shapes of the classes of timm 1.0.31; ``checked: 2026-11-30``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    linear,
    norm,
    pair,
    per_patch,
    table,
    two_layers,
    vector,
)

PATCH = 14
FASTVIT = "fastvit_mci3"
FASTVIT_PARAMETERS = MappingProxyType({True: 122_714_208, False: 122_875_584})
"""By ``inference_mode``, which folds the branches of training into one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Perception:
    """A size of the Perception Encoder: what ``model_args`` of a file may change, and what they may not."""

    embed_dim: int
    depth: int
    inner: int
    image: int
    class_token: bool
    language: bool = False


PERCEPTION: Mapping[str, Perception] = MappingProxyType(
    {
        "vit_pe_core_large_patch14_336": Perception(
            embed_dim=1024, depth=24, inner=4096, image=336, class_token=True
        ),
        "vit_pe_core_gigantic_patch14_448": Perception(
            embed_dim=1536, depth=50, inner=8960, image=448, class_token=False
        ),
        "vit_pe_lang_large_patch14_448": Perception(
            embed_dim=1024, depth=23, inner=4096, image=448, class_token=True, language=True
        ),
        "vit_pe_lang_gigantic_patch14_448": Perception(
            embed_dim=1536, depth=47, inner=8960, image=448, class_token=False, language=True
        ),
    }
)


def timm(f: Fields) -> Tower:
    """The tower of that name; one that is not known is left out and named."""
    name = f.text("architecture")
    args = f.part("model_args")
    if name in PERCEPTION:
        return _perception(args, PERCEPTION[name])
    if name != FASTVIT:
        f.assume(f"{f.path}.architecture {name[:60]!r} is not known: the tower is not counted")
        return Tower(weights=(), width=f.int("hidden_size", f.int("num_features", 1024)))
    folded = args.flag("inference_mode", default=False)
    return Tower(
        weights=(vector("fastvit", FASTVIT_PARAMETERS[folded]),), width=f.int("hidden_size", default=3072)
    )


def _perception(args: Fields, size: Perception) -> Tower:
    """A vision transformer with layer scales, without the pooling by attention where ``global_pool`` is empty."""
    args.fallbacks = {
        "img_size": size.image,
        "init_values": 0.1 if size.language else None,
        "use_post_transformer_norm": not size.language,
        "global_pool": "" if size.language else "map",
    }
    hidden, layers = args.int("embed_dim", size.embed_dim), args.int("depth", size.depth, least=0, most=1000)
    height, width = pair(args, "img_size")
    inner = hidden * size.inner // size.embed_dim
    scales = 2 * hidden if args.raw("init_values") else 0
    encoder = Encoder(layers=layers, hidden=hidden, intermediate=inner, heads=1, vectors=scales)
    places = (height // PATCH) * (width // PATCH) + size.class_token
    weights = (
        *((vector("class_embedding", hidden),) if size.class_token else ()),
        table("position_embedding", places, hidden),
        per_patch("patch_embedding", 3 * PATCH**2, hidden, bias=False),
        norm("pre_norm", hidden),
        *encoder.weights(),
        *((norm("post_norm", hidden),) if args.flag("use_post_transformer_norm") else ()),
        *_pooling(args, hidden),
    )
    return Tower(weights=weights, width=hidden)


def _pooling(args: Fields, hidden: int) -> Weights:
    """One learned query that attends to all patches, and a feed-forward block of four times the width."""
    if args.text("global_pool") != "map":
        return ()
    return (
        vector("head.query", hidden),
        linear("head.attention", hidden, hidden, copies=4),
        norm("head.norm", hidden),
        *two_layers("head.mlp", (hidden, 4 * hidden, hidden)),
    )
