# -*- coding: utf-8 -*-
"""The Python bridge: loads one handler, listens on 127.0.0.1:$SCW_UPSTREAM_PORT and answers POST / with its result.

One file, standard library only, for Python 2.7 and 3.6 and later. Plain handlers run in CORE_CONCURRENCY threads that
wait on the sockets themselves: a call changes threads not once. A handler written with `async def` runs on an asyncio
loop in the main thread. README.md lists what the bridge promises.
"""

from __future__ import print_function

import base64
import errno
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import warnings
import weakref

try:
    from collections.abc import Mapping
except ImportError:
    from collections import Mapping

PY2 = sys.version_info[0] == 2
NOT_LOADED = (
    b"Function Handler does not exist, check that you provided the right HANDLER parameter "
    b"(path to your module with exported function to use)"
)
LINE_MAX_CHARS = 65536
TITLE_MAX_CHARS = 8192
CHANNEL_MAX_BYTES = 8 * 1024 * 1024
HEAD_MAX_BYTES = 256 * 1024
LOOK_S, REST_LOOKS = 0.2, 5  # so many looks without a call, and the process rests
LOOP_CALLS = 100  # that an async handler takes at a time, unless the user has set a number
WRITE_TIMEOUT_S = 60  # a reader that takes longer to take its reply is gone
DEFINED_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect

text_type = type(u"")
clock = getattr(time, "monotonic", time.time)
THIS_FILE = (lambda: None).__code__.co_filename


def main():
    settings = Settings(os.environ)
    channel = Channel(settings.fd) if settings.fd is not None else None
    tag_output(channel)
    signals.hold(channel)
    follow_forks()
    try:
        handler, failure = load_handler(settings.handler_path, settings.handler_name), None
        if is_async(handler):
            library.load_asyncio()
    except BaseException as error:  # sys.exit() in a module is one more way not to load
        end_forked(error)
        handler, failure = None, (error, sys.exc_info()[2])
    end_forked()
    try:
        listener = listen(settings.port)
    except (OSError, socket.error, OverflowError) as error:
        log("core-bridge: cannot listen on 127.0.0.1:%s: %s\n" % (settings.port, error))
        sys.exit(1)

    def report():
        if channel is not None:
            channel.write(load_report(failure, is_async(handler)))
        if failure is not None:
            log_error(failure[0], failure[1], channel, "core-bridge: cannot load the handler: ")

    calls = Calls(handler, channel)
    if is_async(handler):
        serve_on_loop(listener, settings, calls, report)
    else:
        serve_in_threads(listener, settings, calls, report)
    leave(channel)


# Settings


class Settings(object):
    """Reads the environment. The bridge's own names are gone before user code can see them."""

    def __init__(self, env):
        self.port = int(env.get("SCW_UPSTREAM_PORT") or 8081)
        self.handler_path = env.get("SCW_HANDLER_PATH", "")
        self.handler_name = env.get("SCW_HANDLER_NAME") or "handle"
        self.token = env.pop("CORE_BRIDGE_TOKEN", "").encode("latin-1")
        fd = env.pop("CORE_BRIDGE_FD", "")
        self.fd = int(fd) if fd.isdigit() else None
        calls = env.pop("CORE_CALLS_FD", "")
        if calls.isdigit():
            os.close(int(calls))  # it is called over HTTP
        self.threads = max(1, int(env.get("CORE_CONCURRENCY") or 1))
        # A JSON escape makes one byte six; the rest of the event has room beside it.
        self.max_bytes = 6 * int(env.get("SCW_PAYLOAD_MAX_SIZE") or 6291456) + 8 * 1024 * 1024


# Loading


def load_report(failure, is_concurrent):
    report = {"loaded": failure is None, "runtime": "Python %d.%d.%d" % sys.version_info[:3]}
    if is_concurrent:
        report["concurrency"] = LOOP_CALLS
    if failure is not None:
        report["error"] = one_line(failure[0])
    return report


def load_handler(handler_path, handler_name):
    if not handler_path:
        raise ValueError("SCW_HANDLER_PATH is not set")
    path = os.path.abspath(handler_path)
    if not os.path.isfile(path):
        path += ".py"
    if not os.path.isfile(path):
        raise ValueError("no handler file at %s or %s" % (path[:-3], path))
    directory = os.path.dirname(path)
    root = function_root(directory)
    base, folders = package_folders(directory, root)
    search_in(directory, root, base)
    handler = import_handler(path, folders)
    for name in handler_name.split("."):
        handler = getattr(handler, name)
    if not callable(handler):
        raise TypeError("%s in %s is not a function" % (handler_name, path))
    return handler


def function_root(directory):
    """The function's root: the nearest folder, from the handler's upwards, that is marked as one or is the working one."""
    try:
        working = os.getcwd()
    except OSError:
        working = None  # it was deleted
    folder = directory
    while folder != os.path.dirname(folder):
        is_marked = os.path.isdir(os.path.join(folder, "package")) or any(
            os.path.isfile(os.path.join(folder, name)) for name in ("requirements.txt", "pyproject.toml")
        )
        # Anybody may put a file into a folder such as /tmp.
        if is_marked and (folder == directory or not os.stat(folder).st_mode & 0o002):
            return folder
        if os.path.realpath(folder) == working:
            return folder
        folder = os.path.dirname(folder)
    return directory


def package_folders(directory, root):
    """The folder from which the names of packages are counted, and the packages from there to the handler."""
    base = directory
    while is_package(base):
        base = os.path.dirname(base)
    if base.startswith(root + os.sep):
        base = root
    folders, folder = [], directory
    while folder != base:
        folders.insert(0, folder)
        folder = os.path.dirname(folder)
    return base, folders


def is_package(folder):
    return os.path.isfile(os.path.join(folder, "__init__.py"))


def search_in(directory, root, base):
    """The function's own modules come first, then what it depends on, then the library."""
    if sys.path and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]  # the bridge's folder is none of the function's business
    own = [directory] if root == directory else [directory, root]
    library.protect(own)
    sys.path[0:0] = own + [os.path.join(root, "package")]
    if base not in own:
        sys.path.append(base)  # for `import package.module` in a package that is the root itself
    library.own = [each for each in sys.path if each in own or each == base]


