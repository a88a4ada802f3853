"""The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md)."""

import json
import time


def handle(event, context):
    if event.get("isBase64Encoded"):
        return {"body": event["body"], "isBase64Encoded": True}
    script = json.loads(event["body"] if "body" in event else received(event, context))
    todo = script["do"]
    if todo == "return":
        return script["value"]
    if todo == "throw":
        raise Exception(script["message"])
    if todo == "event":
        return event
    if todo == "context":
        return context
    if todo == "header":
        return event["headers"].get(script["name"])
    if todo == "print":
        print(script["line"])
    if todo == "slow":
        time.sleep(script["ms"] / 1000.0)
        return "slow"
    if todo == "read":
        time.sleep(script["ms"] / 1000.0)
        return str(len(context.body.read()))
    if todo == "stream":
        return {"headers": {"Content-Type": "text/plain"}, "body": pieces(script)}


def received(event, context):
    """A script that does not come as the body leaves the body to itself."""
    script = event["queryStringParameters"].get("script")
    return script or context.body.read().decode("utf-8")


def pieces(script):
    try:
        for index in range(script["count"]):
            if index > 0:
                time.sleep(script["ms"] / 1000.0)
            yield script["piece"]
        if "message" in script:
            raise Exception(script["message"])
    finally:
        if "line" in script:
            print(script["line"])
