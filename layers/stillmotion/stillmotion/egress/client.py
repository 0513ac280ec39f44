"""One exchange with an address that others named, which is checked where it is connected to.

httpcore is used below httpx, for its network backend is the one place where an address can be checked and connected to
in one step: the name is resolved once, and what was checked is what is connected to, so a name that resolves to
something else a moment later gains nothing. TLS still verifies the name. No proxy of the environment comes between.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.hosts import IpAddress, is_public, literal
from stillmotion.egress.addresses import Target
from stillmotion.egress.deadlines import Deadline, TimedStream
from stillmotion.ports.egress import FetchFailed

Resolve = Callable[[str], Sequence[IpAddress]]

MAX_ADDRESSES = 4
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def resolve(host: str) -> list[IpAddress]:
    """The addresses of a name, of the families that this machine has. Raises OSError."""
    found = socket.getaddrinfo(
        host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_ADDRCONFIG
    )
    return [ip_address(address[0]) for *_, address in found]


def within(seconds: float, look_up: Callable[[], Sequence[IpAddress]]) -> Sequence[IpAddress]:
    """What a look-up gives, if it does so in time. Raises TimeoutError, and whatever OSError it raises.

    The look-up of a name cannot be interrupted, only be left alone: whoever answers for a name may be slow on purpose.
    """
    answers: SimpleQueue[Sequence[IpAddress] | OSError | ValueError] = SimpleQueue()

    def look() -> None:
        try:
            answers.put(look_up())
        except (OSError, ValueError) as error:
            answers.put(error)

    Thread(target=look, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty as error:
        raise TimeoutError("the name was not looked up in time") from error
    if isinstance(answer, (OSError, ValueError)):
        raise answer
    return answer


class GuardedClient:
    """Makes exchanges, each over a connection of its own, and follows no redirect.

    `trust` gives the TLS context, when a first https connection needs it.
    """

    def __init__(
        self, trust: Callable[[], ssl.SSLContext], resolve: Resolve, network: httpcore.NetworkBackend | None
    ) -> None:
        self._trust = trust
        self._resolve = resolve
        self._network = network

    @contextmanager
    def exchange(
        self,
        method: str,
        target: Target,
        deadline: Deadline,
        *,
        headers: Sequence[tuple[str, str]],
        timeout: Mapping[str, float],
        content: bytes | None = None,
        resolve_in_time: bool = True,
    ) -> Iterator[httpcore.Response]:
        """The answer, whose body is still to be read. `timeout` has the seconds of each step.

        With `resolve_in_time`, the look-up of the name is within the deadline, too. Raises FetchFailed for an address
        that may not be connected to, and the errors of httpcore.
        """

        def within_deadline(host: str) -> Sequence[IpAddress]:
            return within(deadline.within(None, httpcore.ConnectTimeout), lambda: self._resolve(host))

        network = GuardedNetwork(
            target,
            within_deadline if resolve_in_time else self._resolve,
            deadline,
            self._network or httpcore.SyncBackend(),
        )
        pool = httpcore.ConnectionPool(
            ssl_context=self._trust() if target.scheme == "https" else None, max_connections=1, network_backend=network
        )
        address = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        sending = pool.stream(method, address, headers=headers, content=content, extensions={"timeout": dict(timeout)})
        with closing(pool), sending as response:
            yield response


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to one target: to an address that it has checked itself, and until the deadline."""

    def __init__(self, target: Target, resolve: Resolve, deadline: Deadline, network: httpcore.NetworkBackend) -> None:
        self._target = target
        self._resolve = resolve
        self._deadline = deadline
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host):
            within = self._deadline.within(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._network.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str) -> list[str]:
        """Every address of the host, the same way for a name as for an address that is written as one."""
        address = literal(host)
        try:
            addresses = self._resolve(host) if address is None else [address]
        except (OSError, ValueError) as error:
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} has no address") from error
        if not self._target.local and not all(is_public(address) for address in addresses):
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} is not on the public internet")
        return [str(address) for address in addresses[:MAX_ADDRESSES]]


def header(response: httpcore.Response, name: bytes) -> str | None:
    """The first value of a header; None where there is none."""
    values = [value for key, value in response.headers if key.lower() == name]
    return values[0].decode("latin-1") if values else None
