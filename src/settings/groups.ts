/** The groups of the settings' table, in its order: what each is called, and what to know before reading it. */
export const groups = {
  first: {title: 'Start with these five', introduction: 'Most functions need no others.'},
  serving: {title: 'Serving', introduction: 'How the function is started and called.'},
  callers: {title: 'Private functions', introduction: 'Who may call a function that is not public.'},
  limits: {title: 'Limits', introduction: 'What a request may take, and what happens past it.'},
  journal: {title: 'Journal', introduction: 'What is recorded of each invocation, where, and for how long.'},
  work: {title: 'Work', introduction: 'Invocations that nobody waits for; see [work](docs/work.md).'},
  observing: {title: 'Observing', introduction: 'Logs and metrics. Traces are set by the `OTEL_*` variables.'},
  admin: {title: 'Admin', introduction: 'The private listener.'},
} as const;

export type Group = keyof typeof groups;

/** The same settings, in this group. */
export function inGroup<S extends Readonly<Record<string, {group: Group}>>>(group: Group, table: S): S {
  return Object.fromEntries(Object.entries(table).map(([key, entry]) => [key, {...entry, group}])) as S; // the same keys
}
