# -*- coding: utf-8 -*-
"""The Python bridge: loads one handler and calls it for the core, in frames on the descriptor CORE_CALLS_FD. Without that
descriptor Python's own server listens on 127.0.0.1:$SCW_UPSTREAM_PORT and answers POST / with the result.

One file, standard library only, for Python 2.7 and 3.6 and later. A plain handler runs in CORE_CONCURRENCY threads, one
of which is the main thread. A handler written with `async def` runs on an asyncio loop in the main thread. README.md
lists what the bridge promises.
"""

from __future__ import print_function

import base64
import collections
import errno
import io
import json
import os
import re
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
import traceback
import types
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
REPORTS_MAX_BYTES = 8 * 1024 * 1024
TERM_WAIT_S = 1
LOOK_S, REST_LOOKS = 0.2, 5  # so many looks without a call, and the process rests
STOP_S = 0.25  # so long an application may take to end a reply that nobody wants, before it is cancelled
SHUT_DOWN_S = 2  # so long it may take to end what it does behind its replies, and to shut down
LOOP_CALLS = 100  # that an async handler takes at a time, unless the user has set a number
DEFINED_ASYNC = 0x80 | 0x200  # inspect.CO_COROUTINE and CO_ASYNC_GENERATOR, without the cost of importing inspect
GATHERED_MAX_BYTES = 32 * 1024 * 1024  # of a streamed body over HTTP: past any reply that a core takes by default
NOT_MADE = object()  # in place of a piece: it is still to be made
OVER = object()  # in place of a reply: all of it has left, or nobody wants the rest; in place of a piece: none follows

text_type = type(u"")
clock = getattr(time, "monotonic", time.time)
THIS_FILE = (lambda: None).__code__.co_filename

try:
    from _operator import _compare_digest as is_same  # hmac's, without the cost of importing hashlib
except ImportError:
    from hmac import compare_digest as is_same


def main():
    settings = Settings(os.environ)
    reports = Reports(settings.fd) if settings.fd is not None else None
    sock = open_calls(settings.calls_fd)
    tag_output(reports)
    signals.hold(reports)
    follow_forks()
    try:
        handler, failure = handler_of(load_handler(settings.handler_path, settings.handler_name), settings), None
        if is_async(handler):
            library.loop = handlers_loop(library.load_asyncio())
        if library.app is not None:
            library.loop.run_until_complete(library.app.start_up())
    except BaseException as error:  # sys.exit() in a module is one more way not to load
        end_forked(error)
        handler, failure = None, (error, sys.exc_info()[2])
    end_forked()
    listener = None
    if sock is None:
        try:
            listener = listen(settings.port)
        except (OSError, socket.error, OverflowError) as error:
            log("core-bridge: cannot listen on 127.0.0.1:%s: %s\n" % (settings.port, error))
            sys.exit(1)

    def report():
        if reports is not None:
            reports.write(load_report(failure, LOOP_CALLS if is_async(handler) else settings.threads, sock is not None))
        if failure is not None:
            log_error(failure[0], failure[1], reports, "core-bridge: cannot load the handler: ")

    calls = Calls(handler, reports, settings.streams_bodies)
    stop = Stop(calls)
    serve = serve_on_loop if is_async(handler) else serve_in_threads
    serve(settings, calls, stop, sock, listener, report)
    while not stop.is_over():
        time.sleep(0.01)
    if library.app is not None and failure is None:
        library.loop.run_until_complete(library.app.shut_down())
    leave(reports)


# Settings


class Settings(object):
    """Reads the environment. The bridge's own names are gone before user code can see them."""

    def __init__(self, env):
        self.port = int(env.get("SCW_UPSTREAM_PORT") or 8081)
        self.handler_path = env.get("SCW_HANDLER_PATH", "")
        self.handler_name = env.get("SCW_HANDLER_NAME") or "handle"
        self.token = env.pop("CORE_BRIDGE_TOKEN", "").encode("latin-1")
        self.fd, self.calls_fd = number(env.pop("CORE_BRIDGE_FD", "")), number(env.pop("CORE_CALLS_FD", ""))
        calls = env.pop("CORE_CALLS_FD", "")
        if calls.isdigit():
            os.close(int(calls))  # it is called over HTTP
        self.threads = max(1, int(env.get("CORE_CONCURRENCY") or 1))
        self.app = env.get("CORE_PYTHON_APP") or "auto"
        self.streams_bodies = env.get("CORE_REQUEST_BODY") == "stream"
        # A JSON escape makes one byte six; the rest of the event has room beside it.
        self.max_bytes = 6 * int(env.get("SCW_PAYLOAD_MAX_SIZE") or 6291456) + 8 * 1024 * 1024


def number(text):
    return int(text) if text.isdigit() else None


# Loading


def load_report(failure, concurrency, is_on_channel):
    report = {"loaded": failure is None, "runtime": "Python %d.%d.%d" % sys.version_info[:3]}
    if concurrency > 1:
        report["concurrency"] = concurrency
    if is_on_channel:
        report["calls"] = 1  # the version of the frames
        report["bodies"] = True
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
        self.loop = None  # on which an async handler runs
        self.app = None  # the handler of an ASGI application, which starts up and shuts down

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

    def load_urls(self):
        with self:
            try:
                from urllib.parse import quote, urlencode
            except ImportError:
                from urllib import quote, urlencode
        self.quote, self.urlencode = quote, urlencode

    def load_asyncio(self):
        if self.asyncio is None:
            with self:
                import asyncio
                import concurrent.futures
            self.asyncio, self.futures = asyncio, concurrent.futures
            exec(compile(COROUTINES, THIS_FILE, "exec"), globals())
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
            return bool(code.co_flags & DEFINED_ASYNC)
    return False


# Applications: WSGI (PEP 3333) and ASGI 3


def handler_of(found, settings):
    """An application, as a handler of events."""
    kind = kind_of(found) if settings.app == "auto" else settings.app
    if kind == "handler":
        return found
    library.load_urls()
    if kind == "wsgi":
        return WsgiHandler(found, settings.threads)
    if kind != "asgi" or PY2:
        raise ValueError("CORE_PYTHON_APP is auto, handler, wsgi or, with Python 3, asgi; got %r" % kind)
    library.load_asyncio()
    library.app = AsgiHandler(found)
    return library.app


def kind_of(found):
    """By what the standards call their arguments: a handler is given an event and a context, and takes no `send` or `start_response`."""
    names = parameters_of(found)
    if names[1:3] == ("receive", "send") and not PY2:
        return "asgi"
    return "wsgi" if names[1:2] in (("start_response",), ("start_resp",)) else "handler"


def parameters_of(found):
    """The names of the positional arguments that it is called with; none where that cannot be told."""
    function, skipped = found, 0
    if isinstance(found, type):
        return ()
    if not hasattr(found, "__code__"):
        function, skipped = getattr(found, "__func__", None) or getattr(type(found), "__call__", None), 1
    function = getattr(function, "__func__", function)
    while hasattr(getattr(function, "__wrapped__", None), "__code__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_varnames[skipped : code.co_argcount]


class Exchange(object):
    """What both kinds of application are told of a request."""

    def __init__(self, event, context):
        self.event = event if isinstance(event, dict) else {}
        self.target = getattr(context, "request_target", None)
        self.method = self.event.get("httpMethod") or "POST"
        self.path = to_bytes(self.event.get("path") or "/")
        fields = self.event.get("multiValueHeaders") or {}
        self.headers = [(to_bytes(name), to_bytes(value)) for name in fields for value in fields[name]]
        found = dict((name.lower(), value) for name, value in self.headers)
        self.scheme = "https" if found.get(b"x-forwarded-proto", b"").lower() == b"https" else "http"
        self.length = native(found.get(b"content-length", b""))
        self.host, port = HOST.match(native(found.get(b"host", b""))).groups()
        self.host, self.port = self.host or "localhost", port or ("443" if self.scheme == "https" else "80")
        request = self.event.get("requestContext")
        identity = request.get("identity") if isinstance(request, dict) else None
        self.client = identity.get("sourceIp") if isinstance(identity, dict) else None

    def raw_path(self):
        return library.quote(self.path) if self.target is None else self.target.split("?", 1)[0]

    def query(self):
        """As it came; written again where only the event is known, which has it taken apart."""
        if self.target is not None:
            return self.target.partition("?")[2]
        values = self.event.get("multiValueQueryStringParameters") or {}
        return library.urlencode([(to_bytes(name), to_bytes(value)) for name in values for value in values[name]])

    def body(self):
        return body_of(self.event)

    def body_and_length(self, context):
        """A file, and what CONTENT_LENGTH says of it: nothing where the sender said nothing."""
        body = getattr(context, "body", None)
        if body is None:
            body = self.body()
            return io.BytesIO(body), str(len(body))
        body.has_lines = True
        return body, self.length


def body_of(event):
    body = to_bytes(event.get("body") or "")
    return base64.b64decode(body) if event.get("isBase64Encoded") else body


HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d{1,5})$)?")


