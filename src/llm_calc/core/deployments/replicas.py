"""Which replicas a layout falls into."""

from dataclasses import replace

from llm_calc.core.parallelism import Layout


def one_replica(layout: Layout) -> tuple[Layout, int]:
    """The layout of one replica, and how many there are [replicas].

    Definition: without expert parallelism data-parallel groups never wait for each other.
    """
    if layout.expert > 1 or layout.data == 1:
        return layout, 1
    return replace(layout, data=1), layout.data
