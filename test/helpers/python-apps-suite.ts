import {bodyOf, event, startApp} from './python-app-calls.ts';
import {pythonAsgiSuite} from './python-asgi-suite.ts';
import {checkOf, type Python} from './python-suite.ts';
import {pythonWsgiSuite} from './python-wsgi-suite.ts';

/** A handler is never taken for an application, nor the other way round; and each kind of application. */
export function pythonAppsSuite(python: Python): void {
  const check = checkOf(python);
  const {isThree} = python;
  const handlers: Record<string, string> = {
    'two parameters of any name': 'def app(environ, response):\n    return "handler"\n',
    'a third one': 'def app(event, context, receive=None):\n    return "handler"\n',
    'any number': 'def app(*args):\n    return "handler"\n',
    'an object': 'class App(object):\n    def __call__(self, event, context):\n        return "handler"\napp = App()\n',
    'a method': 'class App(object):\n    def go(self, event, context):\n        return "handler"\napp = App().go\n',
    'a class':
      'def app(event, context, Type=type("T", (object,), {"__init__": lambda self, scope, receive, send: None})):\n    return "handler"\n',
  };
  for (const [kind, text] of Object.entries(handlers)) {
    check(`a handler with ${kind} stays a handler`, async t => {
      t.is((await (await startApp(t, python, text)).call(event)).text, '"handler"');
    });
  }

  check(`what an application is can be said, and a wrong word is a handler that is not loaded`, async t => {
    const text = 'def app(*args):\n    args[1]("200 OK", [("Content-Type", "text/plain")])\n    return [b"wsgi"]\n';
    const said = await startApp(t, python, text, {env: {CORE_PYTHON_APP: 'wsgi'}});
    t.is(bodyOf((await said.call(event)).text), 'wsgi');
    const handler = await startApp(t, python, 'def app(event, start_response):\n    return "handler"\n', {
      env: {CORE_PYTHON_APP: 'handler'},
    });
    t.is((await handler.call(event)).text, '"handler"');
    const wrong = await startApp(t, python, text, {env: {CORE_PYTHON_APP: 'wscgi'}});
    t.like(wrong.records[0], {
      loaded: false,
      error: "ValueError: CORE_PYTHON_APP is auto, handler, wsgi or, with Python 3, asgi; got 'wscgi'",
    });
  });

  pythonWsgiSuite(python);
  if (isThree) pythonAsgiSuite(python);
}