def import_handler(path, folders):
    """By path, so that a handler called json.py or test.py is not mistaken for a module of the library."""
    stem, package = os.path.splitext(os.path.basename(path))[0], ""
    for folder in folders:
        package = open_package(package, folder)
    is_regular = bool(folders) and is_package(folders[-1])
    if is_regular and stem == "__init__":
        return sys.modules[package]
    own = "__handler__" if stem == "__main__" else stem  # it is never told that it is the program
    full = package + "." + stem if package else own
    if full in sys.modules and package:
        return sys.modules[full]  # its package has imported it
    name = full if is_regular else own  # by which neighbours import it
    if PY2:
        return load_source(name, path, package)
    from importlib import machinery, util

    # The loader is named, as the file may have any extension.
    spec = util.spec_from_file_location(full, path, loader=machinery.SourceFileLoader(name, path))
    module = util.module_from_spec(spec)
    module.__name__ = name
    names = set([name, full])
    if stem != "__main__" and stem not in sys.modules and not library.has(stem):
        names.add(stem)
    for each in names:
        sys.modules[each] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for each in names:
            sys.modules.pop(each, None)
        raise
    if is_regular:
        setattr(sys.modules[package], stem, module)
    return sys.modules.get(name, module)


def open_package(outer, folder):
    """Imports the package that a folder is, with or without an __init__.py. Returns its name."""
    short = os.path.basename(folder).replace(".", "_")
    if outer:
        name = outer + "." + short
    else:
        name = short if imports_folder(short, folder) else "function_" + short
    if name in sys.modules:
        return name  # the package around it has imported it
    if PY2:
        import imp

        if is_package(folder):
            module = imp.load_module(name, None, folder, ("", "", imp.PKG_DIRECTORY))
        else:
            module = sys.modules[name] = imp.new_module(name)
            module.__path__ = [folder]
    else:
        from importlib import machinery, util

        if is_package(folder):
            file = os.path.join(folder, "__init__.py")
            spec = util.spec_from_file_location(name, file, submodule_search_locations=[folder])
        else:
            spec = machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [folder]
        module = sys.modules[name] = util.module_from_spec(spec)
        if is_package(folder):
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
    if outer:
        setattr(sys.modules[outer], short, module)
    return name


def imports_folder(name, folder):
    """Whether `import name` imports this folder, and not a module of the library or of a dependency."""
    if library.has(name):
        return False
    try:
        if PY2:
            import imp

            return imp.find_module(name)[1] == folder
        from importlib import util

        spec = util.find_spec(name)
        return spec is not None and folder in (spec.submodule_search_locations or ())
    except (ImportError, ValueError, AttributeError):
        return False


def load_source(name, path, package):
    import imp

    if package:
        module = sys.modules.setdefault(name, imp.new_module(name))
        module.__package__ = package
    module = imp.load_source(name, path)
    if package and name.startswith(package + "."):
        setattr(sys.modules[package], name[len(package) + 1 :], module)
    return module


class Library(object):
    """Python's own modules, for the bridge, whatever the function calls its files."""

    def __init__(self):
        self.folder = os.path.dirname(os.path.realpath(os.__file__))
        self.own = []  # where the function's modules are
        self.kept = {}  # modules of the library whose names the function's have taken
        self.asyncio = None

    def has(self, name):
        names = getattr(sys, "stdlib_module_names", None)  # 3.10
        if names is not None:
            return name in names
        path = os.path.join(self.folder, name)
        return name in sys.builtin_module_names or os.path.isfile(path + ".py") or is_package(path)

    def protect(self, folders):
        """Imports what the function's files hide: asyncio, as far as it needs them, and what the root would hide."""
        hidden = [[each for each in names_in(folder) if self.has(each)] for folder in folders]
        if any(hidden) and not PY2:
            before = set(sys.modules)
            self.load_asyncio()
            self.kept = dict((name, sys.modules[name]) for name in hidden[0] if name in sys.modules)
            for name in hidden[0]:
                if name not in before:
                    sys.modules.pop(name, None)  # the function's own comes first when it imports the name
        for name in hidden[1] if len(hidden) > 1 else ():
            if name not in ("this", "antigravity") and name not in hidden[0]:
                try:
                    __import__(name)
                except Exception:
                    pass  # the library has no such part here

    def load_asyncio(self):
        if self.asyncio is None:
            with self:
                import asyncio
                import concurrent.futures
            self.asyncio, self.futures = asyncio, concurrent.futures
        return self.asyncio

    def __enter__(self):
        """Takes the function's modules out of the way for a while."""
        own = [os.path.realpath(folder) for folder in self.own]
        self.path = sys.path[:]
        hidden = set(name for name, module in list(sys.modules.items()) if self.is_hidden_by(name, module))
        self.modules = dict((name, sys.modules.pop(name, None)) for name in hidden.union(self.kept))
        sys.modules.update(self.kept)
        sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) not in own]

    def __exit__(self, *_):
        sys.path[:] = self.path
        for name, module in self.modules.items():
            kept = sys.modules.pop(name, None)
            if kept is not None:
                self.kept[name] = kept
            if module is not None:
                sys.modules[name] = module

    def is_hidden_by(self, name, module):
        file = getattr(module, "__file__", None)
        if not file or not self.has(name.partition(".")[0]):
            return False
        file = os.path.realpath(file)
        return not file.startswith(self.folder + os.sep) and any(
            file.startswith(os.path.realpath(folder) + os.sep) for folder in self.own
        )


library = Library()


def names_in(folder):
    try:
        entries = os.listdir(folder)
    except OSError:
        return []
    return [each[:-3] if each.endswith(".py") else each for each in entries if each.endswith(".py") or is_package(os.path.join(folder, each))]


def is_async(handler):
    if handler is None:
        return False
    for function in (handler, getattr(handler, "__func__", None), getattr(type(handler), "__call__", None)):
        code = getattr(function, "__code__", None)
        if code is not None:
            return bool(code.co_flags & DEFINED_COROUTINE)
    return False


# What the handler gets