def native(data):
    """Bytes as PEP 3333 has them in texts."""
    return data if PY2 else data.decode("latin-1")


def field_text(data):
    """A name or a value of a header."""
    if isinstance(data, text_type):
        data = data.encode("latin-1", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def reply_of(status, headers, body):
    fields = [(field_text(name), field_text(value)) for name, value in headers]
    return {"statusCode": status, "headers": read_headers(fields), "body": body}


def gathers(headers):
    """So many bytes of a body are waited for, so that a short one leaves as one reply: the application has said how long it is."""
    for name, value in headers:
        if field_text(name).lower() == "content-length" and field_text(value).isdigit():
            return WINDOW_BYTES if int(value) <= WINDOW_BYTES else 0
    return 0


class WsgiHandler(object):
    def __init__(self, app, threads):
        self.app, self.threads = app, threads

    def __call__(self, event, context):
        body = WsgiBody()
        try:
            body.open(self.app, self.environ(event, context))
            first = body.read()
            if body.head is None:
                raise RuntimeError("The application did not call start_response")
            status, headers = body.head
            pieces, size, most = [first], len(first), gathers(headers)
            while pieces[-1] and (size <= most or body.is_list):
                pieces.append(body.read())
                size += len(pieces[-1])
        except BaseException:
            body.close()
            raise
        data, is_whole = b"".join(pieces), not pieces[-1]
        if is_whole:
            body.close()
        else:
            body.unread.appendleft(data)
        return reply_of(int(status.split(" ", 1)[0]), headers, data if is_whole else body)

    def environ(self, event, context):
        exchange = Exchange(event, context)
        body, length = exchange.body_and_length(context)
        query = str(exchange.query())
        uri = str(exchange.raw_path()) + ("?" + query if query else "")
        environ = {
            "REQUEST_METHOD": str(exchange.method),
            "SCRIPT_NAME": "",
            "PATH_INFO": native(exchange.path),
            "QUERY_STRING": query,
            "REQUEST_URI": uri,
            "RAW_URI": uri,
            "SERVER_NAME": exchange.host,
            "SERVER_PORT": exchange.port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": length,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": exchange.scheme,
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": self.threads > 1,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "core.event": event,
            "core.context": context,
        }
        if exchange.client:
            environ["REMOTE_ADDR"] = str(exchange.client)
        for name, value in exchange.headers:
            name, value = native(name).upper(), native(value)
            if "_" in name or name == "CONTENT-LENGTH":
                continue  # X_A would pass for X-A
            name = name.replace("-", "_")
            key = name if name == "CONTENT_TYPE" else "HTTP_" + name
            environ[key] = environ[key] + ("; " if name == "COOKIE" else ",") + value if key in environ else value
        return environ


class WsgiBody(object):
    """What an application makes, read like a file."""

    def __init__(self):
        self.head, self.iterable, self.iterator = None, None, iter(())
        self.unread = collections.deque()
        self.has_left = self.is_list = False

    def open(self, app, environ):
        self.iterable = app(environ, self.start_response)
        self.is_list = isinstance(self.iterable, (list, tuple))
        self.iterator = iter(self.iterable)

    def start_response(self, status, headers, exc_info=None):
        if exc_info and self.has_left:
            raise exc_info[1]
        if self.head is not None and not exc_info:
            raise AssertionError("start_response was called before, and there is no exc_info")
        self.head = (status, list(headers))
        return self.unread.append

    def read(self, *_):
        """The next piece that is not empty; an empty one behind the last."""
        while True:
            while self.unread:
                piece = self.unread.popleft()
                if piece:
                    self.has_left = True
                    return piece
            piece = next(self.iterator, OVER)
            if piece is not OVER:
                self.unread.append(piece)
            elif not self.unread:
                return b""

    def close(self):
        iterable, self.iterable, self.iterator = self.iterable, None, iter(())
        close = getattr(iterable, "close", None)
        if close is not None:
            close()


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
    """Runs the handler: of a call it makes the reply, in the form of the way by which it came."""

    def __init__(self, handler, reports, streams_bodies):
        self.handler = handler
        self.streams_bodies = streams_bodies  # the handler reads them from its context
        self.reports = reports
        self.loop = None  # for a plain function that returns a coroutine
        self.lock = threading.Lock()
        self.active = set()
        self.newest = None

    def begin(self, call):
        self.newest = call
        self.active.add(call)

    def end(self, call):
        self.active.discard(call)

    def open(self, call):
        """Returns (event, context); raises when the core did not write the call."""
        read = call.read()
        event, context = read.get("event"), Context(read.get("context") or {})
        if isinstance(event, dict):
            for name in ("headers", "multiValueHeaders"):
                if isinstance(event.get(name), dict):
                    event[name] = Headers(event[name])
        call.call_id = context.get("invocationId")
        if "target" in read:
            context.request_target = read["target"]  # as it came, where the event does not tell all of it; it stays out of JSON
        if self.streams_bodies:
            feed = call.feed or whole_feed(event)
            if isinstance(event, dict):
                for name in ("body", "isBase64Encoded"):
                    event.pop(name, None)
            context.body = FeedBody(feed, call.wait_for_body) if library.loop is None else AsyncFeedBody(feed)  # it stays out of JSON
        return event, context

    def settled(self, call_id):
        """Its connection is closed and it is over: the core counts on its end no longer."""
        if self.reports is not None and isinstance(call_id, text_type):
            self.reports.write({"settled": call_id})

    def run(self, call):
        if self.handler is None:
            return call.failure(NOT_LOADED)
        try:
            event, context = self.open(call)
        except (ValueError, KeyError, TypeError) as error:
            return call.unreadable("The request body is not JSON: %s\n" % error)
        invocation = outer = None
        if self.reports is not None:
            invocation = Invocation(context, self.reports)
            outer = current.set(invocation)
        attached = attach_trace(context)
        try:
            result = enter(self.handler, event, context)
            if hasattr(result, "__await__"):
                result = self.wait_for(result, context)
            end_forked()
            body = streamed(result)
            if body is not None:
                result = call.stream(body, self)
            return OVER if result is OVER else call.encode(result)
        except BaseException as error:  # SystemExit too: one call must not end its neighbours
            end_forked(error)
            return call.failure(failed(error))
        finally:
            detach_trace(attached)
            if invocation is not None:
                invocation.end()
                current.reset(outer)

    def start(self, loop, call, done):
        """The same for an async handler: `done` gets the reply, exactly once, when the task is over. Returns what cancels it."""
        try:
            event, context = self.open(call)
        except (ValueError, KeyError, TypeError) as error:
            return done(call.unreadable("The request body is not JSON: %s\n" % error))
        invocation = outer = None
        if self.reports is not None:
            invocation = Invocation(context, self.reports)
            outer = current.set(invocation)
        attached = attach_trace(context)
        try:
            task = loop.create_task(follow(self.handler(event, context), call))
        except BaseException as error:
            end_forked(error)
            reply = call.failure(failed(error))
            if invocation is not None:
                invocation.end()
            return done(reply)
        finally:
            detach_trace(attached)
            if invocation is not None:
                current.reset(outer)
        left, late = seconds_left(context), []

        def time_out():
            late.append(True)
            task.cancel()

        def finish(task):
            end_forked(None, task)
            if timer is not None:
                timer.cancel()
            try:
                result = task.result()
                if late:
                    raise TimedOut()
                reply = OVER if result is OVER else call.encode(result)
            except BaseException as error:
                outer = current.set(invocation)  # the loop calls back out of every call
                reply = call.failure(failed(TimedOut() if late else error))
                current.reset(outer)
            if invocation is not None:
                invocation.end()
            done(reply)

        timer = None if left is None else loop.call_later(left, time_out)
        call.outlive = nothing if timer is None else timer.cancel
        task.add_done_callback(finish)
        return task.cancel

    def begin_on_loop(self, coroutine):
        asyncio = library.load_asyncio()
        with self.lock:
            if self.loop is None:
                with library:
                    self.loop = asyncio.new_event_loop()
                if isinstance(current, ThreadCurrent):
                    current.follow_tasks(self.loop)
                start_thread(self.loop.run_forever)
        if isinstance(current, ThreadCurrent):
            current.hand_over(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def wait_for(self, coroutine, context):
        future = self.begin_on_loop(coroutine)
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
    """What the caller reads of it."""
    log_error(error, getattr(error, "__traceback__", sys.exc_info()[2]))
    return message_of(error)


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
    if is_bytes(result):
        result = {"body": to_base64(result), "isBase64Encoded": True}
    elif isinstance(result, Mapping):
        result = envelope(result)
        if is_bytes(result.get("body")):
            result = dict(result, body=to_base64(result["body"]), isBase64Encoded=True)
    return dump(result)


def dump(value):
    try:
        text = encode(value)
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair: only an escape can say it
            return encode_ascii(value).encode("ascii")
    except Exception as error:
        raise NotJson("The result of the function is not JSON: %s" % message_of(error))


def envelope(result):
    """A mapping as a dict, with headers and a body that the json module can write."""
    if type(result) is not dict:
        result = stored(result)
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


# Bodies that are made piece by piece


class Streamed(object):
    """A result, or its member `body`, that makes its pieces one by one."""

    def __init__(self, rest, source):
        self.rest, self.source = rest, source  # the members beside the body; None where the result is the body
        fields = [rest.get(name) for name in ("headers", "multiValueHeaders")] if rest else []
        self.is_typed = any(says_type(name) for each in fields if isinstance(each, dict) for name in each)

    def with_body(self, body):
        return body if self.rest is None else dict(self.rest, body=body)

    def head(self):
        """The JSON beside the body."""
        text = b"" if self.rest is None else dump(self.rest)
        if len(text) > PIECE_BYTES:
            raise NotJson("Beside a streamed body at most %d bytes of JSON have room" % PIECE_BYTES)
        return text


def says_type(name):
    return is_text(name) and name.lower() in ("content-type", "content-encoding")


def streamed(result):
    """None for a result that is there as a whole."""
    if isinstance(result, Mapping):
        body = result.get("body")
        if is_whole(body) or not is_source(body):
            return None
        result = envelope(result)
        return Streamed(without_body(result), body)
    return None if is_whole(result) or not is_source(result) else Streamed(None, result)


def is_whole(value):
    return value is None or isinstance(value, (text_type, bytes, bytearray, memoryview, bool, int, float, list, tuple, Mapping))


def is_source(value):
    """A generator, an async iterable, or a file that is open for reading. Other iterators mostly list values."""
    return isinstance(value, types.GeneratorType) or is_async_source(value) or is_open_file(value)


def is_async_source(value):
    return hasattr(type(value), "__aiter__")


def is_open_file(value):
    if isinstance(value, type) or not callable(getattr(value, "read", None)):
        return False
    readable = getattr(value, "readable", None)
    if callable(readable):
        return bool(readable())
    mode = getattr(value, "mode", "r")  # a file of Python 2 says only this
    return not isinstance(mode, str) or mode[:1] not in ("w", "a") or "+" in mode


def piece_bytes(piece):
    if isinstance(piece, text_type):
        return piece.encode("utf-8")
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes_of(piece)
    raise TypeError("A piece of a streamed body must be a text or bytes, not %s" % type(piece).__name__)


def is_text_piece(piece):
    return is_text(piece) and not is_bytes(piece)


class Pull(object):
    """Makes the pieces of a generator or a file, and closes it."""

    def __init__(self, source):
        self.source = source
        if isinstance(source, types.GeneratorType):
            self.make = lambda: next(source, OVER)
        else:
            read = getattr(source, "read1", None)  # which does not wait for more than there is
            read = read if callable(read) else source.read
            self.make = lambda: read(PIECE_BYTES) or OVER

    def next(self, *_):
        piece = make_piece(self.make)
        end_forked()
        return piece

    def stop(self):
        close = getattr(self.source, "close", None)
        if callable(close):
            make_piece(close)
            end_forked()


class LoopPull(object):
    """Makes the pieces of an async source for a thread: a plain function has returned it."""

    def __init__(self, source, calls):
        library.load_asyncio()
        self.pull, self.begin_on_loop = AsyncPull(source), calls.begin_on_loop

    def next(self, is_left):
        return self.wait_for(self.pull.next(), is_left)

    def stop(self):
        self.wait_for(self.pull.stop(), lambda: False)

    def wait_for(self, coroutine, is_left):
        future = self.begin_on_loop(coroutine)
        while True:
            try:
                return make_piece(lambda: future.result(LOOK_S))
            except library.futures.TimeoutError:
                if future.done():
                    raise
                if is_left():
                    future.cancel()
                    return OVER


class ThreadPull(object):
    """Makes the pieces of a generator or a file for a loop, in a thread of its own: one that waits holds up nobody."""

    def __init__(self, loop, source):
        self.loop, self.pull, self.run = loop, Pull(source), in_scope()
        self.asked, self.todo = threading.Semaphore(0), collections.deque()
        start_thread(self.work)

    def next(self):
        return self.ask(self.pull.next)

    def stop(self):
        return self.ask(self.pull.stop)

    def ask(self, do):
        answer = self.loop.create_future()
        self.todo.append((do, answer))
        self.asked.release()
        return answer

    def work(self):
        do = None
        while do != self.pull.stop:
            self.asked.acquire()
            do, answer = self.todo.popleft()
            value = error = None
            try:
                value = self.run(do)
            except BaseException as raised:
                end_forked(raised)
                error = raised
            try:
                self.loop.call_soon_threadsafe(settle, answer, value, error)
            except RuntimeError:
                return  # the loop is closed


def settle(answer, value, error):
    if answer.done():
        return  # it was cancelled
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(RuntimeError(message_of(error)) if isinstance(error, StopIteration) else error)


def make_piece(make):
    """Its frame marks where the function goes on, as that of `enter` where it begins."""
    return make()


def stop_pull(pull):
    try:
        pull.stop()
    except BaseException as error:
        tell_unstopped(error)


def tell_unstopped(error):
    end_forked(error)
    log_error(error, getattr(error, "__traceback__", sys.exc_info()[2]), None, "core-bridge: error while a stream was stopped: ")


class Gathered(object):
    """A streamed body where it cannot leave as it is made."""

    def __init__(self, body, is_left):
        self.body, self.is_left = body, is_left
        self.pieces, self.size, self.is_text = [], 0, True

    def put(self, piece):
        if piece is OVER:
            return
        data = piece_bytes(piece)
        self.is_text = self.is_text and is_text_piece(piece)
        self.size += len(data)
        if self.size > GATHERED_MAX_BYTES:
            raise NotJson("A streamed body of more than %d bytes cannot be gathered" % GATHERED_MAX_BYTES)
        self.pieces.append(data)

    def result(self):
        data = b"".join(self.pieces)
        return self.body.with_body(data.decode("utf-8") if self.is_text else data)

    # What a flow on a loop has, too

    def begin_soon(self, loop):
        pass

    def end(self):
        pass

    def is_full(self):
        return False


# Python 2 cannot parse this. Everything in it runs on a loop.
COROUTINES = """
# An async handler and the stream that it returns, in one task.
async def follow(made, call):
    result = await made if hasattr(made, "__await__") else made
    body = streamed(result)
    return result if body is None else await pump(body, call.open_flow(body))


# Sends a body as it is made. Returns what stands for the reply.
async def pump(body, flow):
    loop = library.asyncio.get_event_loop()
    pull = AsyncPull(body.source) if is_async_source(body.source) else ThreadPull(loop, body.source)
    try:
        flow.begin_soon(loop)
        piece = None
        while piece is not OVER:
            piece = await pull.next()
            if flow.is_left():
                break
            flow.put(piece)
            while flow.is_full():
                await flow.room(loop)
    except library.asyncio.CancelledError:
        if not flow.is_left():
            raise
    finally:
        flow.end()
        try:
            await pull.stop()
        except BaseException as error:
            tell_unstopped(error)
    return flow.result()


# Makes the pieces of an async iterable, and closes it.
class AsyncPull:
    def __init__(self, source):
        self.source, self.iterator = source, source.__aiter__()

    async def next(self):
        try:
            return await self.iterator.__anext__()
        except StopAsyncIteration:
            return OVER

    async def stop(self):
        for each in (self.iterator, self.source):
            close = getattr(each, "aclose", None)
            if callable(close):
                await close()


# An ASGI application, as a handler.
class AsgiHandler:
    version = {"version": "3.0", "spec_version": "2.3"}

    def __init__(self, app):
        self.app, self.state, self.running = app, {}, set()
        self.lifespan, self.refusal = None, None

    async def __call__(self, event, context):
        return await AsgiCall(self, event, context).result()

    # Lifespan. An application that raises knows none.

    async def start_up(self):
        asyncio = library.asyncio
        loop = asyncio.get_event_loop()
        self.inbox, self.started, self.stopped = asyncio.Queue(), loop.create_future(), loop.create_future()
        await self.inbox.put({"type": "lifespan.startup"})
        self.lifespan = loop.create_task(self.live())
        await self.started

    async def live(self):
        try:
            await self.app({"type": "lifespan", "asgi": self.version, "state": self.state}, self.inbox.get, self.hear)
        except BaseException as error:
            end_forked(error)
            if self.refusal is not None:
                settle(self.started, None, error)
            elif self.started.done() and not isinstance(error, library.asyncio.CancelledError):
                log_error(error, error.__traceback__, None, "core-bridge: the application failed outside of a call: ")
        end_forked()
        settle(self.started, None, None if self.refusal is None else RuntimeError(self.refusal))
        settle(self.stopped, None, None)

    async def hear(self, message):
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            settle(self.started, None, None)
        elif kind == "lifespan.startup.failed":
            self.refusal = (message.get("message") or "the application said lifespan.startup.failed").strip().splitlines()[-1]
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            if kind.endswith("failed"):
                log("core-bridge: the application could not shut down: %s\\n" % message.get("message", ""))
            settle(self.stopped, None, None)
        else:
            raise ValueError("%s has no place in a lifespan" % kind)

    # What still runs behind its reply has a while to end.
    async def shut_down(self):
        wait = library.asyncio.wait
        if self.running:
            await wait(list(self.running), timeout=SHUT_DOWN_S)
        if self.lifespan is not None and not self.lifespan.done():
            await self.inbox.put({"type": "lifespan.shutdown"})
            await wait([self.stopped], timeout=SHUT_DOWN_S)


# One call of an ASGI application, which runs in a task of its own: it may go on behind its reply.
class AsgiCall:
    def __init__(self, handler, event, context):
        exchange = Exchange(event, context)
        self.handler, self.head = handler, None
        self.feed = getattr(context, "body", None)
        self.body = exchange.body() if self.feed is None else None
        self.made = library.asyncio.Queue(1)
        self.gone = library.asyncio.Event()  # nothing is waited for: all of the reply was made, or nobody wants it
        self.is_over = self.is_left = False
        self.scope = {
            "type": "http",
            "asgi": handler.version,
            "http_version": "1.1",
            "method": exchange.method,
            "scheme": exchange.scheme,
            "path": exchange.path.decode("utf-8"),
            "raw_path": exchange.raw_path().encode("ascii"),
            "query_string": exchange.query().encode("ascii"),
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in exchange.headers],
            "client": (exchange.client, 0) if exchange.client else None,
            "server": (exchange.host, int(exchange.port)),
            "state": dict(handler.state),
            "core.event": event,
            "core.context": context,
        }

    async def result(self):
        self.task = library.asyncio.get_event_loop().create_task(self.run())
        self.handler.running.add(self.task)
        self.task.add_done_callback(self.handler.running.discard)
        try:
            data, is_last = await self.take()
            status, headers = self.head["status"], list(self.head.get("headers", ()))
            most = gathers(headers)
            while not is_last and most and len(data) <= most:
                piece, is_last = await self.take()
                data += piece
        except BaseException:
            await self.stop()
            raise
        return reply_of(status, headers, data if is_last else AsgiBody(self, data))

    async def run(self):
        try:
            await self.handler.app(self.scope, self.receive, self.send)
            end_forked()
            if not self.is_over and not self.is_left:
                raise RuntimeError("The application ended before its response")
        except BaseException as error:
            end_forked(error)
            if not self.is_over and not self.is_left:
                await self.made.put((None, error))
            elif not isinstance(error, library.asyncio.CancelledError):
                log_error(error, error.__traceback__)

    async def receive(self):
        if self.feed is not None:
            try:
                piece = await self.feed.read1()
            except IOError:
                self.feed = None
                return {"type": "http.disconnect"}
            if not piece:
                self.feed = None
            return {"type": "http.request", "body": piece, "more_body": bool(piece)}
        if self.body is not None:
            body, self.body = self.body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        kind = message["type"]
        if kind == "http.response.start" and self.head is None:
            self.head = message
        elif kind == "http.response.body" and self.head is not None and not self.is_over:
            self.is_over = not message.get("more_body", False)
            if self.is_over:
                self.gone.set()
            if self.is_left:
                await library.asyncio.sleep(0.01)  # one that never looks whether it is wanted must not hold the loop
            else:
                await self.made.put((bytes(message.get("body", b"")), self.is_over))
        else:
            raise RuntimeError("%s has no place here in a response" % kind)

    async def take(self):
        data, is_last = await self.made.get()
        if data is None:
            raise is_last
        return data, is_last

    # Nobody wants the rest: it hears of that, and is cancelled if it does not end.
    async def stop(self):
        self.is_left = True
        self.gone.set()
        while not self.made.empty():
            self.made.get_nowait()
        _, running = await library.asyncio.wait([self.task], timeout=STOP_S)
        if running:
            self.task.cancel()
            await library.asyncio.wait([self.task])


# A body that comes as it is read, where nothing may wait but the loop.
class AsyncFeedBody:
    def __init__(self, feed):
        self.feed, self.rest, self.waiters = feed, b"", []
        feed.wake = self.wake

    def wake(self, *_):
        waiters, self.waiters = self.waiters, []
        for each in waiters:
            if not each.done():
                each.set_result(None)

    # What is there, or the next that comes; nothing behind the last.
    async def read1(self, size=-1):
        while not self.rest and not self.feed.is_ready():
            waiter = library.asyncio.get_event_loop().create_future()
            self.waiters.append(waiter)
            await waiter
        data = self.rest or self.feed.next()
        if size is None or size < 0:
            size = len(data)
        self.rest = data[size:]
        return data[:size]

    # So many bytes, or all, or what there is before the end.
    async def read(self, size=-1):
        is_all, pieces = size is None or size < 0, []
        while is_all or size > 0:
            piece = await self.read1(-1 if is_all else size)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def __aiter__(self):
        return self

    async def __anext__(self):
        piece = await self.read1()
        if not piece:
            raise StopAsyncIteration
        return piece


class AsgiBody:
    def __init__(self, call, first):
        self.call, self.first, self.is_over = call, first, False

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.first is not None:
            first, self.first = self.first, None
            return first
        if self.is_over:
            raise StopAsyncIteration
        piece, self.is_over = await self.call.take()
        return piece

    async def aclose(self):
        if not self.is_over:
            self.is_over = True
            await self.call.stop()
"""


# Calls on the channel: runtimes/README.md says what the frames are

CALL, BODY, CANCEL, CREDIT, PING = 1, 2, 3, 4, 5
RESULT, DATA, END, FAILED, PONG = 17, 18, 19, 20, 21
UNKNOWN_BYTES = 0xFFFFFFFF
FIRST_BYTES = 4096  # so much of its first piece tells what type a body is
HEAD = struct.Struct(">IBI")  # length, type, call
LEAD = struct.Struct(">BII")  # form, bytes of JSON, bytes of body
FRAME_MAX_BYTES = 1048576
PIECE_BYTES = 65536
WINDOW_BYTES = 262144
JSON_FORM, TEXT_FORM, BYTES_FORM = 0, 1, 2


def open_calls(fd):
    """The socket on which calls come; None when the core gave none."""
    try:
        if fd is None or not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return None
    except OSError:
        return None
    set_close_on_exec(fd)
    if PY2:
        sock = socket.fromfd(fd, socket.AF_UNIX, socket.SOCK_STREAM)
        os.close(fd)
        set_close_on_exec(sock.fileno())
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=fd)
    sock.setblocking(True)
    ours.add(sock)
    return sock


class FrameReader(object):
    """Cuts what arrives into frames, which may come in pieces."""

    def __init__(self):
        self.parts, self.have, self.need = [], 0, 0

    def read(self, data):
        """The frames that are whole now: (type, call, payload)."""
        if self.parts:
            self.parts.append(data)
            self.have += len(data)
            if self.have < self.need:
                return ()
            data = b"".join(self.parts)
            self.parts = []
        frames, at, size, self.need = [], 0, len(data), HEAD.size
        while size - at >= HEAD.size:
            length, kind, number = HEAD.unpack_from(data, at)
            if length > FRAME_MAX_BYTES:
                raise ValueError("a frame of %d bytes, longest = %d" % (length, FRAME_MAX_BYTES))
            end = at + HEAD.size + length
            if end > size:
                self.need = end - at
                break
            frames.append((kind, number, data[at + HEAD.size : end]))
            at = end
        if at < size:
            self.parts, self.have = [data[at:]], size - at
        return frames


class Feed(object):
    """A body of a call that the handler reads as it comes. Credit for more follows what it has read."""

    def __init__(self, grant):
        self.pieces, self.is_whole, self.failure = collections.deque(), False, None
        self.lock, self.grant, self.owed = threading.Lock(), grant, 0
        self.wake = nothing

    def take(self, piece):
        with self.lock:
            if piece and self.failure is None:
                self.pieces.append(piece)
            self.is_whole = self.is_whole or not piece
        self.wake()

    def end(self, why):
        """Nothing more comes, and no credit is given any more. What came can still be read if it is all."""
        with self.lock:
            self.grant = nothing
            if not self.is_whole and self.failure is None:
                self.failure = why
                self.pieces.clear()
        self.wake()

    def is_ready(self):
        return bool(self.pieces) or self.is_whole or self.failure is not None

    def next(self):
        """The next piece once it is ready; an empty one behind the last. What breaks off never looks like that."""
        with self.lock:
            if self.failure is not None:
                raise IOError(self.failure)
            if not self.pieces:
                return b""
            piece = self.pieces.popleft()
            self.owed += len(piece)
            if self.owed >= PIECE_BYTES and not self.is_whole:
                owed, self.owed = self.owed, 0
                self.grant(owed)
            return piece


def whole_feed(event):
    """A body that came whole, read like any other."""
    feed = Feed(nothing)
    body = body_of(event) if isinstance(event, dict) else b""
    if body:
        feed.take(body)
    feed.take(b"")
    return feed


class FeedFile(io.RawIOBase):
    def __init__(self, feed, wait):
        self.feed, self.wait, self.rest = feed, wait, b""

    def readable(self):
        return True

    def readinto(self, into):
        if not self.rest:
            self.wait(self.feed)
            self.rest = self.feed.next()
        size = min(len(into), len(self.rest))
        into[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size


class FeedBody(io.BufferedReader):
    """The body as a file. It is iterated over in pieces, as they come; for a WSGI application in lines, as the standard says."""

    has_lines = False

    def __init__(self, feed, wait):
        io.BufferedReader.__init__(self, FeedFile(feed, wait), PIECE_BYTES)

    def __iter__(self):
        return io.BufferedReader.__iter__(self) if self.has_lines else iter(self.next_piece, b"")

    def next_piece(self):
        return self.read1(PIECE_BYTES)


class FrameCall(object):
    """A call that came in frames. Its reply is (form, JSON, body), or (None, message) when it failed."""

    __slots__ = "number form json_bytes missing parts call_id allowed sent is_cancelled cancel outlive line open_flow feed".split()

    def __init__(self, number, payload):
        self.number = number
        self.form, self.json_bytes, body_bytes = LEAD.unpack_from(payload)
        self.feed = Feed(nothing) if body_bytes == UNKNOWN_BYTES else None
        self.missing, self.parts = self.json_bytes + (0 if self.feed else body_bytes), []
        self.call_id = None
        # Bytes of its reply that may be sent, and that were. Two threads may write them, each its own: so no count is lost.
        self.allowed, self.sent = WINDOW_BYTES, 0
        self.is_cancelled = False
        self.cancel = None  # of an async handler
        self.take(payload[LEAD.size :])

    @property
    def credit(self):
        return self.allowed - self.sent

    def take(self, payload):
        self.missing -= len(payload)
        if self.missing < 0:
            raise ValueError("more bytes of a call than it announced")
        self.parts.append(payload)

    def read(self):
        """The JSON of the call as a value."""
        run = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts = None
        call = json.loads(run[: self.json_bytes].decode("utf-8"))
        if self.feed is not None:
            return call
        event, body = call["event"], run[self.json_bytes :] if PY2 else memoryview(run)[self.json_bytes :]
        if self.form == 1:
            body = base64.b64encode(body)
        if isinstance(event, dict):
            event["body"] = text_type(body, "utf-8")
            event["isBase64Encoded"] = self.form != 0
        return call

    @staticmethod
    def encode(result):
        if result is None:
            return JSON_FORM, b"", b""
        if is_bytes(result):
            return BYTES_FORM, b"", bytes_of(result)
        if is_text(result):
            body = text_bytes(result)
            return (JSON_FORM, dump(result), b"") if body is None else (TEXT_FORM, b"", body)
        if type(result) is dict or isinstance(result, Mapping):
            result = envelope(result)
            body = result.get("body")
            if is_bytes(body):
                return BYTES_FORM, dump(without_body(result)), bytes_of(body)
            if is_text(body):
                body = text_bytes(body)
                if body is not None:
                    return TEXT_FORM, dump(without_body(result)), body
        return JSON_FORM, dump(result), b""

    @staticmethod
    def failure(message):
        return None, to_bytes(message)

    unreadable = failure

    def perform(self, _):
        self.line.run(self)

    def stream(self, body, _):
        return self.line.stream(self, body)

    def wait_for_body(self, feed):
        self.line.wait_for_body(feed)


def without_body(result):
    rest = dict(result)
    del rest["body"]
    return rest


def is_text(value):
    return isinstance(value, (text_type, str))


def text_bytes(text):
    """None for half of a surrogate pair: only an escape in JSON can say it."""
    if PY2:
        if not isinstance(text, text_type):
            return text
        return None if HALF_PAIR.search(text) else text.encode("utf-8")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return None


HALF_PAIR = re.compile(u"[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")


def bytes_of(value):
    return value.tobytes() if isinstance(value, memoryview) else bytes(value)


def open_frame(call, body, piece):
    """The first frame of a body whose length is not known, and what is left of its first piece, which may not be made yet."""
    text, data = body.head(), b"" if piece is NOT_MADE or piece is OVER else piece_bytes(piece)
    first = data[:FIRST_BYTES]
    form = TEXT_FORM if data and is_text_piece(piece) else BYTES_FORM
    call.sent += len(text) + len(first)
    lead = LEAD.pack(form, len(text), UNKNOWN_BYTES)
    return HEAD.pack(LEAD.size + len(text) + len(first), RESULT, call.number) + lead + text + first, memoryview(data)[len(first) :]


def first_frame(call, answer):
    """The first frame of a reply, or the only one, and what is left of it."""
    if answer is OVER:
        return end_frame(call), None
    if answer[0] is None:
        message = answer[1]
        if len(message) > PIECE_BYTES:
            message = message[:PIECE_BYTES].decode("utf-8", "ignore").encode("utf-8")
        return failed_frame(call, message), None
    form, text, body = answer
    size = len(text) + len(body)
    lead = LEAD.pack(form, len(text), len(body))
    if size <= PIECE_BYTES:
        return HEAD.pack(LEAD.size + size, RESULT, call.number) + lead + text + body, None
    if len(text) > PIECE_BYTES:
        return HEAD.pack(LEAD.size, RESULT, call.number) + lead, memoryview(text + body)
    call.sent += len(text)
    return HEAD.pack(LEAD.size + len(text), RESULT, call.number) + lead + text, memoryview(body)


def next_piece(call, rest):
    """The next frame of a long reply, as far as its credit goes, and what is left then."""
    size = min(len(rest), PIECE_BYTES, call.credit)
    call.sent += size
    return HEAD.pack(size, DATA, call.number) + rest[:size].tobytes(), rest[size:]


def end_frame(call):
    return HEAD.pack(0, END, call.number)


def failed_frame(call, message):
    return HEAD.pack(len(message), FAILED, call.number) + message


PONG_FRAME = HEAD.pack(0, PONG, 0)


class CallReader(object):
    """Makes calls of frames: `begin(call)` for each that is whole, `give_up(call)` for one that nobody waits for."""

    def __init__(self, begin, credit, give_up, write, fed):
        self.frames, self.open, self.fed = FrameReader(), {}, fed
        self.begin, self.credit, self.give_up, self.write = begin, credit, give_up, write

    def read(self, data):
        for kind, number, payload in self.frames.read(data):
            if kind == CALL:
                call = self.open[number] = FrameCall(number, payload)
                if call.feed is not None:
                    call.feed.grant = self.granting(number)
                if call.missing == 0:
                    self.begin(call)
            elif kind == PING:
                self.write(PONG_FRAME)
            elif number not in self.open:
                continue  # it has just ended, or the type is not known
            elif kind == BODY:
                call = self.open[number]
                if call.feed is not None and call.missing == 0:
                    call.feed.take(payload)
                    self.fed()
                    continue
                call.take(payload)
                if call.missing == 0:
                    self.begin(call)
            elif kind == CREDIT:
                call = self.open[number]
                call.allowed += struct.unpack(">I", payload)[0]
                self.credit(call)
            elif kind == CANCEL:
                call = self.open[number]
                if call.missing > 0:
                    self.write(self.end(call))
                elif not call.is_cancelled:
                    call.is_cancelled = True
                    if call.feed is not None:
                        call.feed.end(BODY_BROKE_OFF)
                    self.give_up(call)

    def granting(self, number):
        return lambda count: self.write(HEAD.pack(4, CREDIT, number) + struct.pack(">I", count))

    def end(self, call):
        """Its last frame follows. The core may use the number again."""
        self.open.pop(call.number, None)
        if call.feed is not None:
            call.feed.end(BODY_BROKE_OFF)
            self.fed()  # a thread that the handler left behind may still read
        return end_frame(call)

    def end_bodies(self):
        """The core has ended its side: no body is completed any more."""
        for call in list(self.open.values()):
            if call.feed is not None:
                call.feed.end(CHANNEL_ENDED_IN_BODY)

    def break_off(self, call):
        """The rest of its reply is not wanted, or nobody gives it credit any more."""
        return self.end(call) if call.is_cancelled else failed_frame(call, CHANNEL_ENDED.encode("ascii"))


CHANNEL_ENDED = "The channel ended before the reply was sent"
CHANNEL_ENDED_IN_BODY = "The channel ended before the request was complete"
BODY_BROKE_OFF = "The request ended before it was complete"


# Serving plain handlers


def start_thread(work, *args):
    thread = threading.Thread(target=work, args=args)
    thread.daemon = True
    thread.start()
    return thread


class Stop(object):
    """What SIGTERM asks for. `then` ends the serving."""

    def __init__(self, calls):
        self.calls = calls
        self.is_set = self.is_asked = False
        self.then = self.ends_at = None

    def set(self):
        if not self.is_set:
            self.is_set = True
            self.then()

    def ask(self):
        """A service manager sends SIGTERM to every process at once, and the core may still have calls: they are served."""
        if not self.is_asked:
            self.is_asked = True
            start_thread(self.wait)

    def wait(self):
        reports, rest = self.calls.reports, Rest(self.calls)
        while reports is not None and not self.is_set and not reports.is_let_go(LOOK_S) and not rest.is_over():
            pass
        self.set()

    def is_over(self):
        """At the end of the stream the core sends SIGTERM as well. A handler of the function's on it still has to run."""
        if self.is_asked or not callable(signals.get(signal.SIGTERM)):
            return True
        self.ends_at = self.ends_at or clock() + TERM_WAIT_S
        return clock() > self.ends_at

    def on_signals(self, ask):
        for number in (signal.SIGTERM, signal.SIGINT):
            signals.follow(number, ask)


class Rest(object):
    """Over when several looks in a row have found no call."""

    def __init__(self, calls):
        self.calls, self.seen, self.looks = calls, calls.newest, 0

    def is_over(self):
        is_busy = bool(self.calls.active) or self.calls.newest is not self.seen
        self.seen = self.calls.newest
        self.looks = 0 if is_busy else self.looks + 1
        return self.looks >= REST_LOOKS


def stop_reading(sock):
    """What has come already is read; then the stream is at its end, as when the core ends it."""
    try:
        sock.shutdown(socket.SHUT_RD)
    except (OSError, socket.error):
        pass  # the core is gone


def serve_in_threads(settings, calls, stop, sock, listener, report):
    queue = CallQueue(calls)
    if sock is not None and settings.threads == 1 and not settings.streams_bodies:
        line = LoneLine(sock, calls)
        stop.then = lambda: stop_reading(sock)
    else:
        if sock is not None:
            line = Line(sock, calls, queue)
            stop.then = lambda: stop_reading(sock)
            start_thread(line.serve)
        else:
            server = open_server(listener, settings, calls, stop, queue.put)
            stop.then = lambda: server.finish(queue.close)
        line = queue
    stop.on_signals(stop.ask)
    if sock is None:
        server.start()
    if PY2:
        return work_in_threads(settings.threads, line.work, report)
    threads = [start_thread(line.work) for _ in range(settings.threads - 1)]
    if line is queue:
        wake_at_signals(queue)
    report()
    line.work()
    for thread in threads:
        thread.join()


def wake_at_signals(queue):
    """A signal that comes while the main thread is about to wait would be noticed at the next call only."""
    awake = signal_pipe()

    def wake():
        while os.read(awake, 64):
            queue.wake()

    start_thread(wake)


def signal_pipe():
    """A descriptor that has bytes to read when signals came."""
    awake, waker = own_pipe()
    set_nonblocking(waker)
    signal.set_wakeup_fd(waker)
    return awake


def own_pipe():
    """Two descriptors that nothing inherits."""
    pair = os.pipe()
    for fd in pair:
        set_close_on_exec(fd)
        ours.add(fd)
    return pair


def work_in_threads(count, work, report):
    """In Python 2 the main thread runs no handler, but the function's handlers of signals.

    It waits for a pipe that signals write to: one that comes while it is about to wait interrupts nothing.
    """
    awake = signal_pipe()
    ended, tell = own_pipe()

    def work_and_tell():
        work()
        os.write(tell, b"!")

    for _ in range(count):
        start_thread(work_and_tell)
    report()
    while count > 0:
        try:
            ready = select.select([ended, awake], [], [])[0]
            if awake in ready:
                os.read(awake, 64)
            if ended in ready:
                count -= len(os.read(ended, 1))
        except (OSError, select.error):
            pass  # a signal came


class AnyLine(object):
    """How a thread runs a call of the channel and writes its reply. The kinds of line differ in how it waits for credit."""

    def run(self, call):
        if call.is_cancelled:
            return self.write(self.reader.end(call))
        self.calls.begin(call)
        frame, rest = first_frame(call, self.calls.run(call))
        if rest is None:
            self.reader.end(call)
        self.write(frame)
        while rest is not None:
            self.wait_for_credit(call)
            if call.is_cancelled or self.is_ended:
                self.write(self.reader.break_off(call))
                break
            frame, rest = next_piece(call, rest)
            if not rest:
                self.reader.end(call)
                rest = None
            self.write(frame)
        self.calls.end(call)

    def stream(self, call, body):
        """Sends a body as it is made."""
        pull = LoopPull(body.source, self.calls) if is_async_source(body.source) else Pull(body.source)

        def is_left():
            self.look()
            return call.is_cancelled

        try:
            piece = NOT_MADE if body.is_typed else pull.next(is_left)
            if is_left():
                return OVER
            frame, rest = open_frame(call, body, piece)
            self.write(frame)
            while piece is not OVER and self.send(call, rest) and not is_left():
                piece = pull.next(is_left)
                rest = b"" if piece is OVER else memoryview(piece_bytes(piece))
        finally:
            stop_pull(pull)
        return OVER

    def send(self, call, rest):
        """Returns, once there is credit for more, whether more is wanted."""
        while True:
            self.wait_for_credit(call)
            if call.is_cancelled:
                return False
            if call.credit == 0:
                raise EOFError(CHANNEL_ENDED)
            if not rest:
                return True
            frame, rest = next_piece(call, rest)
            self.write(frame)

    def lacks_credit(self, call):
        return call.credit == 0 and not call.is_cancelled and not self.is_ended


class LoneLine(AnyLine):
    """Calls on the channel, one at a time: the thread that reads a call runs it and writes its reply, without a hand-over."""

    def __init__(self, sock, calls):
        self.sock, self.calls = sock, calls
        self.ready = collections.deque()
        self.reader = CallReader(self.ready.append, nothing, nothing, self.write, nothing)
        self.is_ended = False

    def work(self):
        while True:
            while self.ready:
                call = self.ready.popleft()
                call.line = self
                self.run(call)
            if self.is_ended:
                return
            self.receive()

    def receive(self):
        try:
            data = self.sock.recv(PIECE_BYTES * 4)
        except (OSError, socket.error) as error:
            if error.errno == errno.EINTR:  # Python 2
                return
            data = b""  # the core is gone
        if data:
            self.reader.read(data)
        else:
            self.is_ended = True

    def write(self, frame):
        send_all(self.sock, frame)

    def look(self):
        """Reads what has come: nobody else does while a stream is made."""
        try:
            while not self.is_ended and select.select([self.sock], [], [], 0)[0]:
                self.receive()
        except (OSError, select.error):
            pass  # Python 2: a signal came

    def wait_for_credit(self, call):
        while self.lacks_credit(call):
            self.receive()


def nothing(*_):
    pass


def send_all(sock, data):
    """A signal does not end it, nor does a core that is gone."""
    while data:
        try:
            sent = sock.send(data)
        except (OSError, socket.error) as error:
            if error.errno != errno.EINTR:
                return
        else:
            if sent == len(data):
                return
            data = memoryview(data)[sent:]


class CallQueue(object):
    """Calls wait here for a thread that is free."""

    def __init__(self, calls):
        self.calls = calls
        self.waiting, self.changed = collections.deque(), threading.Condition()
        self.is_closed = False

    def put(self, call):
        with self.changed:
            self.waiting.append(call)
            self.changed.notify()

    def close(self):
        self.is_closed = True
        self.wake()

    def wake(self):
        with self.changed:
            self.changed.notify_all()

    def work(self):
        while True:
            with self.changed:
                while not self.waiting:
                    if self.is_closed:
                        return
                    self.changed.wait()
                call = self.waiting.popleft()
            call.perform(self.calls)


class Line(AnyLine):
    """Calls on the channel, several at a time: one thread reads, and answers PING whatever the handlers do."""

    def __init__(self, sock, calls, queue):
        self.sock, self.calls, self.queue = sock, calls, queue
        self.writing, self.changed = threading.Lock(), threading.Condition()
        self.is_ended = False
        self.reader = CallReader(self.begin, self.wake, self.wake, self.write, self.wake)

    def serve(self):
        while not self.is_ended:
            try:
                data = self.sock.recv(PIECE_BYTES * 4)
            except (OSError, socket.error) as error:
                if error.errno == errno.EINTR:  # Python 2
                    continue
                data = b""  # the core is gone
            try:
                self.reader.read(data)
            except (ValueError, struct.error):
                log(traceback.format_exc())
                data = b""
            if not data:
                self.is_ended = True
                self.reader.end_bodies()
                self.wake()
        self.queue.close()

    def wake(self, *_):
        with self.changed:
            self.changed.notify_all()

    def write(self, frame):
        with self.writing:
            send_all(self.sock, frame)

    def look(self):
        pass  # its thread has read it

    def begin(self, call):
        call.line = self
        self.queue.put(call)

    def wait_for_credit(self, call):
        with self.changed:
            while self.lacks_credit(call):
                self.changed.wait()

    def wait_for_body(self, feed):
        with self.changed:
            while not feed.is_ready():
                self.changed.wait()


# Serving async handlers


def serve_on_loop(settings, calls, stop, sock, listener, report):
    loop = library.loop
    if isinstance(current, ThreadCurrent):
        current.follow_tasks(loop)
    hold_loop(loop)
    forks.find_task = lambda: current_task(loop)
    if sock is not None:
        serve_line_on_loop(loop, sock, calls, stop)
        stop.then = lambda: stop_reading(sock)
    else:

        def begin(call):
            call.begin_on(loop, calls)

        server = open_server(listener, settings, calls, stop, lambda call: loop.call_soon_threadsafe(begin, call))
        stop.then = lambda: server.finish(lambda: loop.call_soon_threadsafe(loop.stop))
    # A handler that the function has added to the loop is called by the loop: it runs before.
    stop.on_signals(lambda: loop.call_soon_threadsafe(loop.call_later, 0.01, stop.ask))
    if sock is None:
        server.start()
    report()
    while True:
        try:
            loop.run_forever()
            return
        except BaseException as error:  # sys.exit() in a task ends the loop's run; the call has its answer already
            end_forked(error, forks.task)
            log(traceback.format_exc())


def serve_line_on_loop(loop, sock, calls, stop):
    asyncio = library.asyncio
    state = {"ended": False, "flushing": False, "is_stuck": False}
    unsent, long_replies, flows = [], {}, {}

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            state["transport"] = transport

        def data_received(self, data):
            reader.read(data)

        def eof_received(self):
            end()
            return True  # replies are still to be written

        def connection_lost(self, error):
            end()

        def pause_writing(self):
            state["is_stuck"] = True  # streams wait; the window bounds the rest

        def resume_writing(self):
            state["is_stuck"] = False
            for flow in list(flows.values()):
                flow.go_on()

    def begin(call):
        calls.begin(call)
        call.open_flow = lambda body: flows.setdefault(call, Flow(call, body, write, state))
        call.cancel = calls.start(loop, call, lambda answer: finish(call, answer))

    def finish(call, answer):
        call.cancel = None
        flows.pop(call, None)
        if call.is_cancelled:
            return over(call, end_frame(call))
        frame, rest = first_frame(call, answer)
        if rest is None:
            return over(call, frame)
        write(frame)
        long_replies[call] = rest
        go_on(call)

    def go_on(call):
        if call in flows:
            flows[call].go_on()
        rest = long_replies.get(call)
        if rest is None:
            return
        frame = None
        while rest and call.credit > 0:
            if frame is not None:
                write(frame)
            frame, rest = next_piece(call, rest)
        long_replies[call] = rest
        if not rest:
            del long_replies[call]
            over(call, frame)
        elif frame is not None:
            write(frame)

    def give_up(call):
        if call in long_replies:
            del long_replies[call]
            over(call, reader.break_off(call))
        elif call.cancel is not None:
            call.cancel()

    def over(call, frame):
        reader.end(call)
        calls.end(call)
        write(frame)

    def write(frame):
        """The frames of one turn leave in one write."""
        unsent.append(frame)
        if not state["flushing"]:
            state["flushing"] = True
            loop.call_soon(flush)

    def flush():
        state["flushing"] = False
        state["transport"].write(b"".join(unsent))
        del unsent[:]
        leave_if_idle()

    def end():
        state["ended"] = True
        reader.end_bodies()
        for call in list(long_replies):  # nobody gives it credit any more
            give_up(call)
        for flow in list(flows.values()):
            flow.go_on()
        leave_if_idle()

    def leave_if_idle():
        if state["ended"] and not calls.active and not state["flushing"]:
            is_sent = state["transport"].get_write_buffer_size() == 0 or state["transport"].is_closing()
            if not is_sent or not stop.is_over():
                loop.call_later(0.01, leave_if_idle)
            else:
                loop.stop()

    reader = CallReader(begin, go_on, give_up, write, nothing)
    sock.setblocking(False)
    with library:
        loop.run_until_complete(loop.create_unix_connection(Protocol, None, sock=sock))


class Flow(object):
    """A streamed body on its way from a loop: what was made waits here until there is credit for it."""

    def __init__(self, call, body, write, state):
        self.call, self.body, self.write, self.state = call, body, write, state
        self.rest, self.has_begun, self.soon, self.waiter = b"", False, None, None
        call.outlive()  # the core says how long a stream may take

    def begin_soon(self, loop):
        """With a type the head leaves behind this turn, unless the first piece, or a failure, comes in it."""
        if self.body.is_typed:
            self.soon = loop.call_soon(self.begin, NOT_MADE)

    def begin(self, piece):
        frame, self.rest = open_frame(self.call, self.body, piece)
        self.has_begun = True
        self.write(frame)

    def is_left(self):
        return self.call.is_cancelled

    def put(self, piece):
        if self.soon is not None:
            self.soon.cancel()
        if not self.has_begun:
            self.begin(piece)
        elif piece is not OVER:
            self.rest = memoryview(piece_bytes(piece))
        self.go_on()

    def end(self):
        if self.soon is not None:
            self.soon.cancel()

    def go_on(self):
        while self.rest and self.call.credit > 0 and not self.state["is_stuck"]:
            frame, self.rest = next_piece(self.call, self.rest)
            self.write(frame)
        if self.waiter is not None and not self.waiter.done() and not self.waits():
            self.waiter.set_result(None)

    def is_full(self):
        if self.is_left():
            return False
        if self.call.credit == 0 and self.state["ended"]:
            raise EOFError(CHANNEL_ENDED)
        return self.waits()

    def waits(self):
        return (bool(self.rest) or self.call.credit == 0 or self.state["is_stuck"]) and not (self.state["ended"] and self.call.credit == 0)

    def room(self, loop):
        self.waiter = loop.create_future()
        return self.waiter

    def result(self):
        return OVER


# Serving HTTP, where the core is not on the channel or is another one

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class HttpCall(object):
    """A call that came over HTTP. Its reply is (status, type, body)."""

    feed = None  # its body is whole

    def wait_for_body(self, _):
        pass

    def __init__(self, body):
        self.body = body
        self.call_id = None
        self.answer, self.answered = None, threading.Event()
        self.is_left = False  # its connection is closed
        self.stop = None  # of an async handler

    def read(self):
        call = json.loads(self.body.decode("utf-8"))
        if not isinstance(call, dict):
            raise ValueError("not a JSON object")
        return call

    @staticmethod
    def encode(result):
        return 200, JSON, to_json(result)

    @staticmethod
    def failure(message):
        return 500, TEXT, to_bytes(message)

    @staticmethod
    def unreadable(message):
        return 400, TEXT, to_bytes(message)

    def perform(self, calls):
        self.finish(calls.run(self))

    def stream(self, body, calls):
        """HTTP as it is asked for here has no place for a body that breaks off: it is gathered."""
        pull, gathered = LoopPull(body.source, calls) if is_async_source(body.source) else Pull(body.source), self.open_flow(body)
        try:
            piece = pull.next(gathered.is_left)
            while piece is not OVER and not gathered.is_left():
                gathered.put(piece)
                piece = pull.next(gathered.is_left)
        finally:
            stop_pull(pull)
        return gathered.result()

    def open_flow(self, body):
        return Gathered(body, lambda: self.is_left)

    def begin_on(self, loop, calls):
        stop = calls.start(loop, self, self.finish)
        if stop is not None:
            self.stop = lambda: loop.call_soon_threadsafe(stop)

    def finish(self, answer):
        self.answer = answer
        self.answered.set()


def header_bytes(value):
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def listen(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    set_close_on_exec(listener.fileno())
    ours.add(listener)
    return listener


def open_server(listener, settings, calls, stop, submit):
    """The library's own server, with a thread for each connection."""
    with library:
        try:
            from http.server import BaseHTTPRequestHandler, HTTPServer
            from socketserver import ThreadingMixIn
        except ImportError:
            from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
            from SocketServer import ThreadingMixIn

    class Server(ThreadingMixIn, HTTPServer):
        daemon_threads = True

        def __init__(self):
            HTTPServer.__init__(self, listener.getsockname(), Handler, bind_and_activate=False)
            self.socket.close()
            self.socket = listener
            self.busy, self.lock = 0, threading.Lock()

        def start(self):
            start_thread(self.serve_forever, 0.1)

        def finish(self, then):
            self.shutdown()
            listener.close()
            while self.busy > 0:
                time.sleep(0.01)
            then()

        def count(self, change):
            with self.lock:
                self.busy += change

        def handle_error(self, request, client_address):
            pass  # the client is gone

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True
        newest_id = None  # of the newest call on the connection
        error_message_format, error_content_type = "%(code)d %(message)s\n", TEXT

        def setup(self):
            ours.add(self.request)
            set_close_on_exec(self.request.fileno())
            BaseHTTPRequestHandler.setup(self)

        def finish(self):
            try:
                BaseHTTPRequestHandler.finish(self)
            finally:
                ours.discard(self.request)
                # The reply may have been on the way when the connection closed, so the end of its newest call is always reported.
                calls.settled(self.newest_id)

        def do_POST(self):
            self.server.count(1)
            try:
                self.answer(*self.serve())
            finally:
                self.server.count(-1)

        do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST

        def serve(self):
            refusal = self.refusal()
            body, problem = self.read_body(refusal is None)
            if refusal or problem:
                return refusal or problem
            call = HttpCall(body)
            calls.begin(call)
            submit(call)
            try:
                while not call.answered.wait(LOOK_S):
                    if not call.is_left and self.is_left():
                        call.is_left = True
                        if call.stop is not None:
                            call.stop()
                self.newest_id = call.call_id
                return call.answer
            finally:
                calls.end(call)

        def refusal(self):
            if settings.token and not is_same(header_bytes(self.headers.get("Core-Bridge-Token", "")), settings.token):
                return 403, TEXT, b"Core-Bridge-Token is missing or wrong\n"
            if self.path != "/":
                return 404, TEXT, b"Only POST / is served here\n"
            if self.command != "POST":
                return 405, TEXT, b"Only POST / is served here\n"
            return None

        def read_body(self, is_wanted):
            """The body, or why there is none. What is not wanted is read all the same, so that the next request is found."""
            coding, length = self.headers.get("Transfer-Encoding"), self.headers.get("Content-Length")
            if coding is not None and coding.lower() == "chunked" and length is None:
                pieces = self.chunks()
            elif coding is None and (length or "0").isdigit():
                pieces = self.pieces(int(length or 0))
            else:
                self.close_connection = True
                return b"", (400, TEXT, b"The request has a framing that the bridge does not know\n")
            body, size = [], 0
            try:
                for piece in pieces:
                    size += len(piece)
                    if is_wanted and size <= settings.max_bytes:
                        body.append(piece)
            except ValueError:
                self.close_connection = True
                return b"", (400, TEXT, b"The request has a malformed chunk\n")
            if size > settings.max_bytes:
                return b"", (413, TEXT, b"The request is too large for the bridge\n")
            return b"".join(body), None

        def pieces(self, missing):
            while missing > 0:
                piece = self.rfile.read(min(missing, PIECE_BYTES))
                if not piece:
                    raise EOFError()  # it broke off: it must not be run
                missing -= len(piece)
                yield piece

        def chunks(self):
            """http.server knows requests with a length only."""
            while True:
                size = self.line().split(b";")[0].rstrip()
                if not re.match(b"[0-9a-fA-F]{1,8}$", size):
                    raise ValueError()
                if int(size, 16) == 0:
                    break
                for piece in self.pieces(int(size, 16)):
                    yield piece
                if self.line():
                    raise ValueError()
            for _ in range(100):
                if not self.line():
                    return
            raise ValueError()

        def line(self):
            line = self.rfile.readline(4096)
            if not line.endswith(b"\r\n"):
                raise ValueError() if line else EOFError()
            return line[:-2]

        def is_left(self):
            try:
                return bool(select.select([self.connection], [], [], 0)[0]) and not self.connection.recv(1, socket.MSG_PEEK)
            except (OSError, socket.error, select.error, ValueError):
                return True

        def answer(self, status, kind, body):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            call_id = self.headers.get("Core-Invocation-Id")
            if call_id:
                self.send_header("Core-Invocation-Id", call_id)
            if stop.is_set:
                self.close_connection = True
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_):
            pass

    return Server()


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
    waker = getattr(loop, "_csock", None)
    if waker is not None:  # as the loop does for handlers of its own: a signal may come while it is about to wait
        signal.set_wakeup_fd(waker.fileno())


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
        self.reports = None
        self.strays = 0

    def hold(self, reports):
        self.reports = reports
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
                log_error(error, sys.exc_info()[2], self.reports, prefix)
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
        signal.set_wakeup_fd(-1)
        for number in set(self.chosen) | set(self.hooks):
            handler = self.chosen.get(number)
            self.set_handler(number, signal.SIG_DFL if handler is None else handler)
        self.chosen.clear()
        self.hooks.clear()


signals = Signals()
FUNCTION_BELOW = (enter.__code__, make_piece.__code__, load_handler.__code__)

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
        if signals.reports is not None:
            signals.reports.forget()
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
    tasks = handed = None  # of every thread

    def follow_tasks(self, loop):
        if self.tasks is None:
            ThreadCurrent.tasks, ThreadCurrent.handed = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()
        loop.set_task_factory(self.start_task)

    def start_task(self, loop, coroutine):
        task = library.asyncio.Task(coroutine, loop=loop)
        self.tasks[task] = self.handed.pop(coroutine, None) or self.get()
        return task

    def hand_over(self, coroutine):
        """It becomes a task on another thread's loop, and stays a part of the call that is current here."""
        self.handed[coroutine] = self.get()

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
    from contextvars import ContextVar, copy_context

    current = ContextVar("core_invocation", default=None)
except ImportError:
    current = ThreadCurrent()


def in_scope():
    """Runs functions, in whatever thread, as parts of the call that is current now."""
    if not isinstance(current, ThreadCurrent):
        return copy_context().run
    invocation = current.get()

    def run(function):
        outer = current.set(invocation)
        try:
            return function()
        finally:
            current.reset(outer)

    return run


class Invocation(object):
    """Collects what one call writes and sends it as whole lines, tagged."""

    def __init__(self, context, reports):
        self.id = context.get("invocationId")
        self.trace = context.get("trace")
        self.reports = reports
        self.rest = {"stdout": u"", "stderr": u""}
        self.is_over = False
        self.was_cut = {"stdout": False, "stderr": False}

    def capture(self, stream, text):
        with self.reports.lock:
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
            self.reports.write({"log": dict(self.record(stream), line=line[start : start + LINE_MAX_CHARS])})

    def record(self, stream):
        record = {"stream": stream, "invocationId": self.id}
        traceparent = self.trace.get("traceparent") if isinstance(self.trace, dict) else None
        if isinstance(traceparent, text_type) and traceparent.count("-") >= 3:
            record["traceId"] = traceparent.split("-")[1]
        return record


class Output(object):
    """Stands for sys.stdout or sys.stderr: lines leave at once, and those of a call leave tagged."""

    def __init__(self, stream, name, reports):
        self.stream, self.name, self.reports = stream, name, reports

    def write(self, text):
        invocation = current.get() if self.reports is not None and not self.reports.is_forgotten else None
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


def tag_output(reports):
    global errors
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):  # 3.7
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
        if reports is not None or not hasattr(stream, "reconfigure"):
            setattr(sys, name, Output(stream, name, reports))
    errors = sys.stderr


def log(text):
    """The bridge's own word; inside a call it is tagged like the call's."""
    try:
        errors.write(text)
        errors.flush()
    except Exception:
        pass  # nobody reads it


def log_error(error, trace, reports=None, prefix=""):
    """An error that was thrown, as one record, of its call when there is one. Without a descriptor for reports its lines, on stderr."""
    invocation = current.get()
    reports = invocation.reports if invocation is not None else reports
    if reports is None or reports.is_forgotten:
        log(prefix + "".join(traceback.format_exception(type(error), error, trace)))
        return
    told = [as_text(each) for each in traceback.format_exception(type(error), error, without_bridge(trace))]
    if PY2 and not isinstance(error, SyntaxError):
        told[-1] = title_of(error)  # traceback escapes what is not ASCII
    title, stack = as_text(prefix) + title_of(error), u"".join(told).rstrip(u"\n")
    log_record = dict(invocation.record("stderr") if invocation is not None else {"stream": "stderr"}, level="error")
    reports.write({"log": dict(log_record, line=title[:TITLE_MAX_CHARS], stack=stack[:LINE_MAX_CHARS])})


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


class Reports(object):
    """What the core reads on its end of the descriptor. Never waits for the reader: past 8 MiB unread, lines are dropped, and their
    number is reported as soon as the reader has caught up. A reader that is gone costs the lines, not the process."""

    def __init__(self, fd):
        set_close_on_exec(fd)
        set_nonblocking(fd)
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
            if "log" in record and len(self.unsent) > REPORTS_MAX_BYTES:
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


def set_nonblocking(fd):
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)


def leave(reports, code=0):
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
    if reports is not None:
        reports.wait_until_sent(3)
    os._exit(code)


if __name__ == "__main__":
    main()
