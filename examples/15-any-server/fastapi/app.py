# An application of FastAPI that knows nothing of the core: uvicorn listens where UVICORN_PORT and UVICORN_HOST say.
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/hello")
def hello(name: str = "you"):
    return {"hello": name}


@app.post("/count")
async def count(request: Request):
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return {"bytes": size}
