import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every name and every text below a folder, as somebody would find them who looks for a secret. */
export function everyFile(folder: string): string {
  const texts: string[] = [];
  for (const entry of unlessGone(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const path = join(folder, entry.name);
    texts.push(path);
    if (entry.isDirectory()) texts.push(everyFile(path));
    else if (entry.isFile()) texts.push(unlessGone(() => readFileSync(path, 'utf8')) ?? '');
  }
  return texts.join('\n');
}

/** The command line of every process but ours. */
export function everyCommandLine(): string {
  if (process.platform !== 'linux') return '';
  const lines: string[] = [];
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (pid === String(process.pid)) continue;
    lines.push(unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '');
  }
  return lines.join('\n');
}

/** Others write, rename and end while we look. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes(code)) return undefined;
    throw error;
  }
}
