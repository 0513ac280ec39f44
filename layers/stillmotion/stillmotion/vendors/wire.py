"""One HTTP exchange with a vendor: a fresh connection, bounded times and bytes, and what a failure proves.

There is no client around the transport: a client follows redirects, keeps cookies, obeys proxies of the environment and
logs URLs.

    SendFailed
    ├── NeverConnected   proven: no byte of the request left
    ├── NoAnswer         the request may have been received; no whole answer came back
    └── KeyUnusable      there is no key that could be sent, so nothing was
"""

import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing

import httpcore
import httpx

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.egress.deadlines import Deadline, TimedNetwork
from stillmotion.egress.transport import NetworkTransport
from stillmotion.errors import Misconfigured
from stillmotion.ports import StoreError
from stillmotion.ports.egress import FetchFailed
from stillmotion.ports.vendor import Envelope, NotSent, ReadFailed, Refused, Unanswered
from stillmotion.vendors.answers import Answer, decoded, plain, retry_after_seconds

# For a whole exchange, however its bytes drip: below the 60 s of the dispatch function, so that it is ended here, where
# its outcome can be written down, and not by Lambda.
EXCHANGE_SECONDS = 50.0
# For a whole read of a status: below the 29 s and 30 s of the functions that read one, which then look again.
STATUS_SECONDS = 20.0
# TCP, then TLS: either is a matter of milliseconds with a vendor that is there at all.
CONNECT_SECONDS = 5.0
# Both vendors queue and answer at once.
READ_SECONDS = 30.0
# For each piece that goes out: bodies are small, and an image is uploaded in many pieces.
WRITE_SECONDS = 10.0
MAX_ANSWER_BYTES = 1_000_000
# A shorter key could be part of an ordinary word.
MIN_KEY_LENGTH_TO_HIDE = 8

_ALWAYS: Mapping[str, str] = {
    "User-Agent": "stillmotion",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
}

_NOT_PUBLIC = "The vendor named an upload URL that is no https address (port 443, no user info) of the public internet."

Files = Mapping[str, tuple[str, bytes, str]]
"""Multipart fields: name of the field → (file name, bytes, media type)."""
Network = Callable[[Deadline], httpcore.NetworkBackend]
"""What connects, until a deadline."""


class SendFailed(Exception):
    """An exchange came to nothing; the message is fit for a record."""


class NeverConnected(SendFailed):
    """Proven: no byte of the request left."""


class NoAnswer(SendFailed):
    """The request may have been received; no whole answer came back."""


class KeyUnusable(SendFailed):
    """There is no key that could be sent, so nothing was."""


