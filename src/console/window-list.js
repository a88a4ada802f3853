import {html, useEffect, useLayoutEffect, useRef, useState} from './html.js';

/*
A list of thousands of rows of which only those on the screen exist. It is one stop for the Tab key; arrows, Page Up and
Down, Home and End go from row to row, Enter opens one.
*/

/** Rows that exist above and below those on the screen, so that scrolling shows no gap before the next frame. */
const spareRows = 15;
/** The window moves in steps, so that not every frame of scrolling makes rows. */
const stepRows = 5;

/**
 * @template T
 * @param {{
 *   label: string,
 *   columns: readonly {key: string, title: string, isNumber?: boolean}[],
 *   rows: readonly T[], rowPx: number,
 *   idOf: (row: T) => string,
 *   cells: (row: T) => Record<string, any>,
 *   toneOf: (row: T) => string,
 *   chosen: string,
 *   onOpen: (row: T) => void,
 *   onEnd: () => void,
 * }} props `rows` are shown from the last to the first
 */
export function WindowList({label, columns, rows, rowPx, idOf, cells, toneOf, chosen, onOpen, onEnd}) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState({first: 0, count: 40});
  const [activeId, setActiveId] = useState('');
  const size = rows.length;
  const rowAt = (/** @type {number} */ index) => rows[size - 1 - index];

  const measure = () => {
    const {current: element} = place;
    if (!element || element.clientHeight === 0) return;
    const first = Math.max(0, Math.floor(element.scrollTop / rowPx / stepRows) * stepRows - spareRows);
    const count = Math.ceil(element.clientHeight / rowPx) + 2 * spareRows + stepRows;
    setView(last => (last.first === first && last.count === count ? last : {first, count}));
    anchor.current = anchorOf(element.scrollTop, rowPx, index => idAt(index));
    if (element.scrollTop + element.clientHeight * 2 > size * rowPx) onEnd();
  };
  const idAt = (/** @type {number} */ index) => {
    const row = rowAt(index);
    return row === undefined ? '' : idOf(row);
  };
  const indexOf = (/** @type {string} */ id) => {
    const found = id === '' ? -1 : rows.findLastIndex(row => idOf(row) === id);
    return found < 0 ? -1 : size - 1 - found;
  };

  // Who reads further down keeps the place when rows come in above.
  const anchor = useRef({id: '', offsetPx: 0});
  useLayoutEffect(() => {
    const {current: element} = place;
    const {id, offsetPx} = anchor.current;
    if (element && id !== '' && element.scrollTop > 0) {
      const index = indexOf(id);
      if (index >= 0) element.scrollTop = index * rowPx + offsetPx;
    }
    measure();
  }, [rows]);
  useEffect(() => {
    const {current: element} = place;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      // An element that was not displayed has lost its place.
      const {id, offsetPx} = anchor.current;
      if (element.clientHeight > 0 && element.scrollTop === 0 && id !== '')
        element.scrollTop = Math.max(0, indexNow.current(id)) * rowPx + offsetPx;
      measureNow.current();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [rowPx]);
  const measureNow = useRef(measure);
  measureNow.current = measure;
  const indexNow = useRef(indexOf);
  indexNow.current = indexOf;

  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const {current: element} = place;
    if (!element || size === 0 || event.target !== element) return;
    const at = indexOf(activeId);
    const page = Math.max(1, Math.floor(element.clientHeight / rowPx) - 2);
    const steps = /** @type {Record<string, number>} */ ({
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: size - 1,
    });
    const to = steps[event.key];
    const active = rowAt(at);
    if (event.key === 'Enter' && at >= 0 && active !== undefined) onOpen(active);
    else if (to === undefined) return;
    else {
      const index = Math.min(size - 1, Math.max(0, to));
      setActiveId(idAt(index));
      reveal(element, index, rowPx);
    }
    event.preventDefault();
  };

  const end = Math.min(size, view.first + view.count);
  const shown = Array.from({length: Math.max(0, end - view.first)}, (_, offset) => view.first + offset);
  const activeIndex = indexOf(activeId);
  const isActiveShown = activeIndex >= view.first && activeIndex < end;
  return html`<div
    class="window"
    role="grid"
    aria-label=${label}
    aria-rowcount=${size + 1}
    aria-activedescendant=${isActiveShown ? `row-${activeId}` : undefined}
    tabindex="0"
    ref=${place}
    onScroll=${measure}
    onKeyDown=${onKeyDown}
    onFocus=${() => activeId === '' && size > 0 && setActiveId(idAt(0))}
  >
    <div role="rowgroup" class="window-head">
      <div role="row" aria-rowindex="1" class="window-row">
        ${columns.map(({key, title, isNumber}) => html`<div key=${key} role="columnheader" class="cell ${key} ${isNumber ? 'number' : ''}">${title}</div>`)}
      </div>
    </div>
    <div role="rowgroup" class="window-space" style=${{height: `${size * rowPx}px`}}>
      <div role="presentation" style=${{transform: `translateY(${view.first * rowPx}px)`}}>
        ${shown.map(index => {
          const row = /** @type {T} */ (rowAt(index));
          const id = idOf(row);
          const shownCells = cells(row);
          return html`<div
            key=${id}
            id=${`row-${id}`}
            role="row"
            aria-rowindex=${index + 2}
            aria-selected=${id === chosen ? 'true' : 'false'}
            class="window-row ${toneOf(row)} ${id === activeId ? 'active' : ''}"
            style=${{height: `${rowPx}px`}}
            onClick=${() => {
              setActiveId(id);
              onOpen(row);
            }}
          >
            ${columns.map(({key, isNumber}) => html`<div key=${key} role="gridcell" class="cell ${key} ${isNumber ? 'number' : ''}">${shownCells[key]}</div>`)}
          </div>`;
        })}
      </div>
    </div>
  </div>`;
}

/**
 * The row at the top of the screen, and how far it is scrolled out. At the very top it is nothing: new rows push the others down.
 *
 * @param {number} scrolledPx
 * @param {number} rowPx
 * @param {(index: number) => string} idAt
 */
function anchorOf(scrolledPx, rowPx, idAt) {
  if (scrolledPx <= 0) return {id: '', offsetPx: 0};
  const index = Math.floor(scrolledPx / rowPx);
  return {id: idAt(index), offsetPx: scrolledPx - index * rowPx};
}

/** Scrolls as little as shows a row below the head. @param {HTMLElement} element @param {number} index @param {number} rowPx */
function reveal(element, index, rowPx) {
  const top = index * rowPx;
  const most = top;
  const least = top + 2 * rowPx - element.clientHeight; // a row of head, and the row itself
  element.scrollTop = Math.max(least, Math.min(most, element.scrollTop));
}
