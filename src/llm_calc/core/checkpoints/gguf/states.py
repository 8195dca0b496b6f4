"""Tensors of a recurrent layer held against the keys that its states are counted by.

Source: llama.cpp at 6597bcb and 02ebd8f, ``src/models/mamba2.cpp`` and ``qwen3next.cpp`` (``load_arch_tensors``): a
convolution of kernel x channels, an output of as many rows as the inner width; checked: 2026-11-30, read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm_calc.core.blocks.linear_attention import DELTA_RECURRENCE
from llm_calc.core.blocks.recurrent import RECURRENCE
from llm_calc.core.checkpoints.gguf.keys import Keys
from llm_calc.core.checkpoints.gguf.placed import Placed

CONVOLUTION = "ssm_conv1d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixer:
    """What the keys say of a layer: channels and taps of its convolution, elements of its state and the work on each.

    ``inner`` and ``state``: the sides of the state where keys say them, else 0.
    """

    channels: int
    kernel: int
    elements: int
    work: int
    inner: int = 0
    state: int = 0


def mixer_of(keys: Keys, heads: int, *, delta: bool) -> Mixer:
    """The mixer of one head's width and height, or of an inner width and a state; ``delta``: by the delta rule."""
    kernel = keys.number("ssm.conv_kernel", 0)
    if keys.has("kda.head_dim"):
        width = keys.number("kda.head_dim")
        elements = width * width * heads
        return Mixer(channels=3 * width * heads, kernel=kernel, elements=elements, work=DELTA_RECURRENCE)
    inner, state = keys.number("ssm.inner_size"), keys.number("ssm.state_size")
    return Mixer(
        channels=inner + 2 * keys.number("ssm.group_count", 0) * state,
        kernel=kernel,
        elements=inner * state,
        work=DELTA_RECURRENCE if delta else RECURRENCE,
        inner=inner,
        state=state,
    )


def mixer_doubts(said: Mixer, placed: Sequence[Placed]) -> Iterator[str]:
    """Sentences on convolutions, outputs and decays of another size than the keys say."""
    shapes = {each.stem: each.tensor.shape for each in placed if each.ending in ("weight", "")}
    held = [shape for stem, shape in shapes.items() if stem in (CONVOLUTION, *_PARTS)]
    taps, channels = {shape[0] for shape in held}, sum(shape[-1] for shape in held)
    if held and taps != {said.kernel}:
        yield f"ssm.conv_kernel says {said.kernel}, {CONVOLUTION} has {max(taps)}"
    if held and channels != said.channels:
        yield f"the keys say {said.channels} channels of {CONVOLUTION} in a layer, the tensor has {channels}"
    if not any(each.stem.startswith(CONVOLUTION) for each in placed):
        yield f"a layer with a state holds no {CONVOLUTION}"
    rows = shapes.get("ssm_out", (said.inner,))[0]
    if said.inner and rows != said.inner:
        yield f"ssm.inner_size says {said.inner}, ssm_out has {rows} rows"
    decay = shapes.get("ssm_a", ())
    if said.state and len(decay) == 2 and decay[0] not in (1, said.state):
        yield f"ssm.state_size says {said.state}, ssm_a has {decay[0]}"


_PARTS = tuple(f"{CONVOLUTION}_{each}" for each in "qkv")


def short_doubts(kernel: int, hidden: int, placed: Sequence[Placed]) -> Iterator[str]:
    """A sentence on a short convolution of another size than the keys say."""
    shapes = (
        each.tensor.shape for each in placed if each.stem == "shortconv.conv" and each.ending == "weight"
    )
    for shape in shapes:
        if (shape[0], shape[-1]) != (kernel, hidden):
            yield f"the keys say shortconv.conv of {kernel} x {hidden}, the tensor is {shape[0]} x {shape[-1]}"
