import { errorTable } from '../domain/errors.ts';
import { isTerminal, type StateTable } from '../domain/state.ts';
import { waitingCodes } from '../domain/waiting.ts';

/** Markdown tables from data of the code. */
export function errorsTable(): string {
  return table(
    ['code', 'try again', 'meaning'],
    Object.entries(errorTable).map(([code, { retryable, text }]) => [
      `\`${code}\``,
      retryable ? 'yes' : 'no',
      text,
    ]),
  );
}

export function waitingTable(): string {
  return table(
    ['code', 'meaning'],
    Object.entries(waitingCodes).map(([code, text]) => [`\`${code}\``, text]),
  );
}

export function statesTable<S extends string>(states: StateTable<S>): string {
  const names = Object.keys(states.next) as S[];
  return table(
    ['state', 'may become'],
    names.map((name) => [
      `\`${name}\``,
      isTerminal(states, name)
        ? 'the end'
        : states.next[name].map((next) => `\`${next}\``).join(', '),
    ]),
  );
}

/** `values` with the comment that stands before each in its source (`/** … *\/ name: …`). */
export function limitsTable(values: Readonly<Record<string, number>>, source: string): string {
  return table(
    ['limit', 'value', ''],
    Object.entries(values).map(([name, value]) => [
      `\`${name}\``,
      value.toLocaleString('en-GB'),
      commentBefore(name, source),
    ]),
  );
}

function commentBefore(name: string, source: string): string {
  const match = new RegExp(String.raw`/\*\*([^*]*(?:\*(?!/)[^*]*)*)\*/\s*${name}:`).exec(source);
  return (match?.[1] ?? '').replace(/\s*\n\s*\*?\s*/g, ' ').trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`; throws when a document lacks them. */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [name, content] of Object.entries(tables)) {
    const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const from = result.indexOf(start);
    const to = result.indexOf(end);
    if (from === -1 || to < from) throw new Error(`There is no ${start} … ${end} in the document.`);
    result = `${result.slice(0, from + start.length)}\n\n${content}\n\n${result.slice(to)}`;
  }
  return result;
}
