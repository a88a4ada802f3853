import {cpus} from 'node:os';
import {parseArgs} from 'node:util';
import type {Other} from './torture/gateway.ts';
import {phases} from './torture/phases/index.ts';
import {boundsTable, emptyRow, tableHead, tableRow} from './torture/table.ts';
import {torture} from './torture/torture.ts';

/*
What a gateway does when its function dies, when strangers hold or ask for more than there is, when its disk is full, or
when it is itself reloaded, stopped or overloaded.

    node bench/torture.ts [seconds for each phase, by default 10] [phase …, by default all]
    node bench/torture.ts 10 overload restarts
    node bench/torture.ts 10 --command "other-gateway --port 8080" --url http://127.0.0.1:8080/

Each phase has bounds, which are judged: the exit code is 1 when one is broken. The other gateway serves
bench/functions/torture.cjs, or something that does the same, on the port of the URL, which it is told as PORT. The command
is the gateway itself, no shell or init around it; every child of it that is not `sh` counts as its function. A gateway that
died in a phase says so: later calls were refused.
*/

const {positionals, values} = parseArgs({
  allowPositionals: true,
  options: {command: {type: 'string'}, url: {type: 'string'}},
});
const [given = '10', ...names] = positionals;
const seconds = Number(given);
const unknown = names.filter(name => !phases.some(phase => phase.name === name));
if (!(seconds > 0) || unknown.length > 0 || (values.command === undefined) !== (values.url === undefined)) {
  console.error(`expected seconds, then phases of ${phases.map(({name}) => name).join(', ')}; --command goes with --url`);
  process.exit(64);
}
const other = otherOf(values);
const chosen = phases.filter(({name}) => names.length === 0 || names.includes(name));
console.log(
  `${seconds} s a phase · ${cpus()[0]?.model} × ${cpus().length} · Node ${process.version}\n\n${boundsTable(chosen)}\n\n${tableHead}`,
);
for (const phase of chosen) {
  const why = other && phase.isOurs ? 'not run: it is about our core' : phase.unable?.();
  if (why !== undefined) {
    console.log(emptyRow(phase, why));
    continue;
  }
  try {
    const tortured = await torture(phase, seconds, other);
    console.log(tableRow(phase, tortured));
    if (tortured.broken.length > 0) process.exitCode = 1;
  } catch (error) {
    console.log(emptyRow(phase, `**broken**: ${(error as Error).message}`));
    process.exitCode = 1;
  }
}

function otherOf({command, url}: {command?: string; url?: string}): Other | undefined {
  if (command === undefined || url === undefined) return undefined;
  const [file = '', ...args] = command.split(' ');
  return {command: [file, ...args], url};
}
