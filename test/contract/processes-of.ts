import { readdirSync, readFileSync } from 'node:fs';

/** Those whose environment names the work folder as theirs. */
export function processesOf(work: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`FATHOM_WORK_FOLDER=${work}`);
    } catch {
      return false;
    }
  });
}
