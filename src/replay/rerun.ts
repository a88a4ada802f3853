import {headersToKeep} from '../journals/payload.ts';
import {type AloneOptions, type FunctionAlone, NotStarted, openAlone} from '../serve/alone.ts';
import {codeLoaded} from '../serve/provenance.ts';
import type {Outcome} from './compare.ts';
import {Replayed} from './delivery.ts';
import type {Recalled} from './recall.ts';

/** Runs recorded events again. */
export interface Rerun {
  run(recalled: Recalled): Promise<Outcome>;
}

/** A process with one version of the code, which runs them. */
export interface OpenRerun extends Rerun, AsyncDisposable {
  /** SHA-256 of the handler's file; undefined when it cannot be read. */
  readonly digest: string | undefined;
}

export type RerunOptions = Omit<AloneOptions, 'isReplay' | 'line'>;

/** Lines of the function that are kept, to say why it did not start. */
const lastLines = 10;

/**
Starts a sub-runtime and the stages in front of it. Their callers were let in when the events were recorded. Lines of the
function are dropped.

@throws Error when the function does not start or load, with what it wrote last
*/
export async function openRerun(options: RerunOptions): Promise<OpenRerun> {
  await using opening = new AsyncDisposableStack();
  const {deliver} = opening.use(await openWithLines(options));
  const code = await codeLoaded(options.spec.handlerPath);
  const open = opening.move();

  return {
    digest: code?.type === 'code.loaded' ? code.data.digest : undefined,
    async run(recalled) {
      const replayed = new Replayed(recalled);
      await deliver(replayed, replayed);
      const {result} = replayed;
      if (!result) throw new TypeError('Expected the stages to have replied');
      const {status, body, fault} = result;
      return {status, code: fault?.code, headers: headersToKeep(result), body: typeof body === 'string' ? Buffer.from(body) : body};
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function openWithLines(options: RerunOptions): Promise<FunctionAlone> {
  const lines: string[] = [];
  try {
    return await openAlone({
      ...options,
      isReplay: true,
      line({line}) {
        lines.push(line);
        if (lines.length > lastLines) lines.shift();
      },
    });
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    throw new Error([error.message, ...lines.map(line => `  ${line}`)].join('\n'));
  }
}
