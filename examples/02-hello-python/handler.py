def handle(event, context):
    """Says hello to ?name=, and how it was called."""
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    return {
        "statusCode": 200,
        "body": {"message": "Hello, %s!" % name, "method": event["httpMethod"], "path": event["path"]},
    }
