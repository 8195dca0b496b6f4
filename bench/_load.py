"""A small HTTP/1.1 load generator: so many connections, each with one request in flight at a time."""

import asyncio
import json
import time


def request_bytes(path: str, body: object) -> bytes:
    """Return a request as it goes over the wire."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def requests_per_s(port: int, request: bytes, *, connections: int, duration_s: float) -> float:
    """Return how many requests a second a service on loopback answers with 200."""
    until_s = time.perf_counter() + duration_s
    began_s = time.perf_counter()
    counts = await asyncio.gather(*(_ask(port, request, until_s) for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - began_s)


async def _ask(port: int, request: bytes, until_s: float) -> int:
    """Send one request after the other over one connection and count the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while time.perf_counter() < until_s:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        answered += 1
    writer.close()
    await writer.wait_closed()
    return answered
