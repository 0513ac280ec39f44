"""The command before the real endpoints over in-memory ports, on a wire that can fail, in time that only it passes."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import httpx
from tests.fakes import InMemoryBooks, InMemoryKeyStore, RecordingEventBus
from tests.unit.dialects.calling import context
from tests.unit.services.test_dead_letters import MemoryOutbox, MemoryQueue
from tests.world import World
from typer.testing import CliRunner, Result

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.dead_letters import DeadLetterRoutes
from stillmotion.dialects.native.orders import Orders
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.spending import Spending
from stillmotion.dialects.native.steps import Steps
from stillmotion.dialects.native.videos import Videos
from stillmotion.dialects.native.views import View
from stillmotion.domain.dead_letters import QueueName
from stillmotion.domain.job.lifecycle import completed
from stillmotion.domain.job.records import Job, Video
from stillmotion.domain.routing import PriceTable
from stillmotion.ports.records import Budget
from stillmotion.ports.vendor import Running, Succeeded
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint
from stillmotion.services.operations.dead_letters import DeadLetters
from stillmotion.services.operations.interventions import Interventions, InterventionSettings
from stillmotion_cli.main import app
from stillmotion_cli.surroundings import Surroundings
from stillmotion_local.failures import StackError
from stillmotion_local.stack_file import StackDescription

API = "https://api.test/stage"
BUDGET = Budget(tenant_dollars=Decimal(5), stack_dollars=Decimal(20))
MOVIE = b"ftypisom" + bytes(range(256)) * 40
LOST = "lost"
"""A fault: the call is carried out, and its answer never arrives."""

Fault = BaseException | int | str


class Stage:
    """`steps` are what happens to the job, one before each look at it; `faults` what goes wrong on the wire, by
    `METHOD path` with the id left out, one for each call; `sent` is every request."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.key, mine = mint("default", world.clock.now())
        self.letters = {QueueName.INBOX: MemoryQueue(), QueueName.ANNOUNCEMENTS: MemoryQueue()}
        self.inbox = MemoryQueue()
        features = (
            Orders(world.submit_call, lambda: world.estimate, View()),
            Videos(world.jobs, world.objects, View()),
            Spending(InMemoryBooks(world.jobs), BUDGET, "default"),
            Steps(self._interventions(), View()),
            DeadLetterRoutes(self._dead_letters, "default"),
        )
        routes = {route: answer for feature in features for route, answer in feature.routes().items()}
        authenticate = Authenticator(InMemoryKeyStore(mine), world.clock)
        self.endpoints = Endpoints(authenticate, routes, show_problem)
        self.environment = {"STILLMOTION_API_URL": API, "STILLMOTION_API_KEY": self.key}
        self.stack: StackDescription | None = None
        self.steps: list[Callable[[], object]] = []
        self.faults: dict[str, list[Fault]] = {}
        self.sent: list[httpx.Request] = []
        self.slept: list[float] = []
        self.while_sleeping: Callable[[], None] | None = None

    def _interventions(self) -> Interventions:
        world = self.world
        return Interventions(
            jobs=world.jobs,
            objects=world.objects,
            vendors=world.vendors,
            parking=world.parking,
            workflow=world.workflow,
            clock=world.clock,
            prices=PriceTable(),
            settings=InterventionSettings(),
        )

    def _dead_letters(self) -> DeadLetters:
        return DeadLetters(
            dead=self.letters,
            inbox=self.inbox,
            outbox=MemoryOutbox(self.world.clock),
            bus=RecordingEventBus(),
            clock=self.world.clock,
            events_kept=timedelta(days=7),
        )

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        """Runs `stillmotion` with these arguments, and with this on its input; only an exit counts as an ending."""
        surroundings = Surroundings(
            environment=self.environment,
            read_stack=self._read_stack,
            transport=httpx.MockTransport(self._answer),
            sleep=self._sleep,
            monotonic=lambda: self.world.clock.now().timestamp(),
            now=self.world.clock.now,
        )
        return CliRunner().invoke(app, list(arguments), input=typed, obj=surroundings, catch_exceptions=False)

    def calls(self, method: str, host: str = "api.test") -> list[httpx.Request]:
        return [request for request in self.sent if request.method == method and request.url.host == host]

    @property
    def orders(self) -> list[httpx.Request]:
        """The POSTs that may cost money."""
        return [request for request in self.calls("POST") if request.url.path.endswith("/videos")]

    # --- what happens to the job ---

    def dispatch(self) -> None:
        self.world.clock.advance(1)
        self.world.dispatch(self.world.jobs.only().id)

    def check(self) -> None:
        self.world.check(self.world.jobs.only().id)

    def finish(self) -> Job:
        """What finalize leaves behind, for a generation that succeeded."""
        job = self.world.jobs.only()
        assert job.generation is not None
        key = f"videos/default/{job.id}/{job.generation.id}.mp4"
        self.world.objects.put("output", key, MOVIE, "video/mp4")
        self.world.clock.advance(1)
        video = Video(
            bucket="output",
            key=key,
            bytes=len(MOVIE),
            sha256=sha256(MOVIE).hexdigest(),
            width=1280,
            height=720,
            duration_milliseconds=5000,
            stored_at=self.world.clock.now(),
        )
        return self.world.jobs.save(completed(job, video, self.world.clock.now()))

    def goes_well(self) -> None:
        """From here the job is dispatched, generates, and is completed."""
        self.world.wavespeed.readings = [
            Running(vendor_status="processing", progress=40),
            Succeeded(vendor_status="completed", video_url="https://cdn.test/1.mp4"),
        ]
        self.steps = [self.dispatch, self.check, self.check, self.finish]

    def completed_job(self, **fields: object) -> Job:
        """A completed job, made without the command."""
        job = self.world.jobs.put(self.world.dispatching(**fields))
        self.goes_well()
        while self.steps:
            self.steps.pop(0)()
        return self.world.jobs.get(job.id) or job

    # --- the wire ---

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.url.host != "api.test":
            return self._faulty(request, request.method, self._store)
        path = request.url.path.removeprefix("/stage")
        found = re.fullmatch(r"(/v1/videos)/([^/]+)(/[a-z]+)?", path)
        plain = f"{found[1]}/{{id}}{found[3] or ''}" if found else path
        route = f"{request.method} {plain}"
        if route == "GET /v1/videos/{id}" and self.steps and not self.faults.get(route):
            self.steps.pop(0)()
        return self._faulty(request, route, lambda sent: self._called(sent, route, found[2] if found else None))

    def _faulty(
        self, request: httpx.Request, name: str, answer: Callable[[httpx.Request], httpx.Response]
    ) -> httpx.Response:
        planned = self.faults.get(name, [])
        fault = planned.pop(0) if planned else None
        match fault:
            case None:
                return answer(request)
            case int(status):
                return httpx.Response(status, json={"message": "Internal Server Error"})
            case str():
                answer(request)
                raise httpx.ReadTimeout("the answer was lost", request=request)
            case _:
                raise fault

    def _called(self, request: httpx.Request, route: str, video_id: str | None) -> httpx.Response:
        event: dict[str, Any] = {
            "routeKey": route,
            "headers": dict(request.headers),
            "pathParameters": {"id": video_id} if video_id else None,
            "queryStringParameters": dict(request.url.params),
            "requestContext": context(route, self.world.clock.now()),
            "isBase64Encoded": False,
            "body": request.content.decode(),
        }
        answer: Any = self.endpoints(event)
        return httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])

    def _store(self, request: httpx.Request) -> httpx.Response:
        bucket, key = request.url.host.removesuffix(".s3.test"), request.url.path.lstrip("/")
        if request.method == "PUT":
            self.world.objects.put(bucket, key, request.content, request.headers["content-type"])
            return httpx.Response(200)
        return httpx.Response(200, content=self.world.objects.body(bucket, key))

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.world.clock.advance(seconds)
        if self.while_sleeping is not None:
            self.while_sleeping()

    def _read_stack(self) -> StackDescription:
        if self.stack is None:
            raise StackError("No local stack is running.", next_step="Start one.")
        return self.stack


def times(count: int, fault: Fault) -> list[Fault]:
    return [fault] * count
