import htm from 'htm';
import {h} from 'preact';

export {render} from 'preact';
export {useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks';

/** JSX without a build step. Values are always text or attributes, never markup. */
export const html = htm.bind(h);
