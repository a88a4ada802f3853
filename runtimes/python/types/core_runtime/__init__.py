"""Types of what a function of the core runtime gets and returns. The runtime itself needs nothing of this."""

from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Tuple, TypedDict, Union

__all__ = ["Context", "Event", "Handler", "Identity", "Occurrence", "Reply", "RequestContext", "Result", "Trace"]


class Identity(TypedDict):
    """Who sent a request."""

    sourceIp: str
    """Empty when no address sent it."""


class Occurrence(TypedDict):
    """Which occurrence of which schedule an event is."""

    name: str
    occurrence: str
    """When the function was due to run, ISO 8601 in UTC."""


class _RequestContext(TypedDict):
    accountId: str
    resourceId: str
    apiId: str
    resourcePath: str
    authorizer: None
    stage: str
    eventType: str
    httpMethod: str
    path: str
    requestId: str
    identity: Identity


class RequestContext(_RequestContext, total=False):
    """Where an event came from. ``eventType`` is ``http``, ``cron``, or what another trigger calls its events."""

    schedule: Occurrence
    """Only with ``eventType`` ``cron``."""
    message: Dict[str, Any]
    """Only with messages of a broker: ``id``, ``attempt``, and what the broker knows besides."""


class Event(TypedDict):
    """What a function receives: an HTTP request, or a message of another trigger in the form of one."""

    resource: str
    path: str
    """Decoded, not normalised, without the query."""
    httpMethod: str
    headers: Dict[str, str]
    """By name in Title-Case, and found in any case."""
    multiValueHeaders: Dict[str, List[str]]
    queryStringParameters: Dict[str, str]
    """For a key that comes several times, its last value."""
    multiValueQueryStringParameters: Dict[str, List[str]]
    pathParameters: Dict[str, str]
    stageVariables: None
    requestContext: RequestContext
    body: str
    """The body as text; bytes that are not UTF-8 as base64; empty without a body."""
    isBase64Encoded: bool


class Trace(TypedDict, total=False):
    """W3C trace context of a call; empty when the call is not traced."""

    traceparent: str
    tracestate: str


class Context(Protocol):
    """What a function knows about its call: a dict, whose members are attributes as well."""

    functionName: str
    functionVersion: str
    memoryInMb: int
    memoryLimitInMb: int
    invocationId: str
    deadlineMs: int
    """When the answer has to be there, in milliseconds since 1970."""
    trace: Trace
    replay: bool
    """True when a recorded event is run again; otherwise it is absent."""
    body: Any
    """
    With CORE_PROTOCOL=stream the body as it comes; otherwise it is absent. A binary file that is iterated over in pieces; in an
    async handler an async iterable of pieces with coroutines `read(size)` and `read1()`.
    """

    def get_remaining_time_in_millis(self) -> float:
        """Milliseconds that are left until the deadline, at least 0."""
        ...

    def __getitem__(self, name: str) -> Any: ...

    def __contains__(self, name: object) -> bool: ...

    def get(self, name: str, default: Any = None) -> Any: ...


FieldValue = Union[str, int, float, bool]
Fields = Union[Mapping[str, Union[FieldValue, Sequence[Optional[FieldValue]], None]], Sequence[Tuple[str, FieldValue]]]


class Reply(TypedDict, total=False):
    """An answer with a status, headers or a body."""

    statusCode: Union[int, str, None]
    """200 to 599; by default 200."""
    headers: Optional[Fields]
    multiValueHeaders: Optional[Mapping[str, Optional[Sequence[FieldValue]]]]
    cookies: Optional[Sequence[Optional[str]]]
    """A ``Set-Cookie`` for each."""
    body: Any
    """A text or bytes as they are, anything else as JSON."""
    isBase64Encoded: Optional[bool]
    """True: ``body`` is base64, and its bytes are sent."""


Result = Union[Reply, Mapping[str, Any], Sequence[Any], str, bytes, int, float, bool, None]
"""What a function returns. Anything but a reply is itself the body, with status 200; nothing is an empty body."""

Handler = Callable[[Event, Context], Union[Result, Awaitable[Result]]]
