import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, parseArguments, type ArgumentFields, type ArgumentValues } from './arguments.ts';
import { syncFolder, writeWhole } from './durable-files.ts';
import { InputError } from './input-error.ts';
import type { Module } from './module.ts';
import { createRunReport } from './run-report.ts';
import { readWorkload } from './workload.ts';

/**
 * Runs the workload in `work` and leaves `out/model` and, last, `out/output.json`: whoever finds
 * that document finds everything it names. Throws InputError for what the person who asked has to
 * mend and Stopped when `signal` was aborted.
 */
export async function train(
  module: Module,
  work: string,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!module.train || !module.trainArguments) {
    throw new InputError(`Module ${module.name} cannot be trained.`);
  }
  const out = join(work, 'out');
  const output = join(out, 'output.json');
  const artifact = join(out, '.unfinished-model');
  await mkdir(join(out, 'checkpoints'), { recursive: true });
  await rm(output, { force: true });
  await rm(artifact, { recursive: true, force: true });
  await mkdir(artifact);
  const report = createRunReport(out, print, signal);
  report.phase('PREPARING');
  const workload = await readWorkload(work);
  try {
    const result = await module.train({
      module: { name: module.name, version: module.version },
      values: trainValues(module.trainArguments, workload.arguments),
      seed: workload.seed,
      data: workload.data,
      split: workload.split,
      resume: workload.resume,
      artifact,
      report,
      signal,
    });
    const broken = Object.entries(result.metrics).find(([, value]) => !Number.isFinite(value));
    if (broken) {
      throw new InputError(
        `The training diverged: ${broken[0]} is ${broken[1]}. Try a smaller learning rate.`,
      );
    }
    const model = join(out, 'model');
    await syncFolder(artifact);
    await rm(model, { recursive: true, force: true });
    await rename(artifact, model);
    await syncFolder(out);
    await writeWhole(
      output,
      JSON.stringify({
        metrics: result.metrics,
        artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }],
        labels: result.labels,
      }),
    );
  } finally {
    await rm(artifact, { recursive: true, force: true });
  }
}

/**
 * Unlike the API, which ignores what it does not know, a run refuses a misspelt argument: it costs
 * hours to find out later.
 */
export function trainValues(
  fields: ArgumentFields,
  given: Readonly<Record<string, unknown>>,
): ArgumentValues {
  const unknown = Object.keys(given).find((name) => !(name in fields));
  if (unknown !== undefined) {
    throw new InputError(
      `Argument ${unknown} is not known; there are ${Object.keys(fields).join(', ')}.`,
    );
  }
  const parsed = parseArguments(fields, (name) => (isRecord(given) ? given[name] : undefined));
  if (parsed.ok) return parsed.values;
  const sentences = Object.entries(parsed.errors).map(
    ([name, texts]) => `Argument ${name}: ${texts.join(' ')}`,
  );
  throw new InputError(sentences.join(' '));
}
