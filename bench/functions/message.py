def handle(event, context):
    return {"statusCode": 201, "body": {"message": "Executed properly"}}
