import type {Described} from '../../src/route.ts';

const text = {type: 'string'};
const count = {type: 'integer', minimum: 0};

const trigger = {
  type: 'object',
  properties: {
    name: text,
    system: text,
    ack: {type: 'string', enum: ['settled', 'accepted']},
    connected: {type: 'boolean'},
    problem: text,
    held: count,
    most: count,
    waiting: count,
    oldestAt: {type: 'string', format: 'date-time'},
    outcomes: {type: 'object', additionalProperties: count},
  },
  required: ['name', 'system', 'ack', 'connected', 'held', 'most', 'outcomes'],
};

/** What the route answers. */
export const answers = {
  messages: {
    answer: {type: 'object', properties: {triggers: {type: 'array', items: trigger}}, required: ['triggers']},
  },
} satisfies Record<string, Described>;
