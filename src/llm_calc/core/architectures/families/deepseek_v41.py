"""DeepSeek-V4.1: windows everywhere, compressed entries of four layers that the others share, tables of n-grams.

Source: ``deepseek_v4.py``, ``deepseek_v41_vit.py``, ``layers/engram.py`` and ``layers/attention/dsv4/dsv41_sparse.py``
of SGLang 0.5.23, ``models/deepseek_v41`` of vLLM 0.33.0, and names and shapes of the tensors of DeepSeek-V4.1-Flash as
public code lists them; checked: 2026-12-01, read. Biases of the router's choice are no parameters, as in DeepSeek-V4.
"""

from dataclasses import dataclass

from llm_calc.core.architectures.families.deepseek_v4 import latent_core, one_shared
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hyper import hyper_connections
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.architectures.pieces import assemble, final_norm, hidden_size, norms, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.towers.deepseek import deepseek_v41_aligner
from llm_calc.core.architectures.towers.wrapper import TowerPart, Wrapper
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache, Scores, Weight, vector

RATIOS = (0, 1, 2)
"""Tokens of a compressed entry; 0: the window alone."""
PREFILL = (
    "layers behind the last that makes compressed entries are counted for every token of a prompt; engines may run "
    "them for its last window alone"
)
CACHES = (
    "caches are laid out as vLLM does for this type; pools of other engines are not known for it: windows count as "
    "states there"
)
TABLES = (
    "tables of n-grams: memory plans leave them with the host under vLLM, as it does unless engram_config says "
    "otherwise, and with the GPUs elsewhere"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which layers see compressed entries, make them, choose among them, and look n-grams up."""

    ratios: tuple[int, ...]
    sources: frozenset[int]
    choosers: frozenset[int]
    narrowing: int
    ngram_rows: dict[int, int]

    @classmethod
    def of(cls, f: Fields) -> "_Layout":
        """Reads the lists of layers, each of which has to fit the stack."""
        layers = num_layers(f)
        ratios = f.ints("compress_ratios") or ()
        if len(ratios) < layers or not set(RATIOS).issuperset(ratios):
            raise f.refusal("compress_ratios", f"a list of {layers} of {', '.join(map(str, RATIOS))}")
        at, rows = _indices(f, "engram_layer_ids", layers), f.ints("engram_num_embeddings", ()) or ()
        if len(rows) != len(at) or min(rows, default=1) < 1:
            raise f.refusal("engram_num_embeddings", f"a list of {len(at)} numbers of rows")
        found = cls(
            ratios=ratios[:layers],
            sources=frozenset(_indices(f, "kv_source_layer_ids", layers)),
            choosers=frozenset(_indices(f, "index_source_layer_ids", layers)),
            narrowing=f.int("candidate_source_layer_id", -1, least=-1, most=layers - 1),
            ngram_rows=dict(zip(at, rows, strict=True)),
        )
        found._check(f)
        return found

    def _check(self, f: Fields) -> None:
        """Every layer with entries has a source and a choice before it, and sources have entries."""
        seeing = [index for index, ratio in enumerate(self.ratios) if ratio]
        for key, made in (("kv_source_layer_ids", self.sources), ("index_source_layer_ids", self.choosers)):
            if not made.issubset(seeing) or (seeing and min(made, default=len(self.ratios)) > seeing[0]):
                raise f.refusal(key, "layers with a compress_ratio, the first of which begins")
        if not self.sources <= self.choosers:
            raise f.refusal("kv_source_layer_ids", "among index_source_layer_ids")
        for index in seeing:
            source = max(each for each in self.sources if each <= index)
            if self.ratios[index] != self.ratios[source]:
                raise f.refusal("compress_ratios", "of each layer that of the last in kv_source_layer_ids")


def _indices(f: Fields, key: str, layers: int) -> tuple[int, ...]:
    indices = f.ints(key, ()) or ()
    if any(not 0 <= index < layers for index in indices):
        raise f.refusal(key, f"layers from 0 to {layers - 1}")
    return indices


def _matrix(name: str, rows: int, cols: int) -> Weight:
    return Weight(name=name, component="attention", rows=rows, cols=cols)


def _source(f: Fields, ratio: int) -> Parts:
    """Makes one entry of every ``ratio`` tokens, pooled by a gate where those are several, and keeps it."""
    hidden, width = hidden_size(f), f.int("head_dim")
    gate = (_matrix("compressor_gate_proj", hidden, width),) if ratio > 1 else ()
    return Parts(
        weights=(
            _matrix("compressor_kv_proj", hidden, width),
            *gate,
            vector("compressor_norm", "attention", width),
        ),
        caches=(_entries(f, width, ratio),),
    )


def _entries(f: Fields, width: int, ratio: int) -> Cache:
    if width % ratio:
        raise f.refusal("compress_ratios", f"divisors of the {width} elements of an entry")
    return Cache(kind="compressed", elements_per_token=width // ratio, tokens_per_entry=ratio)


def _chooser(f: Fields, ratio: int, *, makes_keys: bool, narrowed: bool) -> Parts:
    """Small heads that choose entries; keys stand where entries are made. ``narrowed``: among candidates alone."""
    heads, width = f.int("index_n_heads"), f.int("index_head_dim")
    weights = (
        _matrix("indexer_q_proj", f.int("q_lora_rank"), heads * width),
        _matrix("indexer_weights_proj", hidden_size(f), heads),
    )
    keys = (
        _matrix("indexer_k_proj", f.int("head_dim"), width),
        vector("indexer_norm", "attention", width),
    )
    most = f.int("candidate_topk_blocks") * f.int("candidate_block_size") if narrowed else None
    return Parts(
        weights=(*weights, *keys) if makes_keys else weights,
        scores=(
            Scores(
                name="indexer_scores", heads=heads, qk_dim=width, v_dim=0, tokens_per_key=ratio, top_k=most
            ),
        ),
        caches=(_entries(f, width, ratio),) if makes_keys else (),
    )


def _attention(f: Fields, layout: _Layout, index: int) -> Custom:
    """The window, and ``index_topk`` of the entries of the last source."""
    ratio, parts, name = layout.ratios[index], latent_core(f), "window"
    if ratio:
        heads, width = f.int("num_attention_heads"), f.int("head_dim")
        chosen = Scores(
            heads=heads,
            qk_dim=width,
            v_dim=width,
            tokens_per_key=ratio,
            top_k=f.int("index_topk"),
            units=heads,
        )
        parts, name = parts + Parts(scores=(chosen,)), "shared_entries"
    if index in layout.sources:
        parts, name = parts + _source(f, ratio), "own_entries"
    if index in layout.choosers:
        narrowed = 0 <= layout.narrowing < index
        parts += _chooser(f, ratio, makes_keys=index in layout.sources, narrowed=narrowed)
    return Custom(name=name, content=parts)


def _ngrams(f: Fields, rows: int) -> Block:
    """Looks the last n-grams up and adds them to every stream through a gate."""
    hidden, streams, width = hidden_size(f), f.int("hc_mult"), f.int("engram_head_dim")
    looked_up = (f.int("engram_max_ngram_size", least=2) - 1) * f.int("engram_n_heads")
    weights = (
        Weight(name="engram_table", component="embedding", rows=rows, cols=width, kind="table"),
        Weight(name="engram_kv_proj", component="other", rows=looked_up * width, cols=hidden * (streams + 1)),
        vector("engram_gates", "other", 2 * streams * hidden),
    )
    return Custom(name="ngram_tables", content=Parts(weights=weights))


@family("deepseek_v41_text")
def deepseek_v41_text(f: Fields) -> Model:
    """No mixing stands behind the last layer: each takes its weights from the sublayer before."""
    f.agree(num_key_value_heads=1, attention_bias=False, hidden_act="silu")
    f.fallbacks = {"tie_word_embeddings": False, **f.fallbacks}
    layers, streams, layout = num_layers(f), f.int("hc_mult"), _Layout.of(f)
    if f.optional_int("num_nextn_predict_layers", 0):
        f.warn(WITHOUT_PREDICTION)
    f.warn(CACHES)
    if layout.sources:
        f.warn(PREFILL)
    if layout.ngram_rows:
        f.warn(TABLES)
    else:
        f.pass_by("when:no_ngrams")
    if layout.narrowing < 0:
        f.pass_by("when:no_candidates")
    around = hyper_connections(f, outputs=(2 + streams) * streams, scales=3, remixed=True)
    experts = mixture(experts="n_routed_experts", shared_width=one_shared)(f)
    attention = [_attention(f, layout, index) for index in range(layers)]
    ngrams = {index: (_ngrams(f, rows),) for index, rows in layout.ngram_rows.items()}
    stack: list[tuple[Block, ...]] = [
        (*norms(2)(f)(index), around, attention[index], *experts(index), *ngrams.get(index, ()))
        for index in range(layers)
    ]
    return assemble(f, stack, outside=(final_norm(f),))


@family("deepseek_v41")
def deepseek_v41(f: Fields) -> Model:
    """Text and tower in parts of their own; a file without a tower has none, and one without parts is the text."""
    if not f.given("text_config"):
        f.pass_by("deepseek_v41_text")
        return deepseek_v41_text(f)
    towers = (TowerPart(projector=deepseek_v41_aligner),) if f.given("vision_config") else ()
    return Wrapper(towers=towers, tying="first")(f)
