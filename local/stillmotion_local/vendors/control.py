"""The calls under `/_offline`: health, ledger, received POSTs, fault plan, reset. For callers on this machine only."""

from pydantic import JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stillmotion_local.vendors.access import is_loopback
from stillmotion_local.vendors.fault_plan import FaultPlan, PlanDocument
from stillmotion_local.vendors.faults import BadFaultError
from stillmotion_local.vendors.generations import Vendor
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.rendering import Renderer
from stillmotion_local.vendors.studio import Studio


class Control:
    """The routes of the judge."""

    def __init__(self, *, ledger: Ledger, plan: FaultPlan, studio: Studio, renderer: Renderer) -> None:
        """Wires the routes."""
        self._ledger = ledger
        self._plan = plan
        self._studio = studio
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/_offline/health", self.health, methods=["GET"]),
            Route("/_offline/ledger", self.ledger, methods=["GET"]),
            Route("/_offline/requests", self.requests, methods=["GET"]),
            Route("/_offline/faults", self.faults, methods=["GET"]),
            Route("/_offline/faults", self.set_faults, methods=["PUT"]),
            Route("/_offline/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """Says that the server takes calls, and how much is under way."""
        if (refusal := _stranger(request)) is not None:
            return refusal
        running: dict[str, JsonValue] = {vendor.value: self._ledger.running(vendor) for vendor in Vendor}
        return JSONResponse({"status": "ok", "running": running, "rendered": self._renderer.rendered_count})

    async def ledger(self, request: Request) -> Response:
        """Every accepted generation, oldest first, the totals, and each time that a fault took effect.

        `?vendor=` and `?prompt=` narrow the list of generations.
        """
        if (refusal := _stranger(request)) is not None:
            return refusal
        (vendor, prompt) = (request.query_params.get("vendor"), request.query_params.get("prompt"))
        found = [
            {"prompt": generation.request_body.get("prompt"), **generation.model_dump(mode="json")}
            for generation in self._ledger
            if vendor in {None, generation.vendor}
            and (prompt is None or generation.request_body.get("prompt") == prompt)
        ]
        vendors = {vendor: self._ledger.account(vendor).model_dump(mode="json") for vendor in Vendor}
        strikes = [strike.model_dump(mode="json") for strike in self._ledger.strikes]
        told = {"vendors": vendors, "faults": dict(self._ledger.fired), "strikes": strikes, "generations": found}
        return JSONResponse(told)

    async def requests(self, request: Request) -> Response:
        """Every POST received, also refused ones, in order."""
        if (refusal := _stranger(request)) is not None:
            return refusal
        posts = [self._ledger.posts[number].model_dump(mode="json") for number in sorted(self._ledger.posts)]
        return JSONResponse({"requests": posts})

    async def faults(self, request: Request) -> Response:
        """The plan in force, and how often each fault has taken effect."""
        if (refusal := _stranger(request)) is not None:
            return refusal
        document = self._plan.document.model_dump(mode="json")
        return JSONResponse({"plan": document, "fired": dict(self._ledger.fired)})

    async def set_faults(self, request: Request) -> Response:
        """Puts another plan in force."""
        if (refusal := _stranger(request)) is not None:
            return refusal
        try:
            self._plan.replace(PlanDocument.model_validate_json(await request.body()))
        except (ValidationError, BadFaultError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return await self.faults(request)

    async def reset(self, request: Request) -> Response:
        """Abandons all work and forgets generations, POSTs and plan; rendered videos stay, they cost only time."""
        if (refusal := _stranger(request)) is not None:
            return refusal
        await self._studio.stop()
        self._ledger.reset()
        self._plan.replace(PlanDocument())
        return JSONResponse({"status": "reset"})


def _stranger(request: Request) -> Response | None:
    """These calls need no key, so they are for callers on the same machine only."""
    if request.client is not None and is_loopback(request.client.host):
        return None
    return JSONResponse({"error": "only from this machine"}, 403)
