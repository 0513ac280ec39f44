"""Apiframe v2, offline: keys, credits, the list of jobs, the catalogue and uploads."""

import base64
import binascii
import json
import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stillmotion_local.vendors import apiframe_views
from stillmotion_local.vendors.access import same_secret
from stillmotion_local.vendors.apiframe_requests import CREDITS, details_of
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.generations import Generation, Vendor
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.settings import VendorsSettings

_NAMESPACE = uuid.UUID("7d0f6a3e-8f0e-4f0b-9a51-3f1f6c1d9b10")

Position = tuple[float, str]


class JobsQuery(BaseModel):
    """The query of `GET /v2/jobs`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    status: Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"] | None = None
    model: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = None
    search: uuid.UUID | None = None
    scope: Literal["user", "team"] = "user"


class ModelsQuery(BaseModel):
    """The query of `GET /v2/models`."""

    modality: Literal["image", "video", "music"] | None = None


class ApiframeAccount:
    """The caller's account and what can be read about it."""

    def __init__(self, *, ledger: Ledger, settings: VendorsSettings, clock: Clock) -> None:
        """Wires the routes."""
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/v2/jobs", self.jobs, methods=["GET"]),
            Route("/v2/me", self.me, methods=["GET"]),
            Route("/v2/models", self.models, methods=["GET"]),
        ]

    def refusal(self, request: Request) -> Response | None:
        """401 for a missing or wrong `X-API-Key`, None for the right one."""
        key = request.headers.get("X-API-Key")
        if key is None:
            return JSONResponse({"error": "Missing API key"}, 401)
        if not same_secret(key, self._settings.apiframe_key):
            return JSONResponse({"error": "Invalid API key"}, 401)
        return None

    def credits(self) -> int:
        """What is left of the credits that the account began with."""
        account = self._ledger.account(Vendor.APIFRAME)
        return self._settings.apiframe_credits - int(account.billed - account.refunded)

    async def jobs(self, request: Request) -> Response:
        """`GET /v2/jobs`: newest first, by cursor on (createdAt, id), without inputs."""
        if (refusal := self.refusal(request)) is not None:
            return refusal
        try:
            query = JobsQuery.model_validate(dict(request.query_params))
            after = _position(query.cursor) if query.cursor else None
        except ValidationError as error:
            return JSONResponse({"error": "Validation failed", "details": details_of(error)}, 400)
        except (ValueError, binascii.Error):
            return JSONResponse({"error": "Validation failed", "details": {"cursor": ["Invalid cursor"]}}, 400)
        found = [job for job in self._ledger.of_vendor(Vendor.APIFRAME) if _matches(job, query, after)]
        page = found[: query.limit]
        more = len(found) > len(page)
        now = self._clock()
        return JSONResponse(
            {
                "jobs": [apiframe_views.job(job, self._settings, now, with_input=False) for job in page],
                "nextCursor": _cursor(page[-1]) if more else None,
                "hasMore": more,
            }
        )

    async def me(self, request: Request) -> Response:
        """`GET /v2/me`."""
        if (refusal := self.refusal(request)) is not None:
            return refusal
        key = self._settings.apiframe_key
        body: dict[str, JsonValue] = {
            "user": {
                "id": str(uuid.uuid5(_NAMESPACE, "user")),
                "email": "offline@stillmotion.example",
                "role": "OWNER",
            },
            "team": {
                "id": str(uuid.uuid5(_NAMESPACE, "team")),
                "name": "Offline",
                "credits": max(0, self.credits()),
                "plan": "offline",
                "customerId": None,
            },
            "apiKey": {"id": str(uuid.uuid5(_NAMESPACE, "key")), "name": "offline", "prefix": key[:8]},
        }
        return JSONResponse(body)

    async def models(self, request: Request) -> Response:
        """`GET /v2/models`: public."""
        try:
            query = ModelsQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            return JSONResponse({"error": "Validation failed", "details": details_of(error)}, 400)
        entry = {
            "id": apiframe_views.MODEL,
            "label": "Luma Ray 2 Flash (offline preview)",
            "description": "Renders a camera move over the picture. Not Luma.",
            "modality": "video",
            "pricingMode": "flat",
            "costMin": min(CREDITS.values()),
            "costMax": max(CREDITS.values()),
        }
        return JSONResponse({"models": [entry] if query.modality in {None, "video"} else []})


def _matches(job: Generation, query: JobsQuery, after: Position | None) -> bool:
    return (
        (query.status is None or apiframe_views.status_of(job) == query.status)
        and (query.model is None or query.model == apiframe_views.MODEL)
        and (query.search is None or str(query.search) == job.id)
        and (after is None or (job.accepted_at, job.id) < after)
    )


def _cursor(job: Generation) -> str:
    return base64.urlsafe_b64encode(json.dumps([job.accepted_at, job.id]).encode()).decode()


def _position(cursor: str) -> Position:
    match json.loads(base64.urlsafe_b64decode(cursor.encode())):
        case [float() as accepted_at, str() as job_id]:
            return (accepted_at, job_id)
        case _:
            raise ValueError("not a cursor")
