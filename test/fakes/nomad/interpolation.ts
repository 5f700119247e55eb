/** What Nomad does to texts of a job on the node. Each throws an Error with Nomad's kind of words. */

export type Values = Readonly<Record<string, string>>;

/** A text of a driver's configuration, read as an HCL template. */
export function fillTemplate(text: string, values: Values): string {
  let filled = '';
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    if (rest.startsWith('$${') || rest.startsWith('%%{')) {
      filled += rest.slice(1, 3);
      at += 3;
    } else if (rest.startsWith('%{')) {
      throw new Error('Invalid template control keyword: "%{" begins a directive.');
    } else if (rest.startsWith('${')) {
      const { value, length } = expression(rest, values);
      filled += value;
      at += length;
    } else {
      filled += text[at];
      at++;
    }
  }
  return filled;
}

/** A value of `Env`: only names that are known are filled in. */
export function replaceVariables(text: string, values: Values): string {
  return text.replaceAll(/\$\{([\w.-]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** `variable` finds the items of a Nomad variable; undefined while there is none, and the answer is undefined too. */
export function renderTemplate(
  text: string,
  { left, right }: { readonly left: string; readonly right: string },
  variable: (path: string) => Values | undefined,
): string | undefined {
  let items: Values | null = null;
  const [first = '', ...pieces] = text.split(left);
  let rendered = first;
  for (const piece of pieces) {
    const end = piece.indexOf(right);
    if (end < 0) throw new Error('template: unclosed action');
    const action = piece.slice(0, end).trim();
    const path = /^with nomadVar "([^"]+)"$/.exec(action)?.[1];
    if (path !== undefined) {
      const found = variable(path);
      if (found === undefined) return undefined;
      items = found;
    } else if (action.startsWith('.') && items !== null) {
      rendered += items[action.slice(1)] ?? '<no value>';
    } else if (action === 'end') items = null;
    else throw new Error(`template: function not defined in ${JSON.stringify(action)}`);
    rendered += piece.slice(end + right.length);
  }
  return rendered;
}

/** As HashiCorp's go-envparse reads it, double quotes only. */
export function parseEnvironment(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (Buffer.byteLength(line) > 64 * 1024) throw new Error('bufio.Scanner: token too long');
    const [, name, value] =
      /^([A-Za-z_][A-Za-z0-9_./]*)\s*=\s*("(?:[^"\\]|\\.)*")$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new Error(`error on line ${index + 1}: invalid characters`);
    }
    found[name] = JSON.parse(value) as string;
  }
  return found;
}

/** `${NAME}` or `${"text"}`, the two that are known here. */
function expression(rest: string, values: Values): { value: string; length: number } {
  const quoted = /^\$\{\s*"([^"\\]*)"\s*\}/.exec(rest);
  if (quoted !== null) return { value: quoted[1] ?? '', length: quoted[0].length };
  const named = /^\$\{\s*([A-Za-z_][\w.]*)\s*\}/.exec(rest);
  const value = values[named?.[1] ?? ''];
  if (named === null) throw new Error('Invalid expression: Expected the start of an expression.');
  if (value === undefined) {
    throw new Error(`Unknown variable: There is no variable named "${named[1]}".`);
  }
  return { value, length: named[0].length };
}