class Wire:
    """One vendor's address and key.

    `api_key` is called for each exchange, so that a rotated key is taken up; what it gives is kept nowhere else.
    Each exchange is over within `exchange_seconds`, and a `get` within `status_seconds`.
    Raises Misconfigured for a base URL that is none.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Callable[[], str],
        *,
        key_header: str,
        key_prefix: str = "",
        transport: httpx.BaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
        exchange_seconds: float = EXCHANGE_SECONDS,
        status_seconds: float = STATUS_SECONDS,
    ) -> None:
        self._base_url = _checked(base_url)
        self._api_key = api_key
        self._key_header = key_header
        self._key_prefix = key_prefix
        self._transport = transport
        self._ssl_context = ssl_context
        self._exchange_seconds = exchange_seconds
        self._status_seconds = status_seconds

    def submit(
        self, envelope: Envelope, headers: Mapping[str, str], *, resendable: bool
    ) -> Answer | Refused | NotSent | Unanswered:
        """POSTs an envelope, byte for byte and once: the vendor's answer, or what the lack of one proves."""
        sent = {"Content-Type": "application/json", **headers}
        try:
            return self._exchange("POST", envelope.path, sent, content=envelope.body.encode())
        except KeyUnusable as error:
            return Refused(failure=Failure(FailureKind.UNAUTHORIZED, str(error)))
        except NeverConnected as error:
            return NotSent(str(error))
        except NoAnswer as error:
            return Unanswered(detail=str(error), resendable=resendable)

    def get(self, path: str) -> Answer:
        """A GET, whatever its status. Raises ReadFailed when no answer comes."""
        return self._ask("GET", path)

    def post(self, path: str, *, content: bytes | None = None, files: Files | None = None) -> Answer:
        """A POST of JSON or of files that costs nothing, whatever its status. Raises ReadFailed."""
        return self._ask("POST", path, content=content, files=files)

    def put(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """A PUT to an address that the vendor named, without the vendor's key. Raises ReadFailed.

        The rules are those of videos (`egress.addresses`); where the vendor itself is, its storage may be too.
        """
        # Few stacks hand images over, and all pay for what is imported above.
        from stillmotion.egress.addresses import AddressRules, ForbiddenAddress  # noqa: PLC0415
        from stillmotion.egress.client import GuardedNetwork, resolve  # noqa: PLC0415

        try:
            target = AddressRules(local_origins=[self._base_url]).target(url)
            request = _request("PUT", url, headers, content=content)
        except ForbiddenAddress as error:
            raise ReadFailed(FailureKind.UNAVAILABLE, _NOT_PUBLIC) from error
        except (ValueError, TypeError) as error:
            raise ReadFailed(FailureKind.UNAVAILABLE, "The vendor named headers that no upload can have.") from error

        def guarded(deadline: Deadline) -> httpcore.NetworkBackend:
            return GuardedNetwork(target, resolve, deadline, httpcore.SyncBackend())

        try:
            return self._carry(request, "", self._exchange_seconds, guarded)
        except FetchFailed as error:
            raise ReadFailed(FailureKind.UNAVAILABLE, f"The vendor named an upload URL: {error}.") from error
        except SendFailed as error:
            raise ReadFailed(FailureKind.UNAVAILABLE, str(error)) from error

    def _ask(self, method: str, path: str, *, content: bytes | None = None, files: Files | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            return self._exchange(method, path, headers, content=content, files=files)
        except KeyUnusable as error:
            raise ReadFailed(FailureKind.UNAUTHORIZED, str(error)) from error
        except SendFailed as error:
            raise ReadFailed(FailureKind.UNAVAILABLE, str(error)) from error

    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        content: bytes | None = None,
        files: Files | None = None,
    ) -> Answer:
        key = self._key()
        signed = {**headers, self._key_header: self._key_prefix + key}
        seconds = self._status_seconds if method == "GET" else self._exchange_seconds
        return self._carry(_request(method, self._base_url + path, signed, content=content, files=files), key, seconds)

    def _carry(self, request: httpx.Request, key: str, seconds: float, network: Network = TimedNetwork) -> Answer:
        with ExitStack() as opened:
            transport = self._transport
            if transport is None:
                transport = NetworkTransport(self._context(request.url.scheme), network(Deadline(seconds)))
                opened.callback(transport.close)
            try:
                response = opened.enter_context(closing(transport.handle_request(request)))
                body = _bounded(response)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise NeverConnected(f"No connection was made: {_named(error, key)}") from error
            except httpx.RequestError as error:
                raise NoAnswer(f"No answer came back: {_named(error, key)}") from error
        return Answer(
            status=response.status_code,
            document=decoded(_without(key, body.decode("utf-8-sig", "replace"))),
            retry_after=retry_after_seconds(response.headers),
        )

    def _key(self) -> str:
        try:
            key = self._api_key().strip()
        except Misconfigured as error:
            raise KeyUnusable(str(error)) from error
        except StoreError as error:
            raise NeverConnected("The vendor's key could not be fetched.") from error
        if not key or not key.isascii() or not key.isprintable():
            raise KeyUnusable("The vendor's key is empty, or holds characters that no key has.")
        return key

    def _context(self, scheme: str) -> ssl.SSLContext:
        if scheme != "https":
            # Never used, and free to make: reading the trusted roots takes 40 ms.
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._ssl_context is None:
            self._ssl_context = httpx.create_ssl_context()
        return self._ssl_context


def _checked(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise Misconfigured("A vendor's base URL is not a URL.") from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        raise Misconfigured("A vendor's base URL must be http(s)://host[:port][/path], with nothing else in it.")
    return base_url.rstrip("/")


def _request(
    method: str, url: str, headers: Mapping[str, str], *, content: bytes | None = None, files: Files | None = None
) -> httpx.Request:
    merged = httpx.Headers(_ALWAYS)
    merged.update(headers)
    timeout = httpx.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS, write=WRITE_SECONDS, pool=CONNECT_SECONDS)
    return httpx.Request(
        method, url, headers=merged, content=content, files=files, extensions={"timeout": timeout.as_dict()}
    )


def _bounded(response: httpx.Response) -> bytes:
    """The body; empty when it is too large to be an answer, as its status may still say enough."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return b""
    return bytes(body)


def _named(error: httpx.RequestError, key: str) -> str:
    return plain(_without(key, f"{type(error).__name__}: {error}"))


def _without(key: str, text: str) -> str:
    """A vendor that quotes the key it was sent must not put it into a record."""
    return text.replace(key, "[key]") if len(key) >= MIN_KEY_LENGTH_TO_HIDE else text