class Headers(dict):
    """A dict of Title-Case names in which any case finds the value."""

    def _name(self, key):
        if dict.__contains__(self, key):
            return key
        try:
            wanted = key.lower()
        except AttributeError:
            return key
        for name in self:
            if name.lower() == wanted:
                return name
        return key

    def __missing__(self, key):
        name = self._name(key)
        if name is key:
            raise KeyError(key)
        return dict.__getitem__(self, name)

    def __contains__(self, key):
        return dict.__contains__(self, self._name(key))

    has_key = __contains__

    def get(self, key, default=None):
        return dict.get(self, self._name(key), default)

    def __setitem__(self, key, value):
        dict.__setitem__(self, self._name(key), value)

    def __delitem__(self, key):
        dict.__delitem__(self, self._name(key))

    def pop(self, key, *default):
        return dict.pop(self, self._name(key), *default)

    def setdefault(self, key, default=None):
        return dict.setdefault(self, self._name(key), default)

    def copy(self):
        return Headers(self)


class Context(dict):
    """The members the core sent, as items and as attributes."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)

    def get_remaining_time_in_millis(self):
        deadline = self.get("deadlineMs")
        return float("inf") if deadline is None else max(0, int(deadline - time.time() * 1000))


# Calls


class Calls(object):
    """Runs the handler: bytes of a request in, status, type and bytes of the reply out."""

    def __init__(self, handler, channel):
        self.handler = handler
        self.channel = channel
        self.loop = None  # for a plain function that returns a coroutine
        self.lock = threading.Lock()
        self.active = set()
        self.newest = None

    def begin(self, request):
        self.newest = request
        self.active.add(request)

    def end(self, request):
        self.active.discard(request)

    def open(self, body):
        """Returns (event, context); raises ValueError when the core did not write the body."""
        call = json.loads(body.decode("utf-8"))
        if not isinstance(call, dict):
            raise ValueError("not a JSON object")
        event, context = call.get("event"), Context(call.get("context") or {})
        if isinstance(event, dict):
            for name in ("headers", "multiValueHeaders"):
                if isinstance(event.get(name), dict):
                    event[name] = Headers(event[name])
        return event, context

    def settled(self, call_id):
        """Its connection is closed and it is over: the core counts on its end no longer."""
        if self.channel is not None and isinstance(call_id, text_type):
            self.channel.write({"settled": call_id})

    def run(self, request):
        if self.handler is None:
            return 500, TEXT, NOT_LOADED
        try:
            event, context = self.open(request.body)
            request.call_id = context.get("invocationId")
        except ValueError as error:
            return 400, TEXT, to_bytes("The request body is not JSON: %s\n" % error)
        invocation = outer = None
        if self.channel is not None:
            invocation = Invocation(context, self.channel)
            outer = current.set(invocation)
        attached = attach_trace(context)
        try:
            result = enter(self.handler, event, context)
            if hasattr(result, "__await__"):
                result = self.wait_for(result, context)
            end_forked()
            return 200, JSON, to_json(result)
        except BaseException as error:  # SystemExit too: one call must not end its neighbours
            end_forked(error)
            return failed(error)
        finally:
            detach_trace(attached)
            if invocation is not None:
                invocation.end()
                current.reset(outer)

    def start(self, loop, request, done):
        """The same for an async handler: `done` gets the answer, exactly once, by the deadline. Returns what cancels it."""
        try:
            event, context = self.open(request.body)
            request.call_id = context.get("invocationId")
        except ValueError as error:
            return done((400, TEXT, to_bytes("The request body is not JSON: %s\n" % error)))
        invocation = outer = None
        if self.channel is not None:
            invocation = Invocation(context, self.channel)
            outer = current.set(invocation)
        attached = attach_trace(context)
        try:
            task = loop.create_task(self.handler(event, context))
        except BaseException as error:
            end_forked(error)
            reply = failed(error)
            if invocation is not None:
                invocation.end()
            return done(reply)
        finally:
            detach_trace(attached)
            if invocation is not None:
                current.reset(outer)
        left = seconds_left(context)

        def time_out():
            task.remove_done_callback(finish)
            task.cancel()
            answer(TimedOut())

        def finish(task):
            end_forked(None, task)
            if timer is not None:
                timer.cancel()
            try:
                result = to_json(task.result())
            except BaseException as error:
                result = error
            answer(result)

        def answer(result):
            if isinstance(result, BaseException):
                outer = current.set(invocation)  # the loop calls back out of every call
                reply = failed(result)
                current.reset(outer)
            else:
                reply = 200, JSON, result
            if invocation is not None:
                invocation.end()
            done(reply)

        timer = None if left is None else loop.call_later(left, time_out)
        task.add_done_callback(finish)
        return task.cancel

    def wait_for(self, coroutine, context):
        asyncio = library.load_asyncio()
        with self.lock:
            if self.loop is None:
                with library:
                    self.loop = asyncio.new_event_loop()
                start_thread(self.loop.run_forever)
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result(seconds_left(context))
        except library.futures.TimeoutError:
            if future.done():
                raise
            future.cancel()
            raise TimedOut()


def enter(handler, event, context):
    """Its frame marks where the function begins: what a signal handler raises below it is the function's to catch."""
    return handler(event, context)


class TimedOut(Exception):
    def __str__(self):
        return "Function timed out"


class NotJson(Exception):
    pass


def failed(error):
    log_error(error, getattr(error, "__traceback__", sys.exc_info()[2]))
    return 500, TEXT, to_bytes(message_of(error))


def seconds_left(context):
    deadline = context.get("deadlineMs")
    return None if deadline is None else max(0.0, deadline / 1000.0 - time.time())


def message_of(error):
    """What the caller reads: the bare message. The core adds its prefix."""
    try:
        return str(error) or type(error).__name__
    except Exception:
        try:
            return text_type(error)
        except Exception:
            return type(error).__name__


def one_line(error):
    lines = message_of(error).splitlines() or [""]
    return "%s: %s" % (type(error).__name__, lines[0])


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace" if not PY2 else "replace")


# Results



def plain(value):
    """What is a mapping in all but its type is written as one."""
    if isinstance(value, Mapping):
        return dict(value.items())
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


encode = json.JSONEncoder(ensure_ascii=PY2, allow_nan=False, separators=(",", ":"), default=plain).encode
encode_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=plain).encode


def to_json(result):
    """The JSON text of a result. Bytes become the envelope's base64 form."""
    if result is None:
        return b""
    try:
        if is_bytes(result):
            result = {"body": to_base64(result), "isBase64Encoded": True}
        elif isinstance(result, Mapping):
            result = envelope(result)
        text = encode(result)
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair: only an escape can say it
            return encode_ascii(result).encode("ascii")
    except Exception as error:
        raise NotJson("The result of the function is not JSON: %s" % message_of(error))


