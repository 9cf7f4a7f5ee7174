"""What the two clients have in common in their use of httpx."""

from __future__ import annotations

import math
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from ._core.actions import BrokenError, Open
from ._core.settings import CONNECT_TIMEOUT

# A stream holds its connection for as long as the model writes, so a bound on connections would be a hidden bound on
# answers at a time: the 101st would just wait.
LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=32)

# Closing goes past httpx's own mapping of errors, so that those of sockets and TLS come through as they are.
CLOSING_FAILURES: Final = (httpx.RequestError, OSError)


def no_cookies() -> CookieJar:
    """Return a jar that takes none: httpx would send a proxy's cookie with every later call, whoever makes it."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def build(http: httpx.Client | httpx.AsyncClient, action: Open) -> httpx.Request:
    """Make the httpx request of an action."""
    request = action.request
    headers = dict(action.headers)
    if request.accept != "application/json":
        headers["Accept-Encoding"] = "identity"  # whoever compresses a stream holds it back
    return http.build_request(
        request.method, action.url, headers=headers, content=request.body, timeout=_timeout(request.timeout)
    )


def _timeout(seconds: float) -> httpx.Timeout:
    if math.isinf(seconds):
        return httpx.Timeout(None, connect=CONNECT_TIMEOUT)
    return httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT))


def expect_silence_of(request: httpx.Request, seconds: float) -> None:
    """Change how long a request whose answer has begun may be silent: httpx takes one time for both parts."""
    timeouts: dict[str, Any] = request.extensions.get("timeout", {})
    timeouts["read"] = None if math.isinf(seconds) else seconds


def broken(error: Exception) -> BrokenError:
    """Tell what an httpx error means, with the error as the cause."""
    if isinstance(error, httpx.ConnectTimeout):
        failure = BrokenError("no connection within the time allowed", timeout=True)
    elif isinstance(error, httpx.TimeoutException):
        failure = BrokenError("the gateway took too long", retryable=False, timeout=True)
    else:
        hopeless = isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.DecodingError)
        text = str(error) or type(error).__name__
        failure = BrokenError(
            f"the connection failed: {text}", retryable=not hopeless and not _is_about_certificates(error)
        )
    failure.__cause__ = error
    return failure


def _is_about_certificates(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
