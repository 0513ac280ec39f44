"""Whom we trust over TLS: one context for the whole process.

Reading the certificate authorities takes about 50 ms, so it happens once and only when a first https connection needs
it. Every `httpx.Client` of the process may share it: `httpx.Client(verify=trust())`.
"""

import functools
import ssl

import certifi


@functools.cache
def trust() -> ssl.SSLContext:
    """The public certificate authorities, as certifi lists them."""
    return ssl.create_default_context(cafile=certifi.where())


@functools.cache
def distrust() -> ssl.SSLContext:
    """Trusts nobody, and costs nothing to make: for a client that only speaks plain http."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trust_for(url: str) -> ssl.SSLContext:
    """The context that a client of this origin needs."""
    return trust() if url.startswith("https:") else distrust()