def envelope(result):
    if type(result) is not dict:
        result = stored(result)
    if is_bytes(result.get("body")):
        result = dict(result, body=to_base64(result["body"]), isBase64Encoded=True)
    for name in ("headers", "multiValueHeaders"):
        if name in result and type(result[name]) is not dict:
            result = dict(result, **{name: read_headers(result[name])})
    body = result.get("body")
    return dict(result, body=stored(body)) if isinstance(body, dict) and type(body) is not dict else result


def stored(value):
    """The json module takes a dict for empty that keeps its items elsewhere."""
    return value if isinstance(value, dict) and dict.__len__(value) else dict(value.items())


def read_headers(headers):
    """A message of the email or the http package, a case-insensitive mapping or a list of pairs is as good as a dict."""
    if isinstance(headers, (list, tuple)) and all(isinstance(each, (list, tuple)) and len(each) == 2 for each in headers):
        pairs = headers
    elif isinstance(headers, (list, tuple)) or not callable(getattr(headers, "items", None)):
        return headers
    else:
        pairs = headers.items()
    read = {}
    for name, value in pairs:
        name, value = header_text(name), header_text(value)
        if name not in read:
            read[name] = value
        elif isinstance(read[name], list):
            read[name].append(value)
        else:
            read[name] = [read[name], value]
    return read


def header_text(value):
    if isinstance(value, bytes) and not PY2:
        return value.decode("latin-1")
    is_header = type(value).__module__ == "email.header"  # of a message whose bytes are not ASCII
    return text_type(value) if is_header else value


def is_bytes(value):
    if isinstance(value, (bytearray, memoryview)):
        return True
    if not isinstance(value, bytes):
        return False
    if not PY2:
        return True
    try:
        value.decode("utf-8")
        return False
    except UnicodeDecodeError:
        return True


def to_base64(value):
    return base64.b64encode(bytes(value) if not isinstance(value, memoryview) else value.tobytes()).decode("ascii")


# HTTP

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
REASONS = {
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    413: b"Payload Too Large",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
}


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

try:
    from _operator import _compare_digest as is_same  # hmac's, without the cost of importing hashlib
except ImportError:
    from hmac import compare_digest as is_same


def reply(status, kind, body, keep):
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s" % (
        status,
        REASONS[status],
        kind,
        len(body),
        b"" if keep else b"Connection: close\r\n",
        body,
    )


class Request(object):
    __slots__ = ("refusal", "keep", "body", "parts", "bytes", "missing", "chunk", "call_id")

    def __init__(self):
        self.refusal = None  # (status, text) of a request that never reaches the handler
        self.keep = True  # whether another request may follow on the connection
        self.body = b""
        self.parts = []
        self.bytes = 0
        self.missing = 0  # of the body, or of the chunk that is arriving
        self.chunk = None  # None: a body with a length; else what the next line of a chunked body is
        self.call_id = None  # of the call in it

    def refuse(self, status, text, keep=True):
        if self.refusal is None:
            self.refusal, self.parts = (status, text), []
        self.keep = self.keep and keep
        return self


class Reader(object):
    """Cuts the bytes of one connection into requests. Of a refused request it keeps nothing but the place."""

    def __init__(self, settings):
        self.token = settings.token
        self.max_bytes = settings.max_bytes
        self.pending = b""  # bytes after the last whole request
        self.receiving = None  # the request whose body is arriving
        self.wants_continue = False

    def next(self, data):
        """Takes in bytes; the next whole request, or None. With b"" it looks at what a pipelining client sent."""
        if self.receiving is None:
            if self.pending:
                data = self.pending + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.pending = data
                if len(data) > HEAD_MAX_BYTES:
                    return Request().refuse(431, "The request head is too large for the bridge\n", keep=False)
                return None
            self.pending = b""
            self.receiving = self.open(data[: end + 2])
            data = data[end + 4 :]
        request = self.receiving
        if request.chunk is not None:
            return self.next_chunks(request, data)
        rest = len(data) - request.missing
        if rest > 0:
            self.pending = data[-rest:]
            data = data[:-rest]
        if request.refusal is None and data:
            request.parts.append(data)
        request.missing -= len(data)
        return self.close(request) if request.missing == 0 else None

    def open(self, head):
        request, lower = Request(), head.lower()
        if self.token and not is_same(field(head, lower, b"\r\ncore-bridge-token:") or b"", self.token):
            request.refuse(403, "Core-Bridge-Token is missing or wrong\n")
        if not head.startswith(b"POST / HTTP/1.1\r\n"):
            line = head[: head.find(b"\r\n")].split(b" ")
            if len(line) != 3 or line[2] not in (b"HTTP/1.0", b"HTTP/1.1"):
                request.refuse(400, "The request line is malformed\n", keep=False)
            elif line[1] != b"/":
                request.refuse(404, "Only POST / is served here\n")
            elif line[0] != b"POST":
                request.refuse(405, "Only POST / is served here\n")
            request.keep = request.keep and line[-1] == b"HTTP/1.1"
        if field(lower, lower, b"\r\nconnection:") == b"close":
            request.keep = False
        coding = field(lower, lower, b"\r\ntransfer-encoding:")
        length = field(head, lower, b"\r\ncontent-length:")
        if coding == b"chunked" and length is None:
            request.chunk = b"size"
        elif coding is not None or not (length or b"0").isdigit():
            request.refuse(400, "The request has a framing that the bridge does not know\n", keep=False)
        else:
            request.missing = int(length or 0)
            if request.missing > self.max_bytes:
                request.refuse(413, "The request is too large for the bridge\n")
        self.wants_continue = field(lower, lower, b"\r\nexpect:") == b"100-continue"
        return request

    def next_chunks(self, request, data):
        data, self.pending = self.pending + data, b""
        while data:
            if request.missing:
                piece = data[: request.missing]
                data = data[len(piece) :]
                request.missing -= len(piece)
                request.bytes += len(piece)
                if request.bytes > self.max_bytes:
                    request.refuse(413, "The request is too large for the bridge\n")
                elif request.refusal is None:
                    request.parts.append(piece)
                continue
            end = data.find(b"\r\n")
            if end < 0 and len(data) < HEAD_MAX_BYTES:
                break
            line, data = data[:end], data[end + 2 :]
            if request.chunk == b"end":  # the line break after a chunk
                request.chunk = b"size"
            elif request.chunk == b"trailer":
                if not line:
                    self.pending = data
                    return self.close(request)
            else:
                try:
                    request.missing = int(line.split(b";")[0], 16)
                except ValueError:
                    return self.close(request.refuse(400, "The request has a malformed chunk\n", keep=False))
                request.chunk = b"end" if request.missing else b"trailer"
        self.pending = data
        return None

    def close(self, request):
        self.receiving = None
        request.body = request.parts[0] if len(request.parts) == 1 else b"".join(request.parts)
        return request


