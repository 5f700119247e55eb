import { BackendError } from '../contract/error.ts';
import type { TemplateRequest } from './native.ts';

/**
 * A driver's configuration is read as HCL templates on the node, where `${` and `%{` begin something. Doubling them is
 * ambiguous behind another dollar; a dollar that is the value of an expression is not.
 */
export function literal(text: string): string {
  return text.replaceAll(/[$%](?=[$%]*\{)/g, (sign) => `\${"${sign}"}`);
}

/** Lines `NAME="value"` as Nomad's reader of environment files takes them: no line may be longer than this. */
const lineLimitBytes = 60 * 1024;

/** Rejected for names that such a file cannot hold, and for values that are too long for a line. */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => environmentLine(name, value))
    .join('');
}

function environmentLine(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_./]*$/.test(name)) {
    const message = `Nomad takes no environment variable named ${JSON.stringify(name)}: letters, digits and _ only.`;
    throw new BackendError('Rejected', 'translate', message);
  }
  const line = `${name}="${escaped(value)}"\n`;
  if (Buffer.byteLength(line) > lineLimitBytes) {
    const message = `The environment variable ${name} is longer than ${lineLimitBytes} bytes.`;
    throw new BackendError('Rejected', 'translate', message);
  }
  return line;
}

/** Between double quotes: what JSON escapes is what Nomad takes, and JSON leaves no character out that would end a line. */
function escaped(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

interface Delimiters {
  readonly LeftDelim: string;
  readonly RightDelim: string;
}

/** Such as stand nowhere in the text: what people wrote is no template. */
export function delimitersBeside(text: string): Delimiters {
  for (let number = 0; ; number++) {
    const LeftDelim = `[fathom${number}[`;
    const RightDelim = `]fathom${number}]`;
    if (!text.includes(LeftDelim) && !text.includes(RightDelim)) return { LeftDelim, RightDelim };
  }
}

/** Makes these variables the task's environment, as they stand. Nomad refuses an empty template. */
export function environmentTemplates(
  environment: Readonly<Record<string, string>>,
  file: string,
): readonly TemplateRequest[] {
  const text = environmentFile(environment);
  if (text === '') return [];
  return [{ ...environmentSource(file), EmbeddedTmpl: text, ...delimitersBeside(text) }];
}

/** The same from an item of a Nomad variable, which is read on the node. */
export function secretTemplate(path: string, item: string, file: string): TemplateRequest {
  return { ...fileTemplate(path, item, file), ...environmentSource(file) };
}

/** A file of what is in that item and nothing else, for whatever user the task's image says. */
export function fileTemplate(path: string, item: string, file: string): TemplateRequest {
  const { LeftDelim: left, RightDelim: right } = delimitersBeside(path);
  const EmbeddedTmpl = `${left} with nomadVar "${path}" ${right}${left} .${item} ${right}${left} end ${right}`;
  const source = { ...environmentSource(file), Envvars: false, Perms: '0644' };
  return { ...source, EmbeddedTmpl, LeftDelim: left, RightDelim: right };
}

function environmentSource(file: string) {
  return {
    DestPath: `secrets/${file}`,
    Envvars: true,
    // Nothing that is running is to be started again because a variable was removed.
    ChangeMode: 'noop',
    Perms: '0600',
  } as const;
}
