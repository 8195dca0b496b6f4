"""What vLLM's grouping of caches did, in sentences."""

from llm_calc.core.engines.vllm_groups import CacheGroup


def cache_notes(groups: tuple[CacheGroup, ...], block_size: int) -> tuple[str, ...]:
    """Groups of several kinds, a larger block, padding."""
    notes = []
    if len(groups) > 1:
        kinds = ", ".join(f"{len(group.pages)} {group.first.kind}" for group in groups)
        notes.append(f"vLLM keeps {len(groups)} groups of layers with blocks of one size ({kinds})")
    larger = max((group.first.block_tokens for group in groups), default=0)
    if larger > block_size and any(not group.first.block_tokens for group in groups):
        notes.append(
            f"block_size becomes {larger} tokens, so that a page of attention holds a recurrent state"
        )
    padding = sum(group.padding_layers for group in groups)
    if padding:
        notes.append(f"{padding} layers of padding make the groups equally large")
    return tuple(notes)
