import type {Described} from '../../route.ts';
import type {answers} from '../openapi/answers.ts';

/** What a route answers, loaded when somebody asks for the description of the API. */
export const described = (name: keyof typeof answers) => async (): Promise<Described> =>
  (await import('../openapi/answers.ts')).answers[name];
