import {readFileSync} from 'node:fs';

/** The rules of `deploy/alerts.yml` as they stand in the `spec` of a PrometheusRule, which the Prometheus Operator reads. */
export function operatorRules(): string {
  const rules = readFileSync(new URL('../deploy/alerts.yml', import.meta.url), 'utf8');
  const groups = rules.slice(rules.indexOf('groups:'));
  return `${groups.replaceAll(/^(?=.)/gm, '  ')}  # `;
}
