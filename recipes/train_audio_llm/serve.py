"""A model behind OpenAI's chat completions, to put ``voxguard serve`` in front of it.

    python -m recipes.train_audio_llm.serve WORK/base/model --port 8100
    voxguard serve --upstream http://127.0.0.1:8100/v1 --method mcadams --port 8200
    voxguard probe attributes clips.csv --endpoint http://127.0.0.1:8200/v1 --model small

On loopback, for probes and demonstrations: one request at a time, no keys.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from voxguard.audio import read
from voxguard.audiollm import AudioModel, TransformersModel
from voxguard.errors import VoxguardError


def make_app(model: AudioModel) -> Starlette:
    """The server's application.

    Args:
        model: Answers one question at a time.
    """
    lock = asyncio.Lock()

    async def complete(request: Request) -> JSONResponse:
        body = await request.json()
        try:
            samples, rate, prompt = _asked(body)
            async with lock:
                answer = await asyncio.to_thread(model, samples, rate, prompt)
        except (VoxguardError, KeyError, IndexError, TypeError) as error:
            return JSONResponse({"error": {"message": str(error)}}, 400)
        return JSONResponse(_completion(answer, body.get("model", "")))

    return Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])


def _asked(body: dict[str, Any]) -> tuple[Any, int, str]:
    parts = body["messages"][-1]["content"]
    if isinstance(parts, str):
        return None, 16_000, parts
    prompt = " ".join(part["text"] for part in parts if part["type"] == "text")
    clips = [part["input_audio"] for part in parts if part["type"] == "input_audio"]
    if not clips:
        return None, 16_000, prompt
    samples, rate = read(base64.b64decode(clips[0]["data"]))
    return samples.mean(axis=0), rate, prompt


def _completion(text: str, model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "small",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.train_audio_llm.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="folder of the model")
    parser.add_argument("--port", type=int, default=8100)
    given = parser.parse_args()
    app = make_app(TransformersModel(given.model, local_files_only=True))
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
