"""The Python client of an OpenClaw gateway: chat with the assistant, stream its answers, read or delete sessions.

```python
from openclaw import OpenClaw

with OpenClaw(base_url="http://localhost:3000", api_key="your-api-token") as client:
    reply = client.chat(message="Hello, OpenClaw!")
    print(reply.content)
```

`AsyncOpenClaw` has the same methods, to be awaited, on asyncio and trio.

**Errors** are drawn as a tree in `openclaw.errors`.

**Retries.** A call that was answered 429 or 503, or that found or kept no connection, is tried again: twice by default,
after half a second and then a second (a quarter more or less), or after the time that the gateway names; where that is
over a minute the error is raised at once. Sending a message again is safe, because each try of a POST carries the same
Idempotency-Key. Nothing else is tried again: a 502 in particular says that the gateway has tried its other models.

**Streams** that break are taken up again at the event after the last one received, without a second message being sent.
"""

from . import errors, models
from ._async import AsyncMessages, AsyncOpenClaw, AsyncSessions, AsyncStream
from ._core.operations import OnDisconnect
from ._core.settings import Hooks, RequestInfo, ResponseInfo, RetryInfo
from ._sync import Messages, OpenClaw, Sessions, Stream
from ._version import __version__
from .errors import *  # noqa: F403
from .models import *  # noqa: F403

__all__ = [
    "AsyncMessages",
    "AsyncOpenClaw",
    "AsyncSessions",
    "AsyncStream",
    "Hooks",
    "Messages",
    "OnDisconnect",
    "OpenClaw",
    "RequestInfo",
    "ResponseInfo",
    "RetryInfo",
    "Sessions",
    "Stream",
    "__version__",
    "errors",
    "models",
]
__all__ += errors.__all__
__all__ += models.__all__