def field(head, lower, name):
    at = lower.find(name)
    if at < 0:
        return None
    at += len(name)
    return head[at : lower.find(b"\r\n", at)].strip()


# Serving plain handlers


def listen(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    set_close_on_exec(listener.fileno())
    ours.add(listener)
    return listener


class Connection(object):
    def __init__(self, sock, settings):
        set_close_on_exec(sock.fileno())
        ours.add(sock)
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", WRITE_TIMEOUT_S, 0))
        self.sock = sock
        self.reader = Reader(settings)
        self.newest_id = None  # of the newest call on it

    def close(self, calls):
        """The reply may have been on the way when the connection closed, so the end of its newest call is always reported."""
        ours.discard(self.sock)
        self.sock.close()
        calls.settled(self.newest_id)

    def serve(self, calls, stop, flags):
        """Reads once and answers what is whole. False when the connection is over."""
        reader, sock = self.reader, self.sock
        try:
            data = sock.recv(65536 if reader.receiving is None else 1048576, flags)
            if not data:
                return False
            request = reader.next(data)
            if reader.wants_continue and request is None:
                reader.wants_continue = False
                sock.sendall(CONTINUE)
            while request is not None:
                calls.begin(request)
                try:
                    if request.refusal is None:
                        status, kind, body = calls.run(request)
                        self.newest_id = request.call_id
                    else:
                        status, kind, body = request.refusal[0], TEXT, to_bytes(request.refusal[1])
                    keep = request.keep and not stop.is_set
                    sock.sendall(reply(status, kind, body, keep))
                finally:
                    calls.end(request)
                if not keep:
                    return False
                request = reader.next(b"") if reader.pending else None
            return True
        except (OSError, socket.error) as error:
            return error.errno == errno.EAGAIN and flags != 0  # woken for nothing


def serve_in_threads(listener, settings, calls, report):
    stop = Stop(calls)
    stop.on_signals()
    serve = serve_by_epoll if hasattr(select, "epoll") else serve_by_thread
    serve(listener, settings, calls, stop, report)


class Stop(object):
    """Set by SIGTERM. Its descriptor becomes readable, which wakes every thread that waits."""

    def __init__(self, calls):
        self.calls = calls
        self.is_set = self.is_asked = False
        self.awake, self.waker = os.pipe()
        for fd in (self.awake, self.waker):
            set_close_on_exec(fd)
            ours.add(fd)

    def set(self):
        if not self.is_set:
            self.is_set = True
            os.write(self.waker, b"!")

    def ask(self):
        """A service manager sends SIGTERM to every process at once, and the core may still have calls: they are served."""
        if self.is_asked:
            return
        self.is_asked = True
        if self.calls.channel is None:
            self.set()
        else:
            start_thread(self.wait)

    def wait(self):
        rest = Rest(self.calls)
        while not self.calls.channel.is_let_go(LOOK_S) and not rest.is_over():
            pass
        self.set()

    def on_signals(self):
        signals.follow(signal.SIGTERM, self.ask)
        signals.follow(signal.SIGINT, self.ask)


class Rest(object):
    """Over when several looks in a row have found no call."""

    def __init__(self, calls):
        self.calls, self.seen, self.looks = calls, calls.newest, 0

    def is_over(self):
        is_busy = bool(self.calls.active) or self.calls.newest is not self.seen
        self.seen = self.calls.newest
        self.looks = 0 if is_busy else self.looks + 1
        return self.looks >= REST_LOOKS


def serve_by_epoll(listener, settings, calls, stop, report):
    """Every thread waits for the next readable connection, runs the call itself and waits again."""
    listener.setblocking(False)
    epoll, connections, accepting = select.epoll(), {}, listener.fileno()
    ours.add(epoll.fileno())
    # With several threads a connection that woke one must not wake another before it was served.
    several = settings.threads > 1
    mask = select.EPOLLIN | (select.EPOLLONESHOT if several else 0)
    epoll.register(accepting, mask)
    epoll.register(stop.awake, select.EPOLLIN)

    def accept():
        while True:
            try:
                sock = listener.accept()[0]
            except (OSError, socket.error):
                break
            connections[sock.fileno()] = Connection(sock, settings)
            epoll.register(sock.fileno(), mask)
        return True

    def serve(fd):
        connection = connections.get(fd)
        if connection is None:
            return False
        if connection.serve(calls, stop, socket.MSG_DONTWAIT):
            return True
        del connections[fd]
        epoll.unregister(fd)
        connection.close(calls)
        return False

    def work():
        while not stop.is_set:
            try:
                ready = epoll.poll(-1, 1 if several else 64)
            except (OSError, IOError) as error:
                if error.errno != errno.EINTR:
                    raise
                continue
            for fd, _ in ready:
                if stop.is_set:
                    break
                if (accept() if fd == accepting else serve(fd)) and several:
                    epoll.modify(fd, mask)

    # Python 2 lets a signal interrupt the system calls of the main thread: no handler runs there.
    threads = [start_thread(work) for _ in range(settings.threads if PY2 else settings.threads - 1)]
    report()
    if PY2:
        while not stop.is_set:
            try:
                select.select([stop.awake], [], [])
            except select.error:
                pass
    else:
        work()
    listener.close()
    for thread in threads:
        thread.join()


def serve_by_thread(listener, settings, calls, stop, report):
    """Where there is no epoll: a thread for each connection, and a turnstile before the handler."""
    turnstile, run = threading.Semaphore(settings.threads), calls.run

    def run_in_turn(request):
        with turnstile:
            return run(request)

    def work(connection):
        while connection.serve(calls, stop, 0):
            pass
        connection.close(calls)

    calls.run = run_in_turn
    report()
    while not stop.is_set:
        try:
            ready = select.select([listener, stop.awake], [], [])[0]
        except select.error:  # Python 2: a signal came
            continue
        if listener in ready:
            start_thread(work, Connection(listener.accept()[0], settings))
    listener.close()
    for _ in range(settings.threads):
        turnstile.acquire()


def start_thread(work, *args):
    thread = threading.Thread(target=work, args=args)
    thread.daemon = True
    thread.start()
    return thread


# Serving async handlers


def serve_on_loop(listener, settings, calls, report):
    asyncio = library.load_asyncio()
    loop = handlers_loop(asyncio)
    if isinstance(current, ThreadCurrent):
        current.follow_tasks(loop)
    state = {"active": 0, "asked": False, "stopping": False}

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.reader, self.is_busy = transport, Reader(settings), False
            self.socket = transport.get_extra_info("socket")
            ours.add(self.socket)
            self.newest, self.cancel, self.is_lost = None, None, False

        def connection_lost(self, error):
            self.is_lost = True
            ours.discard(self.socket)
            if self.is_busy and self.cancel is not None:
                self.cancel()
            elif not self.is_busy and self.newest is not None:
                calls.settled(self.newest.call_id)

        def data_received(self, data):
            reader = self.reader
            if self.is_busy:
                reader.pending += data
                if len(reader.pending) > HEAD_MAX_BYTES:
                    self.transport.pause_reading()
                return
            request = reader.next(data)
            if request is not None:
                self.begin(request)
            elif reader.wants_continue:
                reader.wants_continue = False
                self.transport.write(CONTINUE)

        def begin(self, request):
            self.is_busy = True
            self.newest = request
            state["active"] += 1
            calls.begin(request)
            if request.refusal is None:
                self.cancel = calls.start(loop, request, lambda answer: self.end(request, answer))
            else:
                self.end(request, (request.refusal[0], TEXT, to_bytes(request.refusal[1])))

        def end(self, request, answer):
            keep = request.keep and not state["stopping"]
            self.is_busy = False
            state["active"] -= 1
            calls.end(request)
            self.cancel = None
            if self.is_lost:
                calls.settled(request.call_id)
                leave_if_idle()
                return
            self.transport.write(reply(answer[0], answer[1], answer[2], keep))
            if not keep:
                self.transport.close()
            elif self.reader.pending:
                self.transport.resume_reading()
                loop.call_soon(self.data_received, b"")
            leave_if_idle()

    def ask():
        if state["asked"]:
            return
        state["asked"] = True
        if calls.channel is None or calls.channel.is_let_go(0):
            stop()
        else:
            loop.add_reader(calls.channel.fd, stop)
            look(Rest(calls))

    def look(rest):
        if rest.is_over():
            stop()
        else:
            loop.call_later(LOOK_S, look, rest)

    def stop():
        if state["stopping"]:
            return
        state["stopping"] = True
        if calls.channel is not None and calls.channel.fd is not None:
            loop.remove_reader(calls.channel.fd)
        server.close()
        leave_if_idle()

    def leave_if_idle():
        if state["stopping"] and state["active"] == 0:
            loop.call_later(0.01, loop.stop)  # the last reply leaves first

    listener.setblocking(False)
    server = loop.run_until_complete(loop.create_server(Protocol, sock=listener))
    hold_loop(loop)

    def ask_soon():
        # A handler that the function has added to the loop is told through the loop: it runs before.
        loop.call_soon_threadsafe(loop.call_later, 0.01, ask)

    for number in (signal.SIGTERM, signal.SIGINT):
        signals.follow(number, ask_soon)
    forks.find_task = lambda: current_task(loop)
    report()
    while True:
        try:
            loop.run_forever()
            return
        except BaseException as error:  # sys.exit() in a task ends the loop's run; the call has its answer already
            end_forked(error, forks.task)
            log(traceback.format_exc())


def handlers_loop(asyncio):
    """The loop that the handler's module may already have bound its locks and clients to."""
    with library, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            loop = asyncio.get_event_loop_policy().get_event_loop()
        except Exception:
            loop = None
        if loop is None or loop.is_closed():
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
    return loop


def hold_loop(loop):
    """A forked child must not read what comes for the loop, nor change what it waits for."""
    for name in ("_selector", "_ssock", "_csock"):
        each = getattr(loop, name, None)
        if each is not None:
            ours.add(each)


def current_task(loop):
    find = getattr(library.asyncio, "current_task", None) or library.asyncio.Task.current_task  # 3.6
    return find(loop)


# Signals


class Signals(object):
    """Lets the function have signal handlers beside the bridge's: on SIGTERM the function's runs first, then the bridge's.

    The handlers that the function sets are called from here. Outside of a call nobody could catch what one raises, so it
    is logged. The function sees its own handlers only, and a forked child has nothing else.
    """

    def __init__(self):
        self.pid = os.getpid()
        self.set_handler, self.get_handler = signal.signal, signal.getsignal
        self.chosen = {}  # what the function has set, by number
        self.hooks = {}  # what the bridge does then, by number
        self.channel = None
        self.strays = 0

    def hold(self, channel):
        self.channel = channel
        signal.signal, signal.getsignal = self.set, self.get

    def follow(self, number, hook):
        self.chosen.setdefault(number, self.get_handler(number))
        self.hooks[number] = hook
        self.set_handler(number, self.run)

    def set(self, signalnum, handler):
        before = self.get(signalnum)
        if os.getpid() != self.pid:
            self.set_handler(signalnum, handler)
        elif callable(handler) or (signalnum in self.hooks and handler in (signal.SIG_DFL, signal.SIG_IGN)):
            self.set_handler(signalnum, self.run)  # raises outside of the main thread
            self.chosen[signalnum] = handler
        else:
            self.set_handler(signalnum, handler)
            self.chosen.pop(signalnum, None)
        return before

    def get(self, signalnum):
        return self.chosen[signalnum] if signalnum in self.chosen else self.get_handler(signalnum)

    def run(self, number, frame):
        handler, hook = self.chosen.get(number), self.hooks.get(number)
        if os.getpid() != self.pid:  # a child that does not know yet that it is one
            if callable(handler):
                handler(number, frame)
            else:
                self.set_handler(number, handler or signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return
        try:
            if callable(handler):
                handler(number, frame)
        except BaseException as error:
            is_end = hook is not None and isinstance(error, (SystemExit, KeyboardInterrupt))  # which is what the hook is for
            if not is_end and self.runs_function_at(frame):
                raise
            if not is_end:
                self.strays += 1
                prefix = "core-bridge: a signal handler failed outside of a call (stray error %d): " % self.strays
                log_error(error, sys.exc_info()[2], self.channel, prefix)
        finally:
            if hook is not None:
                hook()

    def runs_function_at(self, frame):
        if forks.find_task is not None and forks.find_task() is not None:
            return True
        while frame is not None:
            if frame.f_code in FUNCTION_BELOW:
                return True
            frame = frame.f_back
        return False

    def end(self):
        """In a forked child: each signal does what the function has said, else what it does by default."""
        for number in set(self.chosen) | set(self.hooks):
            handler = self.chosen.get(number)
            self.set_handler(number, signal.SIG_DFL if handler is None else handler)
        self.chosen.clear()
        self.hooks.clear()


signals = Signals()
FUNCTION_BELOW = (enter.__code__, load_handler.__code__)

# Forks

ours = set()  # descriptors, and what has one: no forked child keeps them


class Forks(object):
    """No signal may come before the child has handlers of its own: Python would lose it."""

    def __init__(self):
        self.masks = threading.local()
        self.pid = os.getpid()
        self.find_task = None  # on a loop: its task that is running
        self.task = None  # which has forked this child

    def before(self):
        if hasattr(signal, "pthread_sigmask"):
            self.masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, set(signals.chosen) | set(signals.hooks))

    def after(self):
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, self.masks.before)

    def follow(self):
        """In the child: the bridge is none of its business."""
        if self.pid is not None:
            self.forget()
        self.after()

    def forget(self):
        self.pid = None
        signals.end()
        for each in list(ours):
            let_go(each)
        ours.clear()
        if signals.channel is not None:
            signals.channel.forget()
        if self.find_task is not None:
            self.task = self.find_task()


