import json
import os


def handle(event, context):
    task = json.loads(event["body"] or "{}").get("task", "nothing")
    key = "with" if os.environ.get("REPORT_KEY") else "without"
    print(f"report: {task}, {key} a key")
    return {"body": {"task": task, "greeting": os.environ["GREETING"]}}
