"""What becomes of an accepted generation: fetch, render, finish, tell. Each is one task of the event loop."""

import asyncio
import hashlib
from pathlib import Path

from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.faults import ActiveFault, Fault
from stillmotion_local.vendors.generations import Failure, FailureCode, Generation, State
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.moves import Concept
from stillmotion_local.vendors.picture_fetching import PictureFetcher, UnfetchablePictureError
from stillmotion_local.vendors.pictures import UnreadablePictureError
from stillmotion_local.vendors.rendering import Renderer, RenderingStoppedError, Scene
from stillmotion_local.vendors.settings import VendorsSettings
from stillmotion_local.vendors.webhooks import WebhookSender

# The share of a generation's time that passes before a machine takes it up.
_QUEUED_SHARE = 0.15
_SLOW_SECONDS = 30.0


_ENDINGS: dict[Fault, tuple[State, int, str]] = {
    Fault.FAILED_TASK: (State.FAILED, 1405, "The task failed"),
    Fault.MODERATED: (State.FAILED, FailureCode.MODERATED, "Content flagged by moderation"),
    Fault.GENERATION_FAILED: (State.FAILED, FailureCode.TASK_FAILED, "Generation failed"),
    Fault.CANCELLED: (State.CANCELLED, FailureCode.TASK_FAILED, "The task was cancelled"),
    Fault.TIMEOUT: (State.TIMED_OUT, FailureCode.TASK_FAILED, "The task timed out"),
}


def ending_of(fault: ActiveFault) -> tuple[State, Failure] | None:
    """How a generation ends by a fault, if that fault ends it."""
    if fault.name not in _ENDINGS or fault.is_wait_timeout:
        return None
    (state, code, message) = _ENDINGS[fault.name]
    failure = Failure(
        code=int(fault.number("code", code)),
        message=fault.word("message", message),
        billed=fault.says_yes("billed"),
    )
    return (state, failure)


class Studio:
    """Carries accepted generations to their end, also those that an earlier run of the server left open."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        fetcher: PictureFetcher,
        renderer: Renderer,
        webhooks: WebhookSender,
        settings: VendorsSettings,
        clock: Clock,
    ) -> None:
        """Starts nothing yet: see `begin` and `resume`."""
        self._ledger = ledger
        self._fetcher = fetcher
        self._renderer = renderer
        self._webhooks = webhooks
        self._settings = settings
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, generation: Generation) -> None:
        """Starts work on a generation that the ledger holds."""
        task = asyncio.get_running_loop().create_task(self._carry_out(generation), name=generation.id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def resume(self) -> None:
        """Goes on with everything that an earlier run accepted and did not finish or tell."""
        for generation in list(self._ledger):
            if not generation.state.is_final or not generation.webhook_settled:
                self.begin(generation)

    async def stop(self) -> None:
        """Abandons all work at once; the ledger knows what is open."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, generation: Generation) -> None:
        try:
            await self._make(generation)
        except (UnfetchablePictureError, UnreadablePictureError) as error:
            message = f"The media URL is not accessible: {error}"
            self._end(generation, State.FAILED, Failure(code=FailureCode.MEDIA_INACCESSIBLE, message=message))
        except RenderingStoppedError:
            return
        if generation.state.is_final:
            await self._webhooks.tell_end(generation)

    async def _make(self, generation: Generation) -> None:
        if generation.state.is_final:
            return
        pace = self._settings.seconds_per_video
        for picture in generation.pictures:
            await self._fetcher.fetch(picture)
        await self._until(generation.accepted_at + _QUEUED_SHARE * pace)
        if generation.state is State.QUEUED:
            generation.state = State.PROCESSING
            generation.started_at = self._clock()
            self._ledger.save(generation)
            await self._webhooks.tell_progress(generation)
        if generation.fault(Fault.STUCK) is not None:
            self._ledger.count_fault(Fault.STUCK, generation.vendor, generation.id)
            return
        ending = self._ending_on_demand(generation)
        video = None if ending else await self._renderer.render(_scene(generation))
        await self._until(generation.accepted_at + pace + self._slowness(generation))
        if ending is not None:
            (state, failure) = ending
            self._end(generation, state, failure)
        elif video is not None:
            await self._complete(generation, video)

    async def _complete(self, generation: Generation, video: Path) -> None:
        content = await asyncio.to_thread(video.read_bytes)
        generation.video = video.name
        generation.video_bytes = len(content)
        generation.video_sha256 = hashlib.sha256(content).hexdigest()
        self._end(generation, State.COMPLETED, None)

    def _end(self, generation: Generation, state: State, failure: Failure | None) -> None:
        """WaveSpeed's troubleshooting page: failed requests are refunded. A fault may say `billed=yes`."""
        generation.state = state
        generation.failure = failure
        generation.refunded = state is not State.COMPLETED and not (failure is not None and failure.billed)
        generation.completed_at = self._clock()
        self._ledger.save(generation)

    def _slowness(self, generation: Generation) -> float:
        fault = generation.fault(Fault.SLOW)
        if fault is None:
            return 0.0
        self._ledger.count_fault(Fault.SLOW, generation.vendor, generation.id)
        return fault.number("seconds", _SLOW_SECONDS)

    def _ending_on_demand(self, generation: Generation) -> tuple[State, Failure] | None:
        for fault in generation.faults:
            ending = ending_of(fault)
            if ending is not None:
                self._ledger.count_fault(fault.name, generation.vendor, generation.id)
                return ending
        if generation.order.loop and generation.order.end_image is not None:
            # Luma itself rejects a loop that is also to end on a given picture.
            message = "loop cannot be combined with an end frame"
            return (State.FAILED, Failure(code=FailureCode.INVALID_PARAMETER, message=message))
        return None

    async def _until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - self._clock()))


def _scene(generation: Generation) -> Scene:
    order = generation.order
    return Scene(
        prompt=order.prompt,
        start_picture=_sha256_of(generation, "start"),
        end_picture=_sha256_of(generation, "end"),
        width=order.width,
        height=order.height,
        duration_seconds=order.duration_seconds,
        concepts=tuple(Concept(concept) for concept in order.concepts),
        loop=order.loop,
        faststart=generation.fault(Fault.VIDEO_TRAILING_INDEX) is None,
    )


def _sha256_of(generation: Generation, role: str) -> str | None:
    return next((picture.sha256 for picture in generation.pictures if picture.role == role), None)
