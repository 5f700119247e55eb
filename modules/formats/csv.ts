import { InputError } from '../runtime/input-error.ts';

export interface Table {
  readonly columns: readonly string[];
  /** Data rows without the header, each as long as `columns`; an empty text is a missing value. */
  readonly rows: readonly (readonly string[])[];
}

/** Reads RFC 4180 text with a header row. Throws InputError that names the row. */
export function readCsv(text: string, path: string): Table {
  const [header, ...rows] = records(text.replace(/^\uFEFF/, ''), path);
  const columns = (header ?? []).map((name) => name.trim());
  if (columns.length < 2) throw new InputError(`File ${path} has fewer than two columns.`);
  if (new Set(columns).size !== columns.length || columns.includes('')) {
    throw new InputError(`File ${path} has columns without a name, or two of the same name.`);
  }
  const uneven = rows.findIndex((row) => row.length !== columns.length);
  if (uneven >= 0) {
    throw new InputError(
      `Data row ${uneven} of ${path} has ${rows[uneven]?.length ?? 0} fields, not ${columns.length}.`,
    );
  }
  if (rows.length === 0) throw new InputError(`File ${path} has no data rows.`);
  return { columns, rows };
}

/** One pass over the text; a field is taken verbatim inside quotes and trimmed outside. */
function records(text: string, path: string): string[][] {
  const found: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    const field = text[at] === '"' ? quotedField(text, at, path) : plainField(text, at);
    row.push(field.value);
    at = field.end;
    if (text[at] === ',') {
      at++;
      if (at === text.length) row.push('');
      continue;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    // A blank line is not a record.
    if (row.length > 1 || row[0] !== '') found.push(row);
    row = [];
  }
  if (row.length > 0) found.push(row);
  return found;
}

interface Field {
  readonly value: string;
  readonly end: number;
}

function plainField(text: string, start: number): Field {
  let end = start;
  while (end < text.length && !',\r\n'.includes(text[end] ?? '\n')) end++;
  return { value: text.slice(start, end).trim(), end };
}

function quotedField(text: string, start: number, path: string): Field {
  let value = '';
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw new InputError(`File ${path} ends inside a quoted field.`);
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const next = text[quote + 1] ?? '\n';
      if (!',\r\n'.includes(next)) {
        throw new InputError(`File ${path} has text after a closing quote.`);
      }
      return { value, end: quote + 1 };
    }
    value += '"';
    from = quote + 2;
  }
}
