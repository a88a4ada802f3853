import type {ReceivedSpan} from './otlp.ts';

const kindNames = ['', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

/** A trace for people: one span a line, below its parent, with its start after the trace's and its length. */
export function writeTrace(spans: readonly ReceivedSpan[]): string {
  const first = spans.reduce(
    (least, {startTimeUnixNano}) => (BigInt(startTimeUnixNano) < least ? BigInt(startTimeUnixNano) : least),
    2n ** 63n,
  );
  const ids = new Set(spans.map(({spanId}) => spanId));
  const roots = spans.filter(({parentSpanId = ''}) => !ids.has(parentSpanId));
  return roots.flatMap(root => write(root, 0)).join('\n');

  function write(span: ReceivedSpan, depth: number): string[] {
    const {spanId, name, kind, attributes, resource, startTimeUnixNano, endTimeUnixNano, events = []} = span;
    const startMs = Number(BigInt(startTimeUnixNano) - first) / 1e6;
    const tookMs = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;
    const head = `${'  '.repeat(depth)}${name} [${kindNames[kind]}] ${resource['service.name']}`;
    const told = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
    const indent = `${'  '.repeat(depth)}    `;
    const children = spans
      .filter(other => other.parentSpanId === spanId)
      .toSorted((a, b) => a.startTimeUnixNano.localeCompare(b.startTimeUnixNano));
    return [
      `${head.padEnd(48)} +${startMs.toFixed(1)} ms, ${tookMs.toFixed(1)} ms`,
      ...(told.length > 0 ? [`${indent}${told.join(' ')}`] : []),
      ...events.map(
        event =>
          `${indent}event ${event.name} ${Object.entries(event.attributes)
            .map(([key, value]) => `${key}=${value}`)
            .join(' ')}`,
      ),
      ...children.flatMap(child => write(child, depth + 1)),
    ];
  }
}
