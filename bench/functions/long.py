def handle(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "x" * int(event["body"] or 10)}
