import type {Fact} from '../facts.ts';

/** Makes facts say which core wrote them, where they do not yet. */
export type Name = (facts: readonly Fact[]) => readonly Fact[];

/** @param core this boot of this core; without one facts stay as they are, as a command copies those of others */
export function namer(core: string | undefined): Name {
  if (core === undefined) return facts => facts;
  // Most facts of HTTP requests are named where they are made, so that they are not copied here.
  return facts => facts.map(fact => (fact.data.core === undefined ? ({...fact, data: {...fact.data, core}} as Fact) : fact));
}
