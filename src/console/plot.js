import {clock} from './format.js';
import {html, useEffect, useRef, useState} from './html.js';

/** @typedef {import('uplot')} UPlot */
/** @typedef {Record<string, (number | null)[]>} Columns */

const heightPx = 168;
const againMs = 2000;

/**
 * A plot of some columns over time. Its caption says in words and figures what the picture shows: at the pointer, else at its end.
 *
 * @param {import('./views/now-plots.js').PlotOfColumns & {columns: Columns | undefined, spanS: number}} props `spanS`: how many seconds it shows
 */
export function Plot({title, lines, show, steps, columns, spanS}) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const drawn = useRef(/** @type {UPlot | undefined} */ (undefined));
  const [pointed, setPointed] = useState(/** @type {number | null} */ (null));
  const latest = useRef(columns);
  latest.current = columns;

  useEffect(() => {
    const {current: element} = place;
    if (!element) return undefined;
    return keepDrawn(element, Drawing => {
      const wish = {lines, show, steps, spanS, onPointed: setPointed};
      const table = latest.current ? tableOf(latest.current, lines) : noTable;
      drawn.current = new Drawing(optionsOf(element, wish), table, element);
      return drawn.current;
    });
  }, [lines, show, steps, spanS]);
  useEffect(() => {
    if (columns) drawn.current?.setData(tableOf(columns, lines));
  }, [columns, lines]);

  const at = columns?.at ?? [];
  const index = pointed !== null && pointed < at.length ? pointed : at.length - 1;
  const moment = at[index];
  return html`<figure class="plot">
    <figcaption>
      <b>${title}</b>
      <span class="legend">
        ${lines.map(({column, label, colour}) => {
          const value = columns?.[column]?.[index];
          return html`<span key=${column}><i class="key" style=${{background: `var(${colour})`}}></i>${label} <b>${typeof value === 'number' ? show(value) : '–'}</b></span>`;
        })}
        <span class="at">${pointed !== null && moment ? clock(moment * 1000) : ''}</span>
      </span>
    </figcaption>
    <div ref=${place} aria-hidden="true" class="canvas"></div>
    ${at.length < 2 && html`<p class="empty over">Nothing to draw yet.</p>`}
  </figure>`;
}

/**
 * @typedef {import('./views/now-plots.js').PlotOfColumns['lines']} Lines
 * @typedef {{lines: Lines, show: (value: number) => string, steps: readonly number[] | undefined, spanS: number, onPointed: (index: number | null) => void}} Wish
 */

/**
 * Draws, and draws anew when the width or the colours change.
 *
 * @param {HTMLElement} element
 * @param {(Drawing: typeof import('uplot')) => UPlot} draw
 * @returns {() => void} ends it
 */
function keepDrawn(element, draw) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  /** @type {typeof import('uplot') | undefined} */
  let Drawing;
  /** @type {UPlot | undefined} */
  let plot;
  let isOver = false;
  const drawAnew = () => {
    plot?.destroy();
    plot = Drawing && element.clientWidth > 0 ? draw(Drawing) : undefined;
  };
  const size = new ResizeObserver(() => (plot ? plot.setSize({width: element.clientWidth, height: heightPx}) : drawAnew()));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  // Late: the page is there before the plots are.
  const load = async () => {
    const module = await import('uplot').catch(() => undefined);
    if (isOver) return;
    if (!module) {
      timer = setTimeout(load, againMs); // the core is gone, and may come back
      return;
    }
    Drawing = module.default;
    size.observe(element);
    dark.addEventListener('change', drawAnew);
  };
  void load();
  return () => {
    isOver = true;
    clearTimeout(timer);
    size.disconnect();
    dark.removeEventListener('change', drawAnew);
    plot?.destroy();
  };
}

/** @type {import('uplot').AlignedData} */
const noTable = [[]];

/**
 * @param {Columns} columns
 * @param {Lines} lines
 */
const tableOf = (columns, lines) =>
  /** @type {import('uplot').AlignedData} */ ([columns.at ?? [], ...lines.map(({column}) => columns[column] ?? [])]);

/**
 * @param {HTMLElement} element
 * @param {Wish} wish
 * @returns {import('uplot').Options}
 */
function optionsOf(element, {lines, show, steps, spanS, onPointed}) {
  const style = getComputedStyle(element);
  const colour = (/** @type {string} */ name) => resolved(element, `var(${name})`);
  const axis = {
    stroke: colour('--dim'),
    grid: {stroke: colour('--line'), width: 1},
    ticks: {show: false},
    font: `11px ${style.fontFamily}`,
  };
  return {
    width: element.clientWidth,
    height: heightPx,
    padding: [8, 8, 0, 0],
    legend: {show: false},
    cursor: {y: false, drag: {x: false, y: false}, points: {size: 5}},
    scales: {
      x: {range: (_plot, _first, last) => spanTo(last || Date.now() / 1000, spanS)},
      y: {range: (_plot, _least, most) => [0, most > 0 ? most * 1.15 : 1]},
    },
    axes: [
      {...axis, size: 24, space: 70, values: (_plot, marks) => marks.map(at => clock(at * 1000).slice(0, spanS > 600 ? 5 : 8))},
      {...axis, size: 62, space: 36, values: (_plot, marks) => marks.map(mark => show(mark)), ...(steps && {incrs: [...steps]})},
    ],
    series: [
      {},
      ...lines.map(line => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 1.5,
        points: {show: false},
        ...(line.isFilled && {fill: `color-mix(in srgb, ${colour(line.colour)} 14%, transparent)`}),
      })),
    ],
    hooks: {setCursor: [plot => onPointed(plot.cursor.idx ?? null)]},
  };
}

/**
 * @param {number} endS
 * @param {number} spanS
 * @returns {[number, number]}
 */
const spanTo = (endS, spanS) => [endS - spanS, endS];

/** A colour as a canvas understands it: custom properties hold `light-dark()`. @param {HTMLElement} element @param {string} value */
function resolved(element, value) {
  const {color: before} = element.style;
  element.style.color = value;
  const {color} = getComputedStyle(element);
  element.style.color = before;
  return color;
}
