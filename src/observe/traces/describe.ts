import type {Attributes} from '@opentelemetry/api';
import type {SpanSubject} from '../../delivery.ts';
import {knownMethods} from '../methods.ts';

/** The name and attributes of the span of an invocation, by the OpenTelemetry semantic conventions for its trigger. */
export function describe(subject: SpanSubject, functionName: string): {name: string; attributes: Attributes} {
  switch (subject.trigger) {
    case 'http': {
      const {method, path, address} = subject;
      const attributes: Attributes = {'url.path': path, 'url.scheme': 'http', 'server.address': address};
      // Callers may invent methods: in a name of a span each would count as a name of its own.
      const isKnown = knownMethods.has(method);
      attributes['http.request.method'] = isKnown ? method : '_OTHER';
      if (!isKnown) attributes['http.request.method_original'] = method;
      return {name: `${isKnown ? method : 'HTTP'} ${functionName}`, attributes};
    }
    case 'timer': {
      const {name, cron, time} = subject;
      return {name, attributes: {...(cron !== undefined && {'faas.cron': cron}), ...(time !== undefined && {'faas.time': time})}};
    }
    case 'pubsub': {
      const {system, destination, id, attempt} = subject;
      const attributes: Attributes = {
        'messaging.system': system,
        'messaging.destination.name': destination,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
      };
      if (id !== undefined) attributes['messaging.message.id'] = id;
      if (attempt !== undefined) attributes['core.attempt'] = attempt;
      return {name: `process ${destination}`, attributes};
    }
    case 'other':
      return {name: subject.name, attributes: {}};
  }
}
