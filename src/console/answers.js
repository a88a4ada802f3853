/*
The shapes of the API's answers, as far as the console reads them. This file is only types; `/api/openapi.json` describes
the API in full.
*/

/**
 * `GET /api/now`
 *
 * @typedef {{
 *   at: string,
 *   function: {name: string, version: string, handler: string, language: string, public: boolean, url: string},
 *   core: {version: string, node: string, pid: number, startedAt: string, processes: number, processesUp: number},
 *   readiness: {ready: boolean, phase: string, cause?: string},
 *   rates: {requests: number, errors: number, invocations: number, failures: number, overMs: number},
 *   times: {p50Ms: number | null, p99Ms: number | null},
 *   queue: {waiting: number, inFlight: number, longest: number},
 *   subRuntimes: {ready: number, wanted: number},
 *   memory: {coreBytes: number, functionBytes: number, heldBytes: number, maxHeldBytes: number, limitBytes: number},
 *   totals: {requests: number, errors: number, invocations: number, failures: number, otherCalls: number, otherFailures: number, restarts: number, coldStarts: number},
 *   journal?: {http: string},
 *   work: boolean,
 *   messages: boolean,
 * }} NowAnswer
 */

/**
 * A trigger of `GET /api/messages`
 *
 * @typedef {{
 *   name: string,
 *   system: string,
 *   ack: string,
 *   connected: boolean,
 *   problem?: string,
 *   held: number,
 *   most: number,
 *   waiting?: number,
 *   oldestAt?: string,
 *   outcomes: Record<string, number>,
 * }} MessageTrigger
 */

/**
 * `GET /api/history`
 *
 * @typedef {{stepMs: number, columns: Record<string, (number | null)[]>}} HistoryAnswer
 */

/**
 * A row of `GET /api/invocations`
 *
 * @typedef {{
 *   id: string,
 *   status: string,
 *   pending?: 'waiting' | 'retrying',
 *   source?: string,
 *   bytes?: number,
 *   acceptedAt?: number,
 *   settledAt?: number,
 *   durationMs?: number,
 *   replyStatus?: number,
 *   code?: string,
 *   pid?: number,
 *   traceparent?: string,
 *   method?: string,
 *   path?: string,
 *   query?: string,
 * }} Row
 */

/** @typedef {{at: string, stream: string, line: string, level?: string, stack?: string}} LogLine */

/** @typedef {{position: number, stream: string, at: string, type: string, data: Record<string, any>}} Fact */

/**
 * `GET /api/invocations/<id>`
 *
 * @typedef {Row & {
 *   facts: Fact[],
 *   traceId?: string,
 *   traceUrl?: string,
 *   boot?: {id: string, startedAt: number, version?: string, codeDigest?: string, processes: {pid?: number, executable?: string, spawnedAt?: number, bootMs?: number}[]},
 *   schedule?: {name: string, occurrence: string, attempt: number, manual: boolean},
 *   fault?: {code: string, message: string, cause?: string},
 *   phases?: {phase: string, fromMs: number, ms: number}[],
 *   request?: Payload,
 *   reply?: Payload,
 *   error?: {message: string, stack?: string},
 *   log?: {lines: LogLine[], dropped: number},
 * }} InvocationAnswer
 */

/**
 * A request or a reply as it was kept. `body` is absent when there was none, and cut after 64 KiB.
 *
 * @typedef {{
 *   method?: string, path?: string, query?: string, sourceIp?: string, status?: number,
 *   headers: [string, string][],
 *   bytes: number, body?: string, encoding?: 'text' | 'base64', cut?: true,
 * }} Payload
 */

/**
 * `POST /api/invocations/<id>/replay`
 *
 * @typedef {{
 *   verdict?: string, expected?: string, actual?: string, changed?: string[],
 *   differences?: {aspect: string, path: string, meaning: string, expected?: string, actual?: string}[],
 *   moreDifferences?: number, noise?: string[], redacted?: string[],
 *   notReplayable?: string, reason?: string, fix?: string,
 * }} ReplayAnswer
 */

/**
 * An item of work. Times are milliseconds since 1970
 *
 * @typedef {{
 *   id: string, status: 'waiting' | 'behind' | 'running' | 'dead', acceptedAt: number, due: number, attempts: number,
 *   posting?: boolean, mostAttempts?: number, expires?: number, orderingKey?: string, callbackHost?: string,
 *   reason?: {why: 'exhausted' | 'refused' | 'poison', class: string, status: number}, deadAt?: number,
 * }} WorkItem
 *
 * `GET /api/work`
 *
 * @typedef {{
 *   paused: boolean, waiting: number, due: number, behind: number, running: number, dead: number, oldest?: number, nextDue?: number,
 *   items: WorkItem[], next?: string,
 * }} WorkAnswer
 *
 * `GET /api/dead/redrive`
 *
 * @typedef {{state: 'sending' | 'checking' | 'done' | 'stopped' | 'failed', sent: number, skipped: number, cause?: string, endedAt?: number}} RedriveProgress
 */

/** @typedef {{name: string, cron: string, timezone: string, catchUp: string, overlap: string, jitter: string, delivery: string, next: string[], paused?: boolean, pausedAt?: string}} Schedule */

/**
 * @typedef {{
 *   occurrence: string, at: string, type: 'fired' | 'missed', invocationId?: string, attempt?: number, manual?: boolean,
 *   status?: string, replyStatus?: number, durationMs?: number, reason?: string, count?: number, delivery?: string,
 * }} Occurrence
 */

/**
 * `GET /api/processes`
 *
 * @typedef {{pid: number, role: string, spawnedAt: string, readyAt?: string, calls: number, residentBytes?: number}} ProcessOfPlace
 * @typedef {{phase: string, error?: string, processes: ProcessOfPlace[]}} ProcessPlace
 * @typedef {{at: string, pid?: number, reason: string, code: number | null, signal: string | null, upMs: number, lastWords?: string, sentence?: string}} ProcessEnd
 * @typedef {{pid: number, leader: boolean, residentBytes?: number, places: ProcessPlace[], ends: ProcessEnd[]}} CoreProcess
 */

/**
 * `GET /functions`, where several functions have one console
 *
 * @typedef {{functions: {name: string, state: 'starting' | 'serving' | 'failed' | 'absent' | 'ended'}[]}} FunctionsAnswer
 */

/** @typedef {{name: string, value: string | null, source: string, doc: string, group: string, title: string}} SettingRow */

export {};