forks = Forks()


def follow_forks():
    if hasattr(os, "register_at_fork"):  # 3.7
        os.register_at_fork(before=forks.before, after_in_parent=forks.after, after_in_child=forks.follow)
        return

    def following(fork):
        def fork_and_follow():
            forks.before()
            is_child = False
            try:
                result = fork()
                is_child = (result[0] if isinstance(result, tuple) else result) == 0
                return result
            finally:
                if is_child:
                    forks.follow()
                else:
                    forks.after()

        return fork_and_follow

    for name in ("fork", "forkpty"):
        if hasattr(os, name):
            setattr(os, name, following(getattr(os, name)))


def let_go(descriptor):
    """Nothing stands behind the number any more, but it stays taken: whoever closes it later closes no file of the child."""
    try:
        fd = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if fd >= 0:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, fd)
            os.close(null)
            set_close_on_exec(fd)
    except (OSError, IOError, ValueError, AttributeError):
        pass  # it has none, or was closed already


def end_forked(error=None, task=None):
    """Returns in the bridge. A child that the handler has forked ends here, as a program of its own does: it serves nobody."""
    if os.getpid() == signals.pid:
        return
    if forks.pid is not None:  # a fork past the hooks
        forks.forget()
    if task is not None and task.done():
        error = None if task.cancelled() else task.exception()
    code = 0
    if isinstance(error, SystemExit):
        code = error.code
        if code is not None and not isinstance(code, int):
            log("%s\n" % (code,))
            code = 1
    elif error is not None:
        code = 1
        log_error(error, getattr(error, "__traceback__", sys.exc_info()[2]))
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        getattr(processes, "_children", set()).clear()  # the parent's, which the exit hook would end
    try:
        getattr(threading, "_shutdown", bool)()  # waits for the child's own threads
    except BaseException:
        pass
    leave(None, (code or 0) & 0xFF)


