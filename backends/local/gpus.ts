import { execFile } from 'node:child_process';
import type { GpuDevice } from '../../domain/resources.ts';

export interface GpuSurvey {
  readonly gpus: readonly GpuDevice[];
  /** What was said, verbatim: the evidence when there are none. */
  readonly raw: string;
}

const query = ['--query-gpu=index,name,memory.total', '--format=csv,noheader'];

/** Asks the driver's own tool; a machine without it has no GPU. Never rejects. */
export function surveyGpus(nvidiaSmi: string): Promise<GpuSurvey> {
  return new Promise((resolve) => {
    execFile(nvidiaSmi, query, { timeout: 5000 }, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`.trim();
      if (error === null) resolve({ gpus: parseGpus(stdout), raw: said });
      else resolve({ gpus: [], raw: said === '' ? `${nvidiaSmi}: ${reasonOf(error)}` : said });
    });
  });
}

function reasonOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not found' : error.message;
}

/** Lines such as `0, NVIDIA A100-PCIE-40GB, 40960 MiB`; others are passed over. */
export function parseGpus(listing: string): readonly GpuDevice[] {
  const gpus: GpuDevice[] = [];
  for (const line of listing.split('\n')) {
    const fields = /^\s*(\d+)\s*,\s*(.+?)\s*,\s*(\d+)\s*MiB\s*$/.exec(line);
    if (fields === null) continue;
    gpus.push({
      index: Number(fields[1]),
      model: fields[2] ?? '',
      memoryMiB: Number(fields[3]),
    });
  }
  return gpus;
}
