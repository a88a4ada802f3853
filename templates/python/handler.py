"""A function that greets the name in the query."""


def handle(event, context):
    name = event["queryStringParameters"].get("name", "world")
    print("greeting", name)
    message = "Hello, %s!" % name
    return {"statusCode": 200, "body": {"message": message, "invocationId": context["invocationId"]}}