# Output of a call


class ThreadCurrent(threading.local):
    """Before contextvars (3.7) a call is known by its thread, on a loop by its task and those that it starts."""

    invocation = None
    tasks = None  # of every thread

    def follow_tasks(self, loop):
        ThreadCurrent.tasks = weakref.WeakKeyDictionary()
        loop.set_task_factory(self.start_task)

    def start_task(self, loop, coroutine):
        task = library.asyncio.Task(coroutine, loop=loop)
        self.tasks[task] = self.get()
        return task

    def get(self):
        if self.tasks is not None:
            loop = library.asyncio._get_running_loop()
            task = None if loop is None else library.asyncio.Task.current_task(loop)
            if task is not None:
                return self.tasks.get(task)
        return self.invocation

    def set(self, invocation):
        outer, self.invocation = self.invocation, invocation
        return outer

    def reset(self, outer):
        self.invocation = outer


try:
    from contextvars import ContextVar

    current = ContextVar("core_invocation", default=None)
except ImportError:
    current = ThreadCurrent()


class Invocation(object):
    """Collects what one call writes and sends it as whole lines, tagged."""

    def __init__(self, context, channel):
        self.id = context.get("invocationId")
        self.trace = context.get("trace")
        self.channel = channel
        self.rest = {"stdout": u"", "stderr": u""}
        self.is_over = False
        self.was_cut = {"stdout": False, "stderr": False}

    def capture(self, stream, text):
        with self.channel.lock:
            if self.was_cut[stream] and text:  # print() writes its line break by itself
                self.was_cut[stream] = False
                text = text[1:] if text[0] == u"\n" else text
            pieces = (self.rest[stream] + text).split(u"\n")
            rest = pieces.pop()
            if rest and (self.is_over or len(rest) > LINE_MAX_CHARS):
                pieces.append(rest)
                rest = u""
                self.was_cut[stream] = True
            self.rest[stream] = rest
            for piece in pieces:
                self.send(stream, piece)

    def end(self):
        self.is_over = True
        for stream, rest in self.rest.items():
            if rest:
                self.capture(stream, u"")

    def send(self, stream, line):
        for start in range(0, max(1, len(line)), LINE_MAX_CHARS):
            self.channel.write({"log": dict(self.record(stream), line=line[start : start + LINE_MAX_CHARS])})

    def record(self, stream):
        record = {"stream": stream, "invocationId": self.id}
        traceparent = self.trace.get("traceparent") if isinstance(self.trace, dict) else None
        if isinstance(traceparent, text_type) and traceparent.count("-") >= 3:
            record["traceId"] = traceparent.split("-")[1]
        return record


