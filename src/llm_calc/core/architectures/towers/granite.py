"""Granite Docling: a plain encoder with two ways to merge its patches, and taps of its layers on either way.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.clip import headless_siglip
from llm_calc.core.architectures.towers.parts import Tower, Weights, linear, norm, two_layers

TAPPED = (3, 7, 10)
"""Layers that the class taps where the file names none."""


def _route(hidden: int, out: int, factor: int, taps: int, name: str) -> Weights:
    """Squares of patches through one matrix, and each tapped layer through a norm and two."""
    joined = hidden * factor**2
    merger = two_layers(f"{name}.tap", (joined, out, out), copies=taps)
    taps_of = (norm(f"{name}.tap.norm", joined, copies=taps), *merger) if taps else ()
    return (linear(f"{name}.projection", joined, out, bias=False), *taps_of)


def granite_docling(f: Fields) -> Tower:
    """The encoder, the coarse route, and the fine one of half the factor unless it is switched off."""
    taps = f.ints("deepstack_visual_indexes", None)
    many = len(TAPPED if taps is None else taps)
    hidden, out, factor = f.int("hidden_size"), f.int("out_hidden_size"), f.int("scale_factor")
    fine = f.flag("use_fine_route")
    if fine and factor < 2:
        raise f.refusal("scale_factor", "at least 2 where use_fine_route is set")
    weights = (
        *headless_siglip(f).weights,
        norm("connector.in", hidden),
        *_route(hidden, out, factor, many, "coarse"),
        *(_route(hidden, out, factor // 2, many, "fine") if fine else ()),
        norm("connector.middle", out, copies=2),
        linear("connector.out", out, out, bias=False),
    )
    return Tower(weights=weights, width=hidden)


def density_router(f: Fields, _: Fields, tower: Tower, __: int) -> Weights:
    """What chooses the route, where the file gives it a width."""
    inner = f.optional_int("density_router_hidden_size", None, least=1)
    if inner is None:
        return ()
    return (
        linear("density.attention", tower.width, 1),
        norm("density.norm", tower.width),
        *two_layers("density", (tower.width, inner, 1)),
    )
