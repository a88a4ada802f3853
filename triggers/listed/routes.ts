import type {Route} from '../../src/route.ts';
import type {OpenList} from './open.ts';

/** `GET /api/messages`: the triggers for messages. */
export function messageRoutes(opened: () => OpenList): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/messages',
      described: async () => (await import('./answers.ts')).answers.messages,
      doc: 'The triggers for messages: whether they are connected, what they hold, what waits at the broker, what became of messages.',
      run: async () => ({body: {triggers: opened().messages()}}),
    },
  ];
}
