"""A model from a GGUF header alone: weights from the list of tensors, caches and context products from the keys.

The keys mean the same for every architecture, so that only what llama.cpp writes into its code has to be looked up:
which layers have a sliding window. Source: llama.cpp v0.5.0, ``src/llama-hparams.cpp`` (``n_embd_k_gqa``, ``n_embd_r``,
``n_embd_s``, ``set_swa_pattern``) and ``src/models/*.cpp``; checked: 2026-11-30.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llm_calc.core.blocks.linear_attention import DELTA_RECURRENCE
from llm_calc.core.blocks.parts import Custom, Parts
from llm_calc.core.blocks.recurrent import conv_flops, conv_state, recurrent_state
from llm_calc.core.checkpoints.gguf.checks import (
    Said,
    check_experts,
    contradictions,
    idle_experts,
    not_understood,
)
from llm_calc.core.checkpoints.gguf.header import GgufTensor
from llm_calc.core.checkpoints.gguf.keys import Keys
from llm_calc.core.checkpoints.gguf.placed import (
    RECURRENT,
    TOP,
    Placed,
    Widths,
    is_known,
    placed_tensors,
    weight_of,
)
from llm_calc.core.checkpoints.gguf.shapes import head_doubts, shape_doubts
from llm_calc.core.checkpoints.gguf.states import mixer_doubts, mixer_of, short_doubts
from llm_calc.core.checkpoints.gguf.tables import TensorNames, Window
from llm_calc.core.checkpoints.gguf.windows import sliding_layers, window_tokens
from llm_calc.core.model import LayerGroup, Model, group_layers
from llm_calc.core.weights import Cache, Scores, Weight

STATE_BITS = 32
"""llama.cpp keeps states in float32."""
QUERIES = frozenset({"attn_q", "attn_q_b", "attn_qkv"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileModel:
    """The model with what is worth knowing of it, and what of its keys and its tensors is not understood."""

    model: Model
    notes: tuple[str, ...] = ()
    key_doubts: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


class _Reader:
    """Reads one header."""

    def __init__(
        self, keys: Keys, tensors: tuple[GgufTensor, ...], window: Window | None, names: TensorNames
    ) -> None:
        self.keys, self.names = keys, names
        self.notes: list[str] = []
        self.doubts: dict[str, None] = {}
        blocks = keys.layers()
        guessing = keys.number("nextn_predict_layers", 0)
        self.count = blocks - guessing if guessing < blocks else blocks
        self.hidden = keys.number("embedding_length")
        self.heads = keys.by_layer("attention.head_count", blocks, 0)
        self.kv_heads = keys.by_layer("attention.head_count_kv", blocks, max(self.heads))
        self.used = keys.by_layer("expert_used_count", blocks, 0)
        self.experts = keys.by_layer("expert_count", blocks, 0)
        self.feed_forward = keys.by_layer("feed_forward_length", blocks, 0)
        self.placed = placed_tensors(tensors, self.count, names)
        self.window = window
        self.window_tokens = window_tokens(keys, window)
        sliding = sliding_layers(keys, window, self.count)
        self.sliding = sliding.layers
        self.notes += sliding.notes
        self.doubts |= dict.fromkeys(sliding.doubts)
        if guessing and blocks > self.count:
            held = any(tensor.name.startswith(f"blk.{self.count}.") for tensor in tensors)
            self.notes.append(
                f"{guessing} block(s) that guess further tokens are {'in' if held else 'counted but not in'} the file; "
                "they are not loaded or counted"
            )

    def _is_chunked(self) -> bool:
        return self.window is not None and self.window.chunked

    def layer(self, index: int, placed: list[Placed]) -> Parts:
        """Everything of one layer."""
        stems = {each.stem for each in placed}
        recurrent = any(stem.startswith(RECURRENT) for stem in stems)
        widths = Widths(heads=self.heads[index], kv_heads=self.kv_heads[index], experts_used=self.used[index])
        weights = tuple(weight_of(each, widths, self.names, recurrent=recurrent) for each in placed)
        parts = Parts(weights=weights)
        if recurrent:
            parts = parts + self._state(stems, weights, placed)
        attends = bool(QUERIES & stems) and not (recurrent and "attn_qkv" in stems)
        if attends and self.kv_heads[index]:
            parts = parts + self._attention(index, stems)
        self._hold_against(index, placed, parts)
        return parts

    def _hold_against(self, index: int, placed: list[Placed], parts: Parts) -> None:
        """Doubts what the keys say of a layer and its tensors contradict."""
        said = Said(
            feed_forward=self.feed_forward[index],
            queries=next((score.heads * score.qk_dim for score in parts.scores), 0),
            experts=self.experts[index],
            experts_used=self.used[index],
            halved=self.keys.architecture == "qwen",
        )
        check_experts(self.keys, said, placed)
        self.doubts |= dict.fromkeys(contradictions(said, placed))
        kv_heads = self.kv_heads[index]
        self.doubts |= dict.fromkeys(shape_doubts(placed, parts, self.hidden, kv_heads, said.feed_forward))

    def _attention(self, index: int, stems: set[str]) -> Parts:
        sliding = index in self.sliding
        window = self.window_tokens if sliding else None
        chunked = sliding and self._is_chunked()
        if self.keys.has("attention.key_length_mla"):
            return self._latent(index)
        head = self.hidden // max(1, self.heads[index])
        if not self.heads[index]:
            raise self.keys.refuse("attention.head_count", "must be 1 or more in a layer with attention")
        suffix = "_swa" if sliding and self.keys.has("attention.key_length_swa") else ""
        qk = self.keys.at_layer(f"attention.key_length{suffix}", index, head)
        v = self.keys.at_layer(f"attention.value_length{suffix}", index, head)
        scores = Scores(
            heads=self.heads[index],
            qk_dim=qk,
            v_dim=v,
            window=window,
            chunked=chunked,
            units=self.heads[index],
        )
        if index >= self.count - self.keys.number("attention.shared_kv_layers", self._shared()):
            return Parts(scores=(scores,))
        cache = Cache(
            kind="chunked" if chunked else "sliding" if sliding else "full",
            elements_per_token=self.kv_heads[index] * (qk + v),
            window=window,
            units=self.kv_heads[index],
        )
        return Parts(scores=(scores,), caches=(cache, *self._indexer(stems)))

    def _shared(self) -> int:
        """Layers at the end that use earlier keys and values, where the architecture's code says so."""
        own = 0 if self.window is None else self.window.layers_with_keys
        return max(0, self.count - own) if own else 0

    def _latent(self, index: int) -> Parts:
        rank, rotary = self.keys.number("attention.kv_lora_rank"), self.keys.number("rope.dimension_count", 0)
        scores = Scores(
            heads=self.heads[index],
            qk_dim=self.keys.number("attention.key_length_mla"),
            v_dim=self.keys.number("attention.value_length_mla"),
            absorbed_qk_dim=rank + rotary,
            absorbed_v_dim=rank,
            units=self.heads[index],
        )
        if self.kv_heads[index] != 1:
            self.doubts |= {"attention.head_count_kv is not 1: one latent of a token is counted": None}
        stems = {each.stem for each in self.placed if each.layer == index}
        cache = Cache(kind="latent", elements_per_token=rank + rotary)
        return Parts(scores=(scores,), caches=(cache, *self._indexer(stems)))

    def _indexer(self, stems: set[str]) -> tuple[Cache, ...]:
        """The keys of a sparse indexer."""
        if "indexer.attn_k" not in stems:
            return ()
        return (Cache(kind="latent", elements_per_token=self.keys.number("attention.indexer.key_length")),)

    def _state(self, stems: set[str], weights: tuple[Weight, ...], placed: list[Placed]) -> Parts:
        """States of a recurrent layer and the work of its scan."""
        keys = self.keys
        if keys.has("wkv.head_size"):
            shift = keys.number("token_shift_count", 2) * self.hidden
            state = self.hidden * keys.number("wkv.head_size")
            moved = Cache(kind="state", state_elements=shift, state_bits=STATE_BITS)
            return Parts(
                caches=(moved, recurrent_state(state, STATE_BITS)),
                scan_flops_per_token=DELTA_RECURRENCE * state,
            )
        if keys.has("shortconv.l_cache"):
            kernel = keys.number("shortconv.l_cache")
            self.doubts |= dict.fromkeys(short_doubts(kernel, self.hidden, placed))
            return Parts(
                caches=(conv_state(self.hidden, kernel),),
                scan_flops_per_token=conv_flops(self.hidden, kernel),
            )
        mixer = mixer_of(keys, max(self.heads), delta="attn_qkv" in stems)
        self.doubts |= dict.fromkeys(mixer_doubts(mixer, placed))
        steps = sum(2 * each.cols for each in weights if each.name == "dt_proj")
        return Parts(
            caches=(conv_state(mixer.channels, mixer.kernel), recurrent_state(mixer.elements, STATE_BITS)),
            scan_flops_per_token=conv_flops(mixer.channels, mixer.kernel)
            + mixer.work * mixer.elements
            + steps,
        )

    def top(self) -> Iterator[Weight]:
        """What stands in no layer."""
        widths = Widths(heads=max(self.heads), kv_heads=max(self.kv_heads), experts_used=max(self.used))
        ends = (each for each in self.placed if each.layer == TOP)
        yield from (weight_of(each, widths, self.names, recurrent=False) for each in ends)

    def empty_layers(self, by_layer: Mapping[int, list[Placed]]) -> Iterator[str]:
        """Layers that the keys give heads and the file gives no tensor."""
        empty = [index for index in range(self.count) if self.heads[index] and index not in by_layer]
        if empty:
            said = f"block_count says {self.count} layers"
            yield f"{said}; the file holds no tensor of {len(empty)}, layer {empty[0]} first"

    def unknown_tensors(self) -> tuple[str, ...]:
        """Names of tensors that the catalog does not place."""
        return tuple(sorted({each.stem for each in self.placed if not is_known(each.stem, self.names)}))


