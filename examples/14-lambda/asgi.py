"""An ASGI app, which Mangum makes a function of. FastAPI and Starlette apps are the same."""

from urllib.parse import parse_qs

from mangum import Mangum


async def app(scope, receive, send):
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    name = parse_qs(scope["query_string"].decode()).get("name", ["stranger"])[0]
    reply = body if scope["method"] == "POST" else f"Hello, {name}!".encode()
    headers = [(b"content-type", b"application/octet-stream" if body else b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    await send({"type": "http.response.start", "status": 201 if body else 200, "headers": headers})
    await send({"type": "http.response.body", "body": reply})


handler = Mangum(app, lifespan="off")