class Output(object):
    """Stands for sys.stdout or sys.stderr: lines leave at once, and those of a call leave tagged."""

    def __init__(self, stream, name, channel):
        self.stream, self.name, self.channel = stream, name, channel

    def write(self, text):
        invocation = current.get() if self.channel is not None and not self.channel.is_forgotten else None
        if PY2:
            text = text if isinstance(text, text_type) else bytes(text).decode("utf-8", "replace")
        if invocation is None:
            self.write_plain(text)
            if u"\n" in text:
                self.stream.flush()
        elif not isinstance(text, text_type):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        else:
            invocation.capture(self.name, text)
        return len(text)

    def write_plain(self, text):
        try:
            self.stream.write(text.encode("utf-8") if PY2 else text)
        except UnicodeEncodeError:  # 3.6 knows ASCII only where no locale is set
            self.stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self.stream, name)


errors = sys.stderr


def tag_output(channel):
    global errors
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):  # 3.7
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
        if channel is not None or not hasattr(stream, "reconfigure"):
            setattr(sys, name, Output(stream, name, channel))
    errors = sys.stderr


def log(text):
    """The bridge's own word; inside a call it is tagged like the call's."""
    try:
        errors.write(text)
        errors.flush()
    except Exception:
        pass  # nobody reads it


def log_error(error, trace, channel=None, prefix=""):
    """An error that was thrown, as one record, of its call when there is one. Without a channel its lines, on stderr."""
    invocation = current.get()
    channel = invocation.channel if invocation is not None else channel
    if channel is None or channel.is_forgotten:
        log(prefix + "".join(traceback.format_exception(type(error), error, trace)))
        return
    told = [as_text(each) for each in traceback.format_exception(type(error), error, without_bridge(trace))]
    if PY2 and not isinstance(error, SyntaxError):
        told[-1] = title_of(error)  # traceback escapes what is not ASCII
    title, stack = as_text(prefix) + title_of(error), u"".join(told).rstrip(u"\n")
    log_record = dict(invocation.record("stderr") if invocation is not None else {"stream": "stderr"}, level="error")
    channel.write({"log": dict(log_record, line=title[:TITLE_MAX_CHARS], stack=stack[:LINE_MAX_CHARS])})


def title_of(error):
    """What an error is called: `ValueError: no luck`. Before it may stand a place in a file, behind it notes."""
    if PY2 and not isinstance(error, SyntaxError):
        return u"%s: %s" % (as_text(type(error).__name__), as_text(message_of(error)))
    told = traceback.format_exception_only(type(error), error)
    return as_text(next((each for each in told if not each.startswith(" ")), told[-1]).strip())


def without_bridge(trace):
    """The frames below the last one of the bridge, and below the library's that it waited in or that loaded the handler."""
    below, frame = trace, trace
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        is_loading = frame is below and name.startswith("<frozen importlib")
        frame = frame.tb_next
        is_waiting = below is not trace and os.sep + os.path.join("concurrent", "futures") + os.sep in name
        if name == THIS_FILE or is_loading or is_waiting:
            below = frame
    return below


def as_text(text):
    return text if isinstance(text, text_type) else text.decode("utf-8", "replace")


class Channel(object):
    """The core's end of the descriptor. Never waits for the reader: past 8 MiB unread, lines are dropped, and their
    number is reported as soon as the reader has caught up. A reader that is gone costs the lines, not the process."""

    def __init__(self, fd):
        import fcntl

        set_close_on_exec(fd)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
        self.fd = fd
        self.lock = threading.RLock()
        self.unsent = bytearray()
        self.dropped = 0
        self.is_draining = False
        self.is_forgotten = False  # in a forked child
        ours.add(fd)

    def forget(self):
        self.fd, self.is_forgotten = None, True

    def write(self, record):
        with self.lock:
            if self.fd is None:
                return
            if "log" in record and len(self.unsent) > CHANNEL_MAX_BYTES:
                self.dropped += 1
                return
            self.tell_dropped()
            self.unsent += encode_ascii(record).encode("ascii") + b"\n"
            self.send()
            if self.unsent and self.fd is not None and not self.is_draining:
                self.is_draining = True
                start_thread(self.drain)

    def tell_dropped(self):
        if self.dropped:
            self.unsent += encode_ascii({"dropped": self.dropped}).encode("ascii") + b"\n"
            self.dropped = 0

    def send(self):
        try:
            while self.unsent:
                sent = os.write(self.fd, bytes(self.unsent[:65536]))
                del self.unsent[:sent]
                if not self.unsent:
                    self.tell_dropped()
        except (OSError, IOError) as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                self.fd = None
                del self.unsent[:]

    def drain(self):
        while True:
            fd = self.fd
            if fd is not None:
                select.select([], [fd], [])
            with self.lock:
                self.send()
                if not self.unsent:
                    self.is_draining = False
                    return

    def is_let_go(self, seconds):
        """The core lets go right before a SIGTERM of its own: it ends its side, which becomes readable. Waits so long for it."""
        fd = self.fd
        try:
            return fd is None or bool(select.select([fd], [], [], seconds)[0])
        except (OSError, IOError, ValueError, select.error):
            return True  # nobody can tell

    def wait_until_sent(self, seconds):
        ends_at = clock() + seconds
        while self.unsent and clock() < ends_at:
            time.sleep(0.01)


# Traces


def attach_trace(context):
    """Makes the caller's trace active, when the function has loaded OpenTelemetry."""
    if "opentelemetry.context" not in sys.modules:
        return None
    try:
        from opentelemetry import context as contexts
        from opentelemetry import propagate

        return contexts, contexts.attach(propagate.extract(context.get("trace") or {}))
    except Exception:
        return None  # a broken propagator must not break the call


def detach_trace(attached):
    if attached is not None:
        attached[0].detach(attached[1])


def set_close_on_exec(fd):
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.fcntl(fd, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)


def leave(channel, code=0):
    """Exits even when the function left threads behind."""
    import atexit

    try:
        atexit._run_exitfuncs()
    except BaseException:
        log(traceback.format_exc())  # 2.7 raises what the last one raised
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    if channel is not None:
        channel.wait_until_sent(3)
    os._exit(code)


if __name__ == "__main__":
    main()
