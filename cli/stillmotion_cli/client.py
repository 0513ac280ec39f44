"""A typed client of the API, and of the store of files that it points to.

Every call is safe to repeat: reads are reads, an upload writes one key, and the POST that may cost money carries an
Idempotency-Key. So each is repeated when its answer is lost. The API's key goes to the API only: signed URLs need
none, and S3 refuses a call with both.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from stillmotion_cli.address import KEY_VARIABLE, URL_VARIABLE, Address
from stillmotion_cli.failures import NoAnswer, Refused
from stillmotion_cli.key_records import Key, Keys
from stillmotion_cli.operations_records import Letters, Replayed, RetryEstimate
from stillmotion_cli.records import Answer, Estimate, Listing, Ticket, Video
from stillmotion_cli.spend_records import Spend
from stillmotion_cli.webhook_records import Deliveries, Delivery, Webhook, WebhookSecret

TRIES = 4
MAX_RETRY_AFTER_SECONDS = 30
PASSING = frozenset({429, 500, 502, 503, 504})
# API Gateway gives up on a function after 30 s and says so itself.
API_TIMEOUT = httpx.Timeout(35.0, connect=10.0)
# Between two pieces of a file, not for the whole of it.
STORE_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

NEXT_STEPS: Mapping[str, str] = {
    "video_not_found": "`stillmotion jobs` lists those that there are.",
    "key_not_found": "`stillmotion keys list` shows those that there are.",
    "delivery_not_found": "`stillmotion webhooks deliveries` lists those that there are.",
}
"""What to do about a refusal that does not say so itself, by its code."""

Value = TypeVar("Value")


class Client:
    """Calls one API. Raises Refused for what the API refuses, NoAnswer where it gives no answer."""

    def __init__(
        self, address: Address, *, transport: httpx.BaseTransport | None, sleep: Callable[[float], None]
    ) -> None:
        self._address = address
        self._sleep = sleep
        # A proxy is for the world outside: a stack on this machine cannot be seen from it.
        from_environment = not address.is_local
        self._api = httpx.Client(
            headers={"authorization": f"Bearer {address.key}", "accept": "application/json"},
            timeout=API_TIMEOUT,
            transport=transport,
            trust_env=from_environment,
        )
        self._store = httpx.Client(
            timeout=STORE_TIMEOUT, transport=transport, trust_env=from_environment, follow_redirects=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()
        self._store.close()

    def create(self, body: Mapping[str, object], idempotency_key: str) -> Answer[Video]:
        """Orders a video. Repeated with the same key, it is the same order."""
        content = msgspec.json.encode(body)
        headers = {"idempotency-key": idempotency_key, "content-type": "application/json"}
        return self._read(self._call("POST", "/v1/videos", content=content, headers=headers), Video)

    def estimate(self, body: Mapping[str, object]) -> Answer[Estimate]:
        """What an order would come to. Orders nothing."""
        content = msgspec.json.encode({**body, "dry_run": True})
        headers = {"content-type": "application/json"}
        return self._read(self._call("POST", "/v1/videos", content=content, headers=headers), Estimate)

    def retrieve(self, video_id: str, *, tries: int = TRIES) -> Answer[Video]:
        """One video with its whole record."""
        return self._read(self._call("GET", f"/v1/videos/{quote(video_id, safe='')}", tries=tries), Video)

    def listing(self, limit: int, after: str | None = None) -> Answer[Listing]:
        """At most `limit` (1 to 100) videos, newest first, from behind the cursor `after`."""
        query = {"limit": str(limit)} | ({"after": after} if after is not None else {})
        return self._read(self._call("GET", "/v1/videos", params=query), Listing)

    def spend(self, days: int, *, everybody: bool) -> Answer[Spend]:
        """What was spent on the last `days` (1 to 92) days: by the key's tenant, or by all."""
        query = {"days": str(days), "scope": "stack" if everybody else "tenant"}
        return self._read(self._call("GET", "/v1/spend", params=query), Spend)

    def operate(self, video_id: str, step: str, body: Mapping[str, object]) -> Answer[Video]:
        """One of cancel, retry, redrive and resolve; with the `run` that was seen, a repetition does nothing more."""
        return self._read(self._post(f"/v1/videos/{quote(video_id, safe='')}/{step}", body), Video)

    def retry_estimate(self, video_id: str) -> Answer[RetryEstimate]:
        """What a retry would come to. Orders nothing."""
        return self._read(self._post(f"/v1/videos/{quote(video_id, safe='')}/retry", {"dry_run": True}), RetryEstimate)

    def dead_letters(self) -> Answer[Letters]:
        """What the stack could not handle."""
        return self._read(self._call("GET", "/v1/dead-letters"), Letters)

    def replay_dead_letters(self, body: Mapping[str, object]) -> Answer[Replayed]:
        """Handles dead letters of a `queue` again; twice does no harm."""
        return self._read(self._post("/v1/dead-letters/replay", body), Replayed)

    def keys(self) -> Answer[Keys]:
        """All the keys that this one manages, newest first; as many calls as they fill pages."""
        found: list[Key] = []
        shown: list[object] = []
        query = {"limit": "100"}
        while True:
            page = self._read(self._call("GET", "/v1/keys", params=query), Keys)
            found += page.value.data
            shown += page.raw["data"]
            if page.value.next is None:
                return Answer(Keys(data=tuple(found)), {**page.raw, "data": shown})
            query["after"] = page.value.next

    def create_key(self, wish: Mapping[str, object]) -> Answer[Key]:
        """Makes a key. Sent once: each time makes another."""
        return self._read(self._post("/v1/keys", wish, tries=1), Key)

    def revoke_key(self, key_id: str) -> Answer[Key]:
        """Ends a key."""
        return self._read(self._post(f"/v1/keys/{quote(key_id, safe='')}/revoke", {}), Key)

    def rotate_key(self, key_id: str, grace_seconds: int) -> Answer[Key]:
        """Makes the key that takes another's place. Sent once: the second time there is nothing left to rotate."""
        body = {"grace_seconds": grace_seconds}
        return self._read(self._post(f"/v1/keys/{quote(key_id, safe='')}/rotate", body, tries=1), Key)

    def webhook(self) -> Answer[Webhook]:
        """Where the key's tenant is told of its jobs."""
        return self._read(self._call("GET", "/v1/webhooks"), Webhook)

    def set_webhook(self, url: str | None) -> Answer[Webhook]:
        """Says where; None for nowhere."""
        headers = {"content-type": "application/json"}
        put = self._call("PUT", "/v1/webhooks", content=msgspec.json.encode({"url": url}), headers=headers)
        return self._read(put, Webhook)

    def webhook_secret(self) -> Answer[WebhookSecret]:
        """What the tenant's webhooks are signed with."""
        return self._read(self._call("GET", "/v1/webhooks/secret"), WebhookSecret)

    def deliveries(self, limit: int, after: str | None = None) -> Answer[Deliveries]:
        """At most `limit` (1 to 100) deliveries, newest first, from behind the id `after`."""
        query = {"limit": str(limit)} | ({"after": after} if after is not None else {})
        return self._read(self._call("GET", "/v1/webhooks/deliveries", params=query), Deliveries)

    def replay_delivery(self, delivery_id: str) -> Answer[Delivery]:
        """Delivers once more. Sent once: the second time it is on its way already."""
        path = f"/v1/webhooks/deliveries/{quote(delivery_id, safe='')}/replay"
        return self._read(self._post(path, {}, tries=1), Delivery)

    def upload(self, image: bytes, media_type: str) -> str:
        """Puts an image into the input bucket; gives the address to name it by."""
        content = msgspec.json.encode({"content_type": media_type, "bytes": len(image)})
        headers = {"content-type": "application/json"}
        ticket = self._read(self._call("POST", "/v1/uploads", content=content, headers=headers), Ticket).value
        put = self._store.build_request("PUT", ticket.upload.url, content=image, headers=ticket.upload.headers)
        answer = self._patiently(lambda: self._store.send(put), "The input bucket")
        if not answer.is_success:
            raise NoAnswer(f"The input bucket did not take the image: it answered {answer.status_code}.")
        return ticket.image

    @contextmanager
    def content(self, video_id: str) -> Iterator[Iterator[bytes]]:
        """The bytes of a completed video, once: a stream that breaks raises NoAnswer."""
        answer = self._call("GET", f"/v1/videos/{quote(video_id, safe='')}/content")
        place = answer.headers.get("location")
        if not answer.is_redirect or place is None:
            raise NoAnswer(f"The API did not say where the video is: it answered {answer.status_code}.")
        try:
            with self._store.stream("GET", place) as stream:
                if not stream.is_success:
                    raise NoAnswer(f"The output bucket did not give the video: it answered {stream.status_code}.")
                yield stream.iter_bytes()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer(f"The download of the video broke: {_fault(error)}.") from error

    def _post(self, path: str, body: Mapping[str, object], *, tries: int = TRIES) -> httpx.Response:
        headers = {"content-type": "application/json"}
        return self._call("POST", path, content=msgspec.json.encode(body), headers=headers, tries=tries)

    def _call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        tries: int = TRIES,
    ) -> httpx.Response:
        url = self._address.url + path
        request = self._api.build_request(method, url, content=content, headers=headers, params=params)
        answer = self._patiently(lambda: self._api.send(request), f"The API at {self._address.url}", tries)
        if answer.is_error:
            raise _refusal(answer, self._address)
        return answer

    def _patiently(self, send: Callable[[], httpx.Response], who: str, tries: int = TRIES) -> httpx.Response:
        """Sends until there is an answer that will not pass by itself. Raises NoAnswer when there is none."""
        never_sent = True
        for number in range(1, tries + 1):
            wait = 2.0 ** (number - 1)
            try:
                answer = send()
            except httpx.HTTPError as error:
                never_sent &= isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                message = f"{who} does not answer: {_fault(error)}."
            else:
                if answer.status_code not in PASSING:
                    return answer
                never_sent = False
                message = f"{who} answered {answer.status_code}."
                wait = max(wait, _retry_after(answer))
            if number < tries:
                self._sleep(wait)
        hint = "Is the local stack up? `stillmotion local up` starts it." if self._address.is_local else ""
        raise NoAnswer(message, next_step=hint, never_sent=never_sent)

    def _read(self, answer: httpx.Response, kind: type[Value]) -> Answer[Value]:
        try:
            return Answer(msgspec.json.decode(answer.content, type=kind), _json_object(answer))
        except msgspec.DecodeError as error:
            raise NoAnswer(
                f"{self._address.url} answered something else than Stillmotion's API does: {error}.",
                next_step="Check the address, and that this command and the stack are of the same version.",
            ) from error


