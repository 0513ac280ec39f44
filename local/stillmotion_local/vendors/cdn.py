"""The CDN: serves finished videos until the vendor's retention ends, and the faults of serving them."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from stillmotion_local.vendors.answers import LyingAnswer, in_drops
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.faults import VIDEO_FAULTS, ActiveFault, Fault
from stillmotion_local.vendors.generations import Generation, State, Vendor
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.settings import VendorsSettings

_MP4 = "video/mp4"
_CHUNK_BYTES = 1024 * 1024
_BOX_HEADER_BYTES = 8


class Cdn:
    """The routes of finished videos."""

    def __init__(self, *, ledger: Ledger, settings: VendorsSettings, clock: Clock) -> None:
        """Wires the routes."""
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/cdn/{vendor}/{id}.mp4", self.video, methods=["GET"])]

    async def video(self, request: Request) -> Response:
        """Serves a video: whole or by range; HEAD is not counted as a fetch."""
        generation = self._ledger.generations.get(request.path_params["id"])
        if generation is None or generation.vendor != request.path_params["vendor"]:
            return PlainTextResponse("Not Found", 404)
        if generation.state is not State.COMPLETED or self._is_gone(generation):
            return PlainTextResponse("Not Found", 404)
        path = self._settings.videos / str(generation.video)
        if request.method == "HEAD":
            return FileResponse(path, media_type=_MP4)
        number = self._ledger.count_download(generation)
        for fault in generation.faults:
            if fault.name not in VIDEO_FAULTS or number > fault.number("times", float("inf")):
                continue
            if fault.name is Fault.VIDEO_REDIRECT and "moved" in request.query_params:
                continue
            self._ledger.count_fault(fault.name, generation.vendor, generation.id)
            return await _spoiled(fault, generation, path)
        return FileResponse(path, media_type=_MP4)

    def _is_gone(self, generation: Generation) -> bool:
        settings = self._settings
        retention = (
            settings.apiframe_retention_seconds
            if generation.vendor is Vendor.APIFRAME
            else settings.wavespeed_retention_seconds
        )
        return generation.is_expired(self._clock(), retention)


async def _spoiled(fault: ActiveFault, generation: Generation, path: Path) -> Response:
    answers = {
        Fault.VIDEO_EMPTY: Response(b"", media_type=_MP4),
        Fault.VIDEO_HTML: HTMLResponse("<!doctype html><title>Sign in</title><p>This is not a video.</p>"),
        Fault.VIDEO_EXPIRED: PlainTextResponse("Not Found", int(fault.number("status", 404))),
        Fault.VIDEO_REDIRECT: RedirectResponse(fault.word("to", f"{generation.video_url}?moved=1"), 302),
        Fault.VIDEO_LARGE: _padded(path, int(fault.number("megabytes", 100)) * 1_000_000),
    }
    return answers.get(fault.name) or await _cut_or_slow(fault, path)


async def _cut_or_slow(fault: ActiveFault, path: Path) -> Response:
    content = await asyncio.to_thread(path.read_bytes)
    length = {"Content-Length": str(len(content))}
    if fault.name is Fault.VIDEO_SLOW_DRIP:
        drops = in_drops(content, fault.number("seconds", 10))
        return StreamingResponse(drops, media_type=_MP4, headers=length)
    kept = content[: int(fault.number("bytes", len(content) // 2))]
    if fault.name is Fault.VIDEO_WRONG_LENGTH:
        return LyingAnswer(in_drops(kept, 0, drops=4), media_type=_MP4, headers=length)
    return Response(kept, media_type=_MP4)


def _padded(path: Path, padding_bytes: int) -> Response:
    """The MP4 with a `free` box behind it, which players skip (ISO/IEC 14496-12, 8.1.2)."""
    size = path.stat().st_size

    async def parts() -> AsyncIterator[bytes]:
        yield await asyncio.to_thread(path.read_bytes)
        left = padding_bytes
        while left > 0:
            box = min(left, 2**31)
            yield struct.pack(">I4s", box, b"free")
            for start in range(_BOX_HEADER_BYTES, box, _CHUNK_BYTES):
                yield bytes(min(_CHUNK_BYTES, box - start))
            left -= box

    return StreamingResponse(parts(), media_type=_MP4, headers={"Content-Length": str(size + padding_bytes)})