def file_model(
    keys: Keys,
    tensors: tuple[GgufTensor, ...],
    window: Window | None,
    harmless: tuple[str, ...],
    name: str,
    names: TensorNames,
) -> FileModel:
    """The model that a header describes by its tensors.

    Raises:
        InvalidInputError: no embedding or no block among the tensors, or keys that are missing or impossible.
    """
    reader = _Reader(keys, tensors, window, names)
    by_layer: dict[int, list[Placed]] = {}
    for each in reader.placed:
        by_layer.setdefault(each.layer, []).append(each)
    ends = list(reader.top())
    table = next((each for each in ends if each.kind == "table"), None)
    if table is None or len(by_layer) < 2:
        raise keys.refuse(
            "block_count", "the file lists no token_embd.weight or no block: it holds no text generator"
        )
    if table.cols != reader.hidden:
        raise keys.refuse(
            "embedding_length", f"is {reader.hidden}; the rows of token_embd.weight have {table.cols}"
        )
    layers = group_layers(
        (Custom(name="file", content=reader.layer(index, by_layer.get(index, []))),)
        for index in range(reader.count)
    )
    model = _assembled(reader, table, ends, layers, name)
    return FileModel(
        model=model,
        notes=tuple(reader.notes),
        key_doubts=(
            *keys.doubts,
            *reader.doubts,
            *head_doubts(table, model.head),
            *idle_experts(reader.experts, reader.placed),
            *not_understood("keys", keys.unknown(harmless)),
        ),
        doubts=(*reader.empty_layers(by_layer), *not_understood("tensors", reader.unknown_tensors())),
    )


def _assembled(
    reader: _Reader, table: Weight, ends: list[Weight], layers: tuple[LayerGroup, ...], name: str
) -> Model:
    head = next((each for each in ends if each.component == "lm_head" and each.kind == "matrix"), None)
    tied = Weight(name="lm_head", component="lm_head", rows=table.cols, cols=table.rows, units=table.rows)
    tables = tuple(each for each in ends if each.component == "embedding")
    return Model(
        model_type=reader.keys.architecture,
        hidden=reader.hidden,
        num_layers=reader.count,
        vocab=table.rows,
        groups=layers,
        embedding=(table, *(each for each in tables if each is not table)),
        head=tied if head is None else head,
        head_tied=head is None,
        outside=tuple(each for each in ends if each is not head and each not in tables),
        name=name,
        context_length_tokens=reader.keys.number("context_length", 0) or None,
    )