def _json_object(answer: httpx.Response) -> dict[str, Any]:
    return msgspec.json.decode(answer.content, type=dict[str, Any])


def _fault(error: Exception) -> str:
    return str(error) or type(error).__name__


def _retry_after(answer: httpx.Response) -> int:
    """Seconds; the form with a date counts as none."""
    seconds = answer.headers.get("retry-after", "")
    return min(int(seconds), MAX_RETRY_AFTER_SECONDS) if seconds.isdecimal() else 0


def _refusal(answer: httpx.Response, address: Address) -> Refused:
    """The refusal in problem details, or in what a gateway, or some other server, says in their place."""
    try:
        body = _json_object(answer)
    except msgspec.DecodeError:
        body = {}
    status = answer.status_code
    match body:
        case {"error": {"code": "invalid_api_key"}}:
            return _wrong_key(status, address)
        case {"detail": str(detail), "errors": list(errors), "error": {"code": str(code)}}:
            fields = tuple((str(error["field"]), str(error["rule"])) for error in errors)
            return Refused(status, code, detail, fields, next_step=NEXT_STEPS.get(code, ""))
        case {"message": str(message)}:
            said = f"The API answered {status}: {message}."
            return Refused(status, "", said, next_step=_elsewhere(status, address))
        case _:
            return Refused(status, "", f"The API answered {status}.", next_step=_elsewhere(status, address))


def _wrong_key(status: int, address: Address) -> Refused:
    if not address.is_named:
        step = "Start it again: `stillmotion local down`, then `stillmotion local up --detach`."
        return Refused(status, "invalid_api_key", "The local stack does not take its own key.", next_step=step)
    return Refused(
        status,
        "invalid_api_key",
        f"The API does not take the key in {KEY_VARIABLE}: it is mistyped, revoked, expired, or another stack's.",
        next_step="`stillmotion keys list`, with an admin key, shows the good ones; `stillmotion keys bootstrap"
        " --stack NAME` makes one of a deployed stack.",
    )


def _elsewhere(status: int, address: Address) -> str:
    """What to do where an answer is not in Stillmotion's form."""
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE or not address.is_named:
        return ""
    return f"Is {address.url} a Stillmotion API? Give {URL_VARIABLE} its URL without /v1."
