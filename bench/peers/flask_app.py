"""The protocol as a sub-runtime in Python is usually written: Flask, served by gunicorn."""

import importlib.util
import os

from flask import Flask, jsonify, request

spec = importlib.util.spec_from_file_location("handler", os.environ["SCW_HANDLER_PATH"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
handle = getattr(module, os.environ["SCW_HANDLER_NAME"])

app = Flask(__name__)


@app.post("/")
def call():
    received = request.get_json()
    return jsonify(handle(received["event"], received["context"]))
