"""A host in words."""

from dataclasses import replace

from llm_calc.core.host import Host, host_words

# Eight channels of DDR5-4800: 8 x 8 bytes x 4.8e9 = 307.2 GB/s.
STATED = Host(
    id="server",
    name="a server",
    memory_bytes=512 * 2**30,
    memory_bandwidth_bytes_per_s=8 * 8 * 4.8e9,
    flops_per_s=3e12,
)


def test_sizes_are_told_in_gib_and_speeds_in_gb_a_second() -> None:
    assert host_words(STATED) == "host: a server, 512 GiB at 307 GB/s"
    # Twelve channels are 460.8 GB/s, the nearest whole number of which is 461.
    twelve = replace(STATED, memory_bandwidth_bytes_per_s=12 * 8 * 4.8e9)
    assert host_words(twelve) == "host: a server, 512 GiB at 461 GB/s"
    # A terabyte a second is 1000 GB/s; 1.5 GiB are told as whole ones.
    fast = replace(STATED, memory_bandwidth_bytes_per_s=1e12, memory_bytes=3 * 2**29)
    assert host_words(fast) == "host: a server, 2 GiB at 1000 GB/s"


def test_a_host_that_nobody_stated_is_said_to_be_taken() -> None:
    words = host_words(replace(STATED, stated=False))
    assert words.startswith("hardware.host: ")
    assert words.endswith("taken as a server (512 GiB at 307 GB/s)")
