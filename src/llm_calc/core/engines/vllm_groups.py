"""How vLLM makes one pool of blocks serve layers of different kinds.

All groups take blocks of one size from one pool, so that pages (the bytes of a block in one layer) are made equal
first: a narrower attention layer gets as many tokens a block as fill the widest page, a recurrent state's page is
padded. Then layers of one kind are dealt to groups of equal size; what is missing in the last group is padding. Groups
are made of the whole model; a pipeline stage holds its layers of each. Models whose pages lie side by side in a block
(DeepSeek-V4) are grouped by how often a pattern of pages repeats instead.

Source: vLLM 0.33.0 ``vllm/v1/core/kv_cache_planning.py``: ``get_kv_cache_groups``, ``unify_kv_cache_spec_page_size``,
``_get_kv_cache_groups_uniform_page_size``, ``_get_packed_kv_cache_groups``; checked: 2026-11-29, read.
Earlier releases: ``kv_cache_utils.py``.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llm_calc.core.arrays import ceil_div

LATENT = frozenset({"latent", "compressed"})
PAGE_ALIGNMENT_BYTES = 576
"""Pages that lie side by side are padded to multiples of so many bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one block takes in one layer; ``block_tokens = 0``: a recurrent state."""

    layer: int
    kind: str
    page_bytes: float
    block_tokens: int = 0
    window_tokens: int | None = None

    @property
    def sort(self) -> tuple[str, int, int | None, float]:
        """Layers of one sort need blocks at the same times; states also of one size [tokens, bytes].

        Definition: the kind of attention with its window and block; a state with its page.
        """
        if self.kind == "state":
            return "state", self.block_tokens, None, self.page_bytes
        kind = self.kind if self.window_tokens is not None else "full"
        return kind, self.block_tokens, self.window_tokens, 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheGroup:
    """Layers that share a block table, with how many layers of padding make it as large as the others."""

    pages: tuple[Page, ...]
    padding_layers: int = 0

    @property
    def first(self) -> Page:
        """A page that stands for all [bytes, tokens].

        Definition: the first; all pages of a group have its tokens and window.
        """
        return self.pages[0]

    def stage_bytes(self, layers: range) -> float:
        """Bytes of a block in the layers of one pipeline stage [bytes].

        ``sum of page bytes``.
        Definition: a stage holds its own layers of every group.
        """
        return sum(page.page_bytes for page in self.pages if page.layer in layers)


def group_pages(
    pages: tuple[Page, ...], nearly_equal: float, *, packed: bool = False
) -> tuple[CacheGroup, ...]:
    """Groups of layers that share a block table; a block's bytes are those of the largest group [layers].

    Layers of one sort make one group. Otherwise pages are made equal and layers dealt to groups of as many layers as
    the rarest sort has, of the commonest's number where that is below ``nearly_equal`` times the rarest's.
    Source: vLLM 0.33.0 ``vllm/v1/core/kv_cache_planning.py``, ``get_kv_cache_groups``; checked: 2026-11-29, read.
    Leaves out: layers of draft models, and layers that share the cache of another, which claim none.
    """
    if not pages:
        return ()
    if len({page.sort for page in pages}) == 1:
        return (CacheGroup(pages=pages),)
    if packed:
        return _packed(pages)
    whole = _promoted(pages)
    if whole is not None:
        return (CacheGroup(pages=whole),)
    sorts = _by_sort(_equal_pages(pages))
    size = _group_size([len(sort) for sort in sorts], nearly_equal)
    return tuple(group for sort in sorts for group in _deal(sort, size))


def block_bytes(groups: Sequence[CacheGroup], layers: range, *, packed: bool = False) -> float:
    """Bytes of a block over all layers of a stage [bytes].

    ``max over groups of sum of pages``; side by side rounded up to 576.
    Source: vLLM 0.33.0 ``vllm/v1/core/kv_cache_planning.py``, ``_get_kv_cache_bytes_per_block``; checked: 2026-11-29,
    read. Exact.
    """
    most = max((group.stage_bytes(layers) for group in groups), default=0.0)
    return PAGE_ALIGNMENT_BYTES * float(ceil_div(most, PAGE_ALIGNMENT_BYTES)) if packed else most


def _promoted(pages: tuple[Page, ...]) -> tuple[Page, ...] | None:
    """All tokens in all layers, where a latent page cannot grow to the largest one beside sliding layers."""
    most = max(page.page_bytes for page in pages)
    uneven = any(page.kind in LATENT and most % page.page_bytes for page in pages)
    if not uneven or not any(page.kind == "sliding" for page in pages):
        return None
    return unwindowed(pages)


def unwindowed(pages: tuple[Page, ...]) -> tuple[Page, ...]:
    """The same layers without windows, as where groups of several kinds are switched off [bytes, tokens].

    Definition: windows go where some layer keeps everything; where none does they stay.
    """
    if not any(page.block_tokens and page.window_tokens is None for page in pages):
        return pages
    return tuple(page if page.window_tokens is None else replace(page, window_tokens=None) for page in pages)


def _equal_pages(pages: tuple[Page, ...]) -> list[Page]:
    """Every page as large as the largest: by more tokens where they divide it, else by padding."""
    most = max(page.page_bytes for page in pages)
    return [_grown(page, most) for page in pages]


def _grown(page: Page, size: float) -> Page:
    times, rest = divmod(size, page.page_bytes)
    tokens = page.block_tokens if rest else page.block_tokens * int(times)
    return replace(page, page_bytes=size, block_tokens=tokens)


def _by_sort(pages: Sequence[Page]) -> list[list[Page]]:
    sorts: dict[object, list[Page]] = defaultdict(list)
    for page in pages:
        sorts[page.sort].append(page)
    return list(sorts.values())


def _group_size(layers: list[int], nearly_equal: float) -> int:
    least, most = min(layers), max(layers)
    return most if most < least * nearly_equal else least


def _deal(pages: list[Page], size: int) -> list[CacheGroup]:
    groups = int(ceil_div(len(pages), size))
    padding = -len(pages) % size
    return [
        CacheGroup(pages=tuple(pages[index::groups]), padding_layers=padding if index == groups - 1 else 0)
        for index in range(groups)
    ]


def _packed(pages: tuple[Page, ...]) -> tuple[CacheGroup, ...]:
    """Sorts that repeat a pattern of pages are split into groups of as many repeats, so that little is padded.

    Where no such pattern has pages of several sizes, windows are split until they fit a block of the other sorts.
    """
    sorts = [_by_size(sort) for sort in _by_sort(pages)]
    patterns = [sizes for sizes in sorts if len({len(layers) for layers in sizes}) == 1]
    least = max((len(sizes[0]) for sizes in patterns if len(sizes) > 1), default=0)
    repeats = _least_padding([len(sizes[0]) for sizes in patterns], least) if least else 0
    anchor = 0.0 if repeats else max(_least_bytes(sizes) for sizes in sorts)
    groups = []
    for sizes in sorts:
        count = int(ceil_div(len(sizes[0]), repeats)) if repeats and sizes in patterns else 1
        if anchor and sizes[0][0].kind == "sliding":
            held = max(1, int(anchor // sizes[0][0].page_bytes))
            count = int(ceil_div(sum(map(len, sizes)), held))
        parts = [[page for layers in sizes for page in layers[index::count]] for index in range(count)]
        groups += [CacheGroup(pages=tuple(part)) for part in parts]
    return tuple(groups)


def _least_bytes(sizes: list[list[Page]]) -> float:
    """What a block has to hold of a sort: one page where it has windows, else all of them."""
    if sizes[0][0].kind == "sliding":
        return max(layers[0].page_bytes for layers in sizes)
    return sum(page.page_bytes for layers in sizes for page in layers)


def _by_size(pages: list[Page]) -> list[list[Page]]:
    sizes: dict[float, list[Page]] = defaultdict(list)
    for page in pages:
        sizes[page.page_bytes].append(page)
    return list(sizes.values())


def _least_padding(counts: list[int], least: int) -> int:
    """The number of repeats, ``least`` or more, whose multiples the counts are rounded up to with least padding."""
    return min(
        range(least, max(counts) + 1), key=lambda size: (sum(-count % size for count in counts), -size)
    )
