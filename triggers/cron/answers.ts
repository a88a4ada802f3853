import type {Described} from '../../src/route.ts';

const text = {type: 'string'};
const time = {type: 'string', format: 'date-time'};
const truth = {type: 'boolean'};

const schedule = {
  type: 'object',
  properties: {
    name: text,
    cron: text,
    timezone: text,
    catchUp: text,
    overlap: {type: 'string', enum: ['allow', 'forbid', 'replace']},
    jitter: text,
    delivery: {type: 'string', enum: ['call', 'work']},
    next: {type: 'array', items: time},
    paused: truth,
    pausedAt: time,
    handedOn: {
      type: 'object',
      properties: {occurrence: time, invocationId: text, status: text},
      required: ['occurrence', 'invocationId', 'status'],
    },
  },
  required: ['name', 'cron', 'timezone', 'catchUp', 'overlap', 'jitter', 'delivery', 'next', 'paused'],
};

const fired = {
  type: 'object',
  properties: {
    schedule: text,
    occurrence: time,
    invocationId: text,
    status: {type: 'integer'},
    code: text,
    error: text,
    waits: truth,
    handedOn: truth,
  },
  required: ['schedule', 'occurrence', 'invocationId', 'status'],
};

/** What the routes of schedules answer, as JSON Schemas. */
export const answers = {
  list: {answer: {type: 'object', properties: {schedules: {type: 'array', items: schedule}}, required: ['schedules']}},
  fire: {answer: fired, also: {202: fired}},
  pause: {answer: {type: 'object', properties: {name: text, paused: truth}, required: ['name', 'paused']}},
} as const satisfies Readonly<Record<string, Described>>;
