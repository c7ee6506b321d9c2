"""The gateway under load, on loopback, beside the same requests sent straight to the upstream.

    python -m benchmarks.bench_gateway --json FILE

Recordings of 10 s (synthetic voices, 16 kHz WAV) in chat completions, so many at once; then live
connections that push 20 ms of 24 kHz PCM in real time. Gateway, upstream and clients share the
machine's cores. Added latency: that of a request through the gateway less the median of a direct
one under the same load. Lag: from the moment that a live sample is sent to the moment that the
client learns that it arrived. Memory: proportional set size of all the gateway's processes. The
numbers of requests are bounded. Ready: from the start of the gateway's process to the first answer
of its health check.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import websockets

import voxguard
from benchmarks.common import finish, spread
from voxguard.audio import encode

LIVE_RATE, CHUNK_MS = 24_000, 20
CONCURRENT = (1, 8, 32)


def upstream(port: int) -> None:
    """Plays the audio LLM: answers at once, and says of live audio how much has arrived."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    async def chat(request: Request) -> Response:
        size = len(await request.body())
        return JSONResponse({"object": "chat.completion", "usage": {"bytes": size}})

    async def live(client: WebSocket) -> None:
        await client.accept()
        samples = 0
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                event = json.loads(await client.receive_text())
                samples += len(base64.b64decode(event.get("audio", ""))) // 2
                await client.send_json({"type": "heard", "samples": samples})

    routes = [Route("/v1/chat/completions", chat, methods=["POST"]),
              WebSocketRoute("/v1/realtime", live)]  # fmt: skip
    uvicorn.run(Starlette(routes=routes), port=port, log_level="error", ws="websockets-sansio")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(url: str) -> None:
    """Until a server answers."""
    for _ in range(3000):
        with contextlib.suppress(httpx2.HTTPError):
            httpx2.get(url)
            return
        time.sleep(0.02)
    sys.exit(f"{url} does not answer")


