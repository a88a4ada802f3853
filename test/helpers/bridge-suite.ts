import {bridgeCases, type Language} from './bridge-cases.ts';
import {bridgeFailuresSuite} from './bridge-failures-suite.ts';
import {bridgeHttpSuite} from './bridge-http-suite.ts';
import {bridgeReportsSuite} from './bridge-reports-suite.ts';
import {bridgeStopSuite} from './bridge-stop-suite.ts';
import {bridgeValuesSuite} from './bridge-values-suite.ts';

/** What every language's bridge does. */
export function bridgeSuite(language: Language): void {
  const cases = bridgeCases(language);
  bridgeHttpSuite(cases);
  bridgeFailuresSuite(cases);
  bridgeReportsSuite(cases);
  bridgeValuesSuite(cases);
  bridgeStopSuite(cases);
}
