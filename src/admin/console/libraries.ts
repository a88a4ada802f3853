/**
The packages that the console runs in the browser: the name of each file below `/console/lib/`, its package, and the file there.
The build copies them beside the console, as what it writes has no `node_modules` of its own.
*/
export const libraries: Readonly<Record<string, readonly [pack: string, file: string]>> = {
  'preact.js': ['preact', 'dist/preact.mjs'],
  'hooks.js': ['preact', 'hooks/dist/hooks.mjs'],
  'htm.js': ['htm', 'dist/htm.mjs'],
  'uplot.js': ['uplot', 'dist/uPlot.esm.js'],
  'uplot.css': ['uplot', 'dist/uPlot.min.css'],
};