def tree(pid: int) -> list[int]:
    """A process and those below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += tree(int(child))
    return found


def memory_mb(pid: int) -> float:
    """Of a process and those below it, shared pages shared out; 0 where there is no /proc."""
    total = 0
    for member in tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total / 1024


async def sampled(pid: int, into: list[float]) -> None:
    """Memory over time, twice a second."""
    while True:
        into.append(memory_mb(pid))
        await asyncio.sleep(0.5)


def clip(number: int) -> bytes:
    """A chat completion with 10 s of a voice."""
    voice = voxguard.synthetic_voice(seconds=10.0, speaker=number % 8)
    data = base64.b64encode(encode(voice[None], 16_000, "wav")).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": [part]}]}).encode()


async def clips(url: str, bodies: list[bytes], at_once: int, count: int) -> dict[str, Any]:
    """Send so many requests, so many at once."""
    times: list[float] = []
    todo = iter(range(count))

    async def client() -> None:
        async with httpx2.AsyncClient(timeout=120) as http:
            for number in todo:
                start = time.perf_counter()
                answer = await http.post(
                    f"{url}/v1/chat/completions",
                    content=bodies[number % len(bodies)],
                    headers={"content-type": "application/json"},
                )
                answer.raise_for_status()
                times.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return {"times": times, "per_second": count / (time.perf_counter() - start)}


async def stream(url: str, seconds: float, lags: list[float], audio: bytes) -> None:
    """One live connection in real time."""
    width = 2 * LIVE_RATE * CHUNK_MS // 1000
    async with websockets.connect(url.replace("http", "ws") + "/v1/realtime") as connection:
        sent: list[float] = []

        async def listen() -> None:
            async for message in connection:
                heard = json.loads(message).get("samples", 0) * 2 // width
                if heard:
                    lags.append(time.perf_counter() - sent[heard - 1])

        listener = asyncio.create_task(listen())
        begun = time.perf_counter()
        for number in range(int(seconds * 1000 / CHUNK_MS)):
            at = number * width % (len(audio) - width)
            data = base64.b64encode(audio[at : at + width]).decode()
            sent.append(time.perf_counter())
            await connection.send(json.dumps({"type": "input_audio_buffer.append", "audio": data}))
            await asyncio.sleep(
                max(0.0, begun + (number + 1) * CHUNK_MS / 1000 - time.perf_counter())
            )
        await asyncio.sleep(0.3)
        listener.cancel()


async def streams(url: str, count: int, seconds: float) -> dict[str, float]:
    """So many live connections, begun one after the other within a second."""
    voices = [
        voxguard.synthetic_voice(seconds=5.0, sample_rate=LIVE_RATE, speaker=k) for k in range(4)
    ]
    audio = [np.rint(voice * 32767).astype("<i2").tobytes() for voice in voices]
    lags: list[float] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number / count)
        await stream(url, seconds, lags, audio[number % len(audio)])

    await asyncio.gather(*(one(number) for number in range(count)))
    return percentiles(lags, "lag")


def percentiles(seconds: list[float], name: str) -> dict[str, float]:
    """Median and 99 % in ms."""
    p50, p99 = 1000 * np.percentile(seconds, [50, 99])
    return {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99)}


async def load(gateway: str, direct: str, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    """All of it against one gateway."""
    bodies = [clip(number) for number in range(8)]
    memory: list[float] = []
    watch = asyncio.create_task(sampled(pid, memory))
    await clips(gateway, bodies, 2, 4)  # warm
    rows = []
    for at_once in CONCURRENT:
        count = max(options.requests, 2 * at_once)
        straight = await clips(direct, bodies, at_once, count)
        usual = float(np.median(straight["times"]))
        first = len(memory)
        through = await clips(gateway, bodies, at_once, count)
        added = [taken - usual for taken in through["times"]]
        rows.append(
            {
                "at_once": at_once,
                "requests": count,
                "per_second": through["per_second"],
                "times_real_time": 10.0 * through["per_second"],
                "direct_p50_ms": 1000 * usual,
                **percentiles(added, "added"),
                "memory_mb": max(memory[first:] or memory[-1:]),
            }
        )
        print({k: round(v, 1) for k, v in rows[-1].items()})
    live = []
    for count in options.streams:
        row = {
            "streams": count,
            "seconds": options.seconds,
            **await streams(gateway, count, options.seconds),
            **{f"direct_{k}": v for k, v in (await streams(direct, count, 5.0)).items()},
            "memory_mb": memory[-1],
        }
        live.append(row)
        print({k: round(v, 1) for k, v in row.items()})
    watch.cancel()
    return {"clips": rows, "live": live, "memory_mb": memory[:: max(1, len(memory) // 100)]}


def served(method: str, direct: str, run: Callable[[str, int], Any]) -> Any:
    """What a run gives against a gateway of its own, and after how long that was ready."""
    port, start = free_port(), time.perf_counter()
    command = [sys.executable, "-m", "voxguard", "serve", "--upstream", direct, "--port", str(port),
               "--method", method, "--max-streams", "99", "--log-level", "error"]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        ready = time.perf_counter() - start
        return {"ready_s": ready, **run(f"http://127.0.0.1:{port}", process.pid)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=64, help="at least so many of each kind")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 20])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each live connection")
    parser.add_argument("--starts", type=int, default=5, help="of the gateway, to time")
    parser.add_argument("--methods", nargs="+", default=["mcadams", "voice_conversion"])
    parser.add_argument("--json", type=Path, help="where to write the results")
    options = parser.parse_args()
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(
        target=upstream, args=(port,), daemon=True
    )
    server.start()
    direct = f"http://127.0.0.1:{port}"
    wait_for(direct)
    results: dict[str, Any] = {}
    for method in options.methods:
        print(method)

        def run(url: str, pid: int) -> Any:
            return asyncio.run(load(url, direct, pid, options))

        starts = [served(method, direct, lambda *_: {})["ready_s"] for _ in range(options.starts)]
        results[method] = {**served(method, direct, run), "ready_s": spread(starts)}
    server.terminate()
    finish({"methods": results}, options.json)


if __name__ == "__main__":
    main()
