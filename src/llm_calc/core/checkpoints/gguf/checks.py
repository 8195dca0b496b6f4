"""Keys of a GGUF header held against the tensors of a layer: what contradicts is named, what cannot run is refused.

Sizes are those of the tensors. Source: llama.cpp v0.5.0, ``src/models/*.cpp``, where a matrix may hold two at once
(gate and up, queries and their gates) or half of what the key says (Qwen of 2023); checked: 2026-11-30.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llm_calc.core.checkpoints.gguf.header import GgufTensor
from llm_calc.core.checkpoints.gguf.keys import FIELD, Keys
from llm_calc.core.checkpoints.gguf.placed import BLOCK, Placed
from llm_calc.core.checkpoints.gguf.tables import FileTypes
from llm_calc.core.errors import InvalidInputError

EXPERTS = "_exps"
NAMED_UNKNOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the keys say of a layer; 0: nothing. ``halved``: the key counts gate and up together."""

    feed_forward: int
    queries: int
    experts: int
    experts_used: int
    halved: bool = False


def contradictions(said: Said, placed: Sequence[Placed]) -> Iterator[str]:
    """Sentences on keys that say another width than the layer's own tensors."""
    outputs = {each.stem: each.tensor.shape[-1] for each in placed if each.ending == "weight"}
    wide = outputs.get("ffn_up")
    width = said.feed_forward
    fused = 1 if "ffn_gate" in outputs else 2
    if wide and width and wide not in (width, fused * width, width // (1 + said.halved)):
        yield f"feed_forward_length says {width} in a layer, ffn_up has {wide}"
    if ("ffn_up" in outputs) != ("ffn_down" in outputs):
        yield "a layer has one of ffn_up and ffn_down without the other"
    queries = outputs.get("attn_q")
    if queries and said.queries and queries not in (said.queries, 2 * said.queries):
        yield f"the keys say {said.queries} elements of attn_q in a layer, the tensor has {queries}"
    held = next((count for stem, count in outputs.items() if stem.endswith(EXPERTS)), None)
    if held and said.experts and held != said.experts:
        yield f"expert_count says {said.experts} in a layer, its tensors hold {held}"


def idle_experts(experts: Sequence[int], placed: Sequence[Placed]) -> Iterator[str]:
    """A sentence on experts that the keys count and no tensor holds."""
    if max(experts, default=0) and not any(EXPERTS in each.stem for each in placed):
        yield f"expert_count says {max(experts)}; the file holds no tensor of experts"


def check_experts(keys: Keys, said: Said, placed: Sequence[Placed]) -> None:
    """Refuse a number of experts a token that llama.cpp does not load.

    Raises:
        InvalidInputError: none, or more than there are.
    """
    held = next(
        (each.tensor.shape[-1] for each in placed if each.stem.endswith(EXPERTS) and each.ending == "weight"),
        None,
    )
    if held is not None and not 1 <= said.experts_used <= held:
        raise keys.refuse("expert_used_count", f"must be 1 to {held} in a layer with experts")


def not_understood(what: str, names: tuple[str, ...]) -> Iterator[str]:
    """What no answer rests on and no table explains."""
    if names:
        more = f" and {len(names) - NAMED_UNKNOWN} more" if len(names) > NAMED_UNKNOWN else ""
        yield f"{what} of the file that are not understood: {', '.join(names[:NAMED_UNKNOWN])}{more}"


_OTHER_FILES: Mapping[str, str] = {
    "adapter": "an adapter (LoRA), which goes with a model's own file",
    "mmproj": "the tower for images or sounds, which goes with a model's own file",
    "imatrix": "an importance matrix, which a quantizer reads",
    "vocab": "a vocabulary",
}
"""Words of ``general.type`` beside ``model`` (gguf 0.19.0, ``GGUFType``; checked: 2026-11-30)."""


def check_kind_of_file(values: Mapping[str, object]) -> tuple[str, ...]:
    """Refuse a file that says it is no model; a word that nobody knows is a doubt.

    Raises:
        InvalidInputError: an adapter, a tower, an importance matrix, a vocabulary.
    """
    said = values.get("general.type")
    word = said.lower() if isinstance(said, str) else ""
    if word in _OTHER_FILES:
        raise InvalidInputError(
            f"{FIELD}: general.type: {word!r}: this is {_OTHER_FILES[word]}; give the model's file",
            field=FIELD,
        )
    known = said is None or word == "model"
    return () if known else (f"general.type of the file is not understood ({str(said)[:40]!r})",)


def unknown_kind(values: Mapping[str, object], types: FileTypes) -> tuple[str, ...]:
    """A sentence on a type of file that no table holds."""
    said = values.get("general.file_type")
    known = said is None or types.kind(said) is not None
    return () if known else (f"general.file_type of the file is not understood ({str(said)[:40]})",)


def vocabulary_doubts(values: Mapping[str, object], keys: Keys, rows: int) -> tuple[str, ...]:
    """Sentences on a vocabulary of another length than the embedding has rows: llama.cpp asks for one a token.

    Source: llama.cpp, ``src/models/mamba2.cpp`` and others, ``{n_embd, n_vocab}``; checked: 2026-11-30, read.
    """
    listed = values.get("tokenizer.ggml.tokens")
    counts = {
        "tokenizer.ggml.tokens lists": len(listed) if isinstance(listed, list) else listed,
        "vocab_size says": keys.own.get("vocab_size"),
    }
    return tuple(
        f"{said} {str(count)[:40]} tokens, token_embd.weight has {rows}"
        for said, count in counts.items()
        if count is not None and count != rows
    )


LAST_NORMS = {"olmo": "", "lfm2": "token_embd_norm", "lfm2moe": "token_embd_norm"}
"""The last norm where it has another name, or no weight.

Source: llama.cpp, ``src/models/olmo.cpp`` and ``lfm2.cpp``; checked: 2026-11-30, read.
"""


def last_norm(keys: Keys, placed: Sequence[Placed]) -> tuple[str, ...]:
    """A sentence on a file without the norm before the head, which llama.cpp asks for."""
    name = LAST_NORMS.get(keys.architecture, "output_norm")
    held = not name or any(name in each.stem for each in placed)
    return () if held else (f"the file holds no {name}",)


def behind_the_last(tensors: Sequence[GgufTensor], blocks: int) -> tuple[str, ...]:
    """A sentence on tensors of blocks that ``block_count`` does not count: llama.cpp does not load such a file.

    Source: llama.cpp at 0034764, ``src/llama-model-loader.cpp``, ``done_getting_tensors``; checked: 2026-11-30, read.
    """
    numbers = {int(found[1]) for each in tensors if (found := BLOCK.fullmatch(each.name))}
    behind = sorted(number for number in numbers if number >= blocks)
    if not behind:
        return ()
    return (
        f"block_count says {blocks} layers; the file holds tensors of layer {behind[0]} as well, which were left out",
    )
