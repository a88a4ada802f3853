def handle(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": event["body"] or "nothing"}
