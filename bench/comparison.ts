import {catalogue, type Figures, isFigureName, markdownTable, type Spread, shown} from './figures.ts';

/** What was found beside what is recorded. Only a figure whose rounds lie apart from the recorded ones says something. */
export function comparison(found: Figures, recorded: Figures): string {
  const rows = Object.entries(found).flatMap(([name, now]) => {
    if (!isFigureName(name)) return [];
    const {unit, better} = catalogue[name];
    const before = recorded[name];
    return [[name, shown(now, unit), before ? shown(before, unit) : '–', before ? verdict(now, before, better) : 'not recorded']];
  });
  return markdownTable(['figure', 'now (min–max)', 'recorded (min–max)', ''], rows);
}

function verdict(now: Spread, before: Spread, better: 'more' | 'less'): string {
  const percent = `${now.median >= before.median ? '+' : '−'}${Math.abs((now.median / before.median - 1) * 100).toFixed(0)} %`;
  if (now.min <= before.max && now.max >= before.min) return `${percent}, within the spread`;
  return `${percent}, **${now.median > before.median === (better === 'more') ? 'better' : 'worse'}**`;
}
