"""Uploads at both vendors: a picture that lies on this machine gets an address that a vendor can fetch.

Sources: Apiframe's OpenAPI (`/v2/uploads`, sniffed by its bytes); wavespeed-python (ticket, then PUT).
"""

import mimetypes
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from stillmotion_local.vendors import wavespeed_views
from stillmotion_local.vendors.access import base_url_of, same_secret
from stillmotion_local.vendors.apiframe_account import ApiframeAccount
from stillmotion_local.vendors.clock import Clock, timestamp
from stillmotion_local.vendors.generations import Vendor
from stillmotion_local.vendors.settings import VendorsSettings
from stillmotion_local.vendors.submissions import SubmissionDesk
from stillmotion_local.vendors.wavespeed import WaveSpeed, refused_with
from stillmotion_local.vendors.wavespeed_requests import UploadTicketRequest, message_of

MAX_IMAGE_BYTES = 25 * 1024 * 1024
# "Files live ~1-2h before the cleanup worker reaps them."
LIFETIME_SECONDS = 3600.0
# Room for the multipart frame around the file.
_FRAME_BYTES = 64 * 1024
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class _Ticket:
    """A PUT that WaveSpeed has promised to take."""

    name: str
    size: int
    token: str


class Uploads:
    """The routes of uploads."""

    def __init__(
        self,
        *,
        desk: SubmissionDesk,
        apiframe: ApiframeAccount,
        wavespeed: WaveSpeed,
        settings: VendorsSettings,
        clock: Clock,
    ) -> None:
        """Wires the routes and makes the folders."""
        self._desk = desk
        self._apiframe = apiframe
        self._wavespeed = wavespeed
        self._settings = settings
        self._clock = clock
        self._tickets: dict[str, _Ticket] = {}
        for vendor in Vendor:
            (settings.uploads / vendor).mkdir(parents=True, exist_ok=True)

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/v2/uploads", self.upload, methods=["POST"]),
            Route("/api/v3/media/uploads", self.ticket, methods=["POST"]),
            Route("/cdn/uploads/{vendor}/{name}", self.put, methods=["PUT"]),
            Route("/cdn/uploads/{vendor}/{name}", self.get, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """`POST /v2/uploads`: multipart, field `file`; the declared type is ignored."""
        submission = await self._desk.note(Vendor.APIFRAME, request, keep_body=False)
        answer = self._apiframe.refusal(request)
        if answer is None:
            answer = await self._keep_form(request)
        return self._desk.close(submission, answer)

    async def ticket(self, request: Request) -> Response:
        """`POST /api/v3/media/uploads`: where to PUT the file, and where it will be."""
        submission = await self._desk.note(Vendor.WAVESPEED, request)
        answer = self._wavespeed.refusal(request)
        if answer is None:
            try:
                answer = self._promise(UploadTicketRequest.model_validate(submission.body), request)
            except ValidationError as error:
                answer = refused_with(400, message_of(error))
        return self._desk.close(submission, answer)

    async def put(self, request: Request) -> Response:
        """The PUT that a ticket promised: exactly the announced number of bytes."""
        ticket = self._tickets.get(request.path_params["name"])
        token = request.query_params.get("ticket", "")
        if ticket is None or not same_secret(token, ticket.token):
            return PlainTextResponse("AccessDenied", 403)
        path = self._settings.uploads / Vendor.WAVESPEED / ticket.name
        unfinished = path.with_suffix(path.suffix + ".part")
        size = 0
        try:
            with unfinished.open("wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > ticket.size:
                        return PlainTextResponse("EntityTooLarge", 400)
                    file.write(chunk)
            if size != ticket.size:
                return PlainTextResponse("IncompleteBody", 400)
            unfinished.replace(path)
        except ClientDisconnect:
            return PlainTextResponse("RequestTimeout", 400)
        finally:
            unfinished.unlink(missing_ok=True)
        del self._tickets[ticket.name]
        return Response(status_code=200)

    async def get(self, request: Request) -> Response:
        """Serves an uploaded file while it lives."""
        (vendor, name) = (request.path_params["vendor"], request.path_params["name"])
        if vendor not in set(Vendor) or name != Path(name).name:
            return PlainTextResponse("Not Found", 404)
        path = self._settings.uploads / vendor / name
        lifetime = LIFETIME_SECONDS if vendor == Vendor.APIFRAME else self._settings.wavespeed_retention_seconds
        if not path.is_file() or self._clock() > path.stat().st_mtime + lifetime:
            return PlainTextResponse("Not Found", 404)
        return FileResponse(path, media_type=mimetypes.guess_type(name)[0])

    async def _keep_form(self, request: Request) -> Response:
        announced = request.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > MAX_IMAGE_BYTES + _FRAME_BYTES:
            return _invalid("File too large (max 25 MB)")
        if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
            return _invalid("Expected multipart/form-data")
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                return _invalid("No file provided")
            if (file.size or 0) > MAX_IMAGE_BYTES:
                return _invalid("File too large (max 25 MB)")
            content_type = sniffed_type(await file.read(16))
            if content_type is None:
                return _invalid("Unsupported file type")
            await file.seek(0)
            upload_id = str(uuid.uuid4())
            name = upload_id + (mimetypes.guess_extension(content_type) or "")
            with (self._settings.uploads / Vendor.APIFRAME / name).open("wb") as kept:
                while chunk := await file.read(_CHUNK_BYTES):
                    kept.write(chunk)
            body: dict[str, JsonValue] = {
                "id": upload_id,
                "url": f"{base_url_of(request, self._settings)}/cdn/uploads/{Vendor.APIFRAME}/{name}",
                "kind": "image",
                "contentType": content_type,
                "byteSize": file.size or 0,
                "expiresAt": timestamp(self._clock() + LIFETIME_SECONDS),
            }
            return JSONResponse(body, 201)

    def _promise(self, wanted: UploadTicketRequest, request: Request) -> Response:
        suffix = mimetypes.guess_extension(wanted.content_type) or Path(wanted.filename).suffix
        ticket = _Ticket(name=uuid.uuid4().hex + suffix, size=wanted.size, token=secrets.token_urlsafe(24))
        self._tickets[ticket.name] = ticket
        url = f"{base_url_of(request, self._settings)}/cdn/uploads/{Vendor.WAVESPEED}/{ticket.name}"
        data: JsonValue = {
            "upload": {
                "method": "PUT",
                "url": f"{url}?ticket={ticket.token}",
                "headers": {"Content-Type": wanted.content_type},
            },
            "download_url": url,
        }
        return JSONResponse(wavespeed_views.envelope(data))


def sniffed_type(start: bytes) -> str | None:
    """The type of an image by its first 16 bytes, None for anything else."""
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return None


def _invalid(message: str) -> Response:
    return JSONResponse({"error": message, "details": {"file": [message]}}, 400)
