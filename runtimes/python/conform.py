"""The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md)."""

import json
import time


def handle(event, context):
    if event["isBase64Encoded"]:
        return {"body": event["body"], "isBase64Encoded": True}
    script = json.loads(event["body"])
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
