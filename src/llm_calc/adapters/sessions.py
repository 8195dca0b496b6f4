"""Sessions of a request: what comes to a replica, where its contexts lie, and what the answer says of both."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from llm_calc.adapters.engines import engine_from
from llm_calc.adapters.lengths import draw_of
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.lengths import ClassPart, Length, LengthPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.workload_rules import growth_of
from llm_calc.adapters.wire.workloads import KvTierPart, SessionsAnswer, TierHits
from llm_calc.adapters.workload_catalog import load_tiers
from llm_calc.core.engines import MemoryPlan, traits_of
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.model import Model
from llm_calc.core.serving.encoder import Encoder
from llm_calc.core.serving.estimate import SPREAD as LOOP_SPREAD
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.traffic import OPEN_REQUESTS
from llm_calc.core.workloads.arrivals import sessions_arriving
from llm_calc.core.workloads.draws import Draw, around
from llm_calc.core.workloads.estimate import Found, arriving, sessions_alive
from llm_calc.core.workloads.patience import Patience
from llm_calc.core.workloads.stream import RequestClass, Room, Stream, Tier
from llm_calc.core.workloads.traces import replayed

SPREAD = 0.2
"""Lengths of turns vary so much either way."""
LENGTHS = ("input_tokens", "output_tokens")
ARRIVING = OPEN_REQUESTS
"""Requests of a run with random arrivals whose requests are told apart."""


class Replica(Protocol):
    """What is needed of a placed deployment."""

    @property
    def subject(self) -> Subject:
        """What was resolved."""
        ...

    @property
    def deployment(self) -> Deployment:
        """One replica as the core times it."""
        ...

    @property
    def replicas(self) -> int:
        """How many there are."""
        ...

    @property
    def room(self) -> Room | None:
        """Where contexts lie."""
        ...

    @property
    def encoder(self) -> Encoder:
        """What images take."""
        ...


def refuse_unplanned(workload: WorkloadPart) -> None:
    """Names what plans do not take: sessions, lengths that vary and classes are simulated, a trace is not searched.

    Raises:
        UnsupportedError: the workload has a trace.
    """
    if workload.trace is not None:
        msg = (
            "workload.trace: deployment_plans does not take trace: what a replica gets of one load over time is no "
            "rate that bounds are made of; /api/serving_estimate, compare and sweep do"
        )
        raise UnsupportedError(msg, field="workload.trace")


def refuse_sessions(workload: WorkloadPart, where: str) -> None:
    """Names what an endpoint does not take yet.

    Raises:
        UnsupportedError: the workload has sessions, or requests that differ.
    """
    drawn = {name for name in LENGTHS if isinstance(getattr(workload, name), LengthPart)}
    given = [
        name for name in ("sessions", "classes", "targets", "trace") if getattr(workload, name) is not None
    ]
    for name in (*given, *sorted(drawn)):
        words = f"a distribution of {name}" if name in drawn else name
        msg = f"workload.{name}: {where} does not take {words}; /api/serving_estimate, compare and sweep do"
        raise UnsupportedError(msg, field=f"workload.{name}")


def stream_of(workload: WorkloadPart, sessions: int, arrivals_s: tuple[float, ...] = ()) -> Stream:
    """So many sessions at once, or arrivals, as the core takes them."""
    part = workload.sessions
    return Stream(
        classes=tuple(_classes(workload, alone=sessions <= 1)),
        slots=0 if arrivals_s else sessions,
        arrivals_s=arrivals_s,
        shared_tokens=0.0 if part is None else float(part.shared_prefix_tokens),
    )


def with_encoding(stream: Stream, placed: Replica, workload: WorkloadPart, lost: float = 0.0) -> Stream:
    """The same with the time of images: of first turns, and of later ones that add what the first prompt has.

    ``lost``: the part of those of turns before that is encoded again whatever a cache keeps.
    """
    part = workload.sessions
    later = part is None or part.growth_tokens is None
    return replace(stream, encoder_s=placed.encoder.share_s, images_later=later, lost_fraction=lost)


def _classes(workload: WorkloadPart, *, alone: bool) -> Iterator[RequestClass]:
    part = workload.sessions
    turns, think_s = (1, 0.0) if part is None else (part.turns, part.think_s)
    for each in workload.classes or (workload,):
        growth = around(float(max(0 if part is None else growth_of(each, part), 1)), SPREAD)
        yield RequestClass(
            first=_drawn(each.input_tokens, workload, alone=alone),
            output=_drawn(each.output_tokens, workload, alone=alone),
            growth=growth,
            share_fraction=each.share if isinstance(each, ClassPart) else 1.0,
            turns=turns,
            think_s=think_s,
        )


def _drawn(length: Length, workload: WorkloadPart, *, alone: bool) -> Draw:
    """A stated distribution; a number within a spread in sessions, as benchmark clients draw it in closed loops."""
    if isinstance(length, LengthPart):
        return draw_of(length)
    if workload.grows:
        return around(float(length), SPREAD)
    if workload.load in ("request_rate", "batch") or alone or workload.classes is not None:
        return Draw((0.0, 1.0), (float(length), float(length)))
    return Draw((0.0, 1.0), ((1 - LOOP_SPREAD) * length, float(length)))


def room_of(
    subject: Subject,
    plan: MemoryPlan,
    part: EnginePart,
    workload: WorkloadPart,
    *,
    capacity_tokens: float,
    replicas: int,
    tiers: Sequence[KvTierPart] = (),
) -> Room:
    """Where contexts of one replica lie.

    Raises:
        UnsupportedError: an engine whose caches of prompts follow other rules.
        InvalidInputError: a tier without a size or speed that could be taken for it, or named twice.
    """
    if workload.reuses and not traits_of(part.name).load.sessions:
        field = "workload.sessions" if workload.grows else "workload.trace"
        other = "ask for one turn" if workload.grows else "leave hash_ids out"
        msg = f"{field}: prompt caches of {part.name} are not modelled; {other}, or ask for another engine"
        raise UnsupportedError(msg, field=field)
    setup, per_token = subject.setup, bytes_per_token(subject)
    gpus = setup.layout.gpus // replicas
    found = [tier_of(tier, setup.gpu, gpus, replicas, per_token, capacity_tokens) for tier in tiers]
    if len({tier.name for tier in found}) < len(found):
        raise InvalidInputError("kv_tiers: each tier may be named once", field="kv_tiers")
    keeps = workload.reuses and keeps_prefixes(part, setup.model) and per_token > 0
    if found and not keeps:
        msg = f"kv_tiers: {part.name} keeps no contexts here; its prefix cache is off, or holds no states"
        raise InvalidInputError(msg, field="kv_tiers")
    return Room(
        capacity_tokens=capacity_tokens,
        block_tokens=float(
            max((claim.block_tokens for pool in plan.pools for claim in pool.claims), default=1) or 1
        ),
        tiers=tuple(found),
        keeps=keeps,
        stated_fraction=workload.prefix_cache_hit_fraction,
    )


def bytes_per_token(subject: Subject) -> float:
    """What a token of context takes in a tier [bytes]."""
    return float(kv_cache_bytes_per_token(subject.setup.model, subject.setup.numbers.cache_format))


def keeps_prefixes(part: EnginePart, model: Model) -> bool:
    """Whether the engine looks for equal beginnings of prompts: its switch, and models with recurrent states."""
    engine = engine_from(part)
    flag, off = engine.traits.options.prefix_switch or ("", None)
    if flag and getattr(engine, flag, None) is off:
        return False
    states = any(cache.state_elements for group in model.groups for cache in group.parts.caches)
    if isinstance(engine, Vllm) and states:
        return engine.paging().mode(model) != "none"
    return engine.traits.load.keeps_states or not states


def tier_of(
    tier: KvTierPart, gpu: Gpu, gpus: int, replicas: int, per_token: float, capacity_tokens: float
) -> Tier:
    """A tier of one replica, whose own cache has ``capacity_tokens``; raises as :func:`room_of`."""
    default = load_tiers()[tier.tier]
    if tier.memory_bytes is not None:
        tokens = tier.memory_bytes / replicas / max(per_token, 1e-9)
    elif default.cache_ratio is not None:
        tokens = default.cache_ratio * capacity_tokens
    else:
        msg = f"kv_tiers.memory_bytes: the size of {default.name} must be given"
        raise InvalidInputError(msg, field="kv_tiers.memory_bytes")
    pcie = gpu.pcie_bytes_per_s_each_way if default.link == "pcie" else None
    rate = tier.bandwidth_bytes_per_s or default.bytes_per_s or (pcie * gpus if pcie else None)
    if rate is None:
        msg = f"kv_tiers.bandwidth_bytes_per_s: must be given; no link of {gpu.id} to its host is known"
        raise InvalidInputError(msg, field="kv_tiers.bandwidth_bytes_per_s")
    return Tier(name=tier.tier, capacity_tokens=tokens, tokens_per_s=rate / max(per_token, 1e-9))


def time_stream(placed: Replica, workload: WorkloadPart, patience: Patience | None = None) -> Found:
    """One replica under its share of requests that are told apart; arrivals only as long as they keep a patience."""
    if placed.room is None:
        raise InvalidInputError("workload: nothing was made ready for its requests", field="workload")
    if workload.trace is not None:
        return replayed(placed.deployment, workload.trace.trace, placed.room, placed.replicas)
    if workload.session_rate is not None:
        rate = workload.session_rate / placed.replicas
        stream = with_encoding(stream_of(workload, 1), placed, workload)
        return sessions_arriving(placed.deployment, stream, placed.room, rate)
    if workload.request_rate is not None:
        rate = workload.request_rate / placed.replicas
        stream = with_encoding(stream_of(workload, 0), placed, workload)
        return arriving(placed.deployment, stream, placed.room, rate, patience)
    sessions = max(1, math.ceil(workload.requests_in_flight / placed.replicas))
    stream = with_encoding(stream_of(workload, sessions), placed, workload)
    return sessions_alive(placed.deployment, stream, placed.room)


def sessions_answer(
    placed: Replica, workload: WorkloadPart, found: Found, busy: float, prefills: int | None = None
) -> SessionsAnswer | None:
    """What the answer says of sessions; ``busy``: replicas that have any; ``prefills``: those that prefill alone."""
    part, room = workload.sessions, placed.room
    if part is None or room is None or not workload.grows:
        return None
    seen, stream = found.seen, stream_of(workload, 1)
    prompt = float(seen.prompt_tokens.mean())
    session_s = part.turns * float(seen.latency_s.mean()) + (part.turns - 1) * part.think_s
    hits = found.hit_fractions
    return SessionsAnswer(
        hit_fraction=sum(hits),
        most_hit_fraction=max(most_hits(stream, prefills), found.seen.known_fraction) if room.keeps else 0.0,
        tiers=list(tiers_found(placed, room, hits, prefills)),
        prompt_tokens=prompt,
        new_tokens=prompt * (1 - sum(hits)),
        longest_tokens=stream.longest_tokens,
        first_turn_ttft_s=found.of_turns(seen.ttft_s, first=True),
        later_turns_ttft_s=found.of_turns(seen.ttft_s, first=False),
        session_s=session_s,
        sessions_at_once=found.sessions * busy,
        sessions_per_s=float(found.estimate.requests_per_s) * busy / part.turns,
        kept_sessions=seen.kept_sessions * busy,
        kept_tokens=seen.kept_tokens * busy,
    )


def most_hits(stream: Stream, prefills: int | None = None) -> float:
    """The part of prompts that some request before had, ``1 - new / all``; of replicas that prefill some prompt."""
    return stream.most_prompt_hit_fraction if prefills else stream.most_hit_fraction


def tiers_found(
    placed: Replica, room: Room, hits: Sequence[float], prefills: int | None = None
) -> Iterator[TierHits]:
    """What each memory gave, the GPU first; ``prefills``: replicas that have it where others decode."""
    replicas, each = prefills or placed.replicas, bytes_per_token(placed.subject)
    yield TierHits(
        tier="gpu",
        hit_fraction=hits[0],
        capacity_tokens=room.capacity_tokens * replicas,
        bandwidth_bytes_per_s=None,
    )
    for tier, fraction in zip(room.tiers, hits[1:], strict=False):
        yield TierHits(
            tier=tier.name,
            hit_fraction=fraction,
            capacity_tokens=tier.capacity_tokens * replicas,
            bandwidth_bytes_per_s=tier.tokens_per_s * each,
        )
