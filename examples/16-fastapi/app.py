"""An application of FastAPI, as it would run behind any ASGI server."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


@asynccontextmanager
async def lifespan(app):
    app.state.items = {"1": Item(name="A lamp", price=12.5)}
    yield
    print("shut down")


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def greet(name: str = "world"):
    return {"message": f"Hello, {name}!"}


@app.get("/items/{item_id}")
async def read(item_id: str):
    if item_id not in app.state.items:
        raise HTTPException(404, "no such item")
    return app.state.items[item_id]


@app.put("/items/{item_id}", status_code=201)
async def write(item_id: str, item: Item):
    app.state.items[item_id] = item
    return item


@app.get("/ticks")
async def ticks(count: int = 3):
    async def events():
        for tick in range(count):
            yield f"data: {tick}\n\n"
            await asyncio.sleep(1)

    return StreamingResponse(events(), media_type="text/event-stream")
