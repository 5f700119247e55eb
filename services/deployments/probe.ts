import { BackendError } from '../../backends/contract/error.ts';
import type { InvokeRequest } from '../../backends/contract/service-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Ambient } from '../../domain/ambient.ts';
import { canonicalJson, isJsonObject, type Json } from '../../domain/json.ts';
import type { ModuleSample } from '../../domain/module.ts';
import type { Serving } from './serving.ts';
import { jsonRequest, type ModuleRoutes, readAnswer, readModels } from './module-api.ts';

/** GONE: the server went away before it could be asked, which says nothing about its answers. */
export type ProbeResult =
  | { readonly verdict: 'PASSED'; readonly replica: string; readonly latencyMs: number }
  | { readonly verdict: 'FAILED'; readonly replica: string; readonly reason: string }
  | { readonly verdict: 'GONE'; readonly replica: string };

export interface ProbePlan {
  readonly serving: Pick<Serving, 'invoke'>;
  readonly handle: Handle;
  readonly routes: ModuleRoutes;
  /** The sample that the module version declares. */
  readonly declared: ModuleSample | null;
  /** A trained artifact answers with its own labels, so its own sample goes before the declared one. */
  readonly trained: boolean;
  readonly deadlineMs: number;
}

/**
 * Asks one server for its models and then for the sample. It passes only if it is the right model and the answer is what
 * the sample expects. Latency is that of the sample request, in milliseconds.
 */
export async function probe(
  plan: ProbePlan,
  replica: string,
  ambient: Ambient,
): Promise<ProbeResult> {
  const deadline = ambient.now() + plan.deadlineMs;
  const fail = (reason: string): ProbeResult => ({ verdict: 'FAILED', replica, reason });
  try {
    const list: InvokeRequest = {
      method: 'GET',
      path: plan.routes.models,
      headers: { accept: 'application/json' },
      body: null,
      replica,
    };
    const models = readModels(await plan.serving.invoke(plan.handle, list, { deadline }));
    if (typeof models === 'string') return fail(models);
    const model = models.find(({ names }) => names.includes(plan.routes.model));
    if (model === undefined) {
      const names = models.map((each) => each.names[0] ?? '?').join(', ');
      return fail(`It serves ${names || 'nothing'}, not ${plan.routes.model}.`);
    }
    const sample = plan.trained ? (model.sample ?? plan.declared) : (plan.declared ?? model.sample);
    if (sample === null) {
      return fail('The module declares no sample request, so its warmth cannot be proven.');
    }
    const request = jsonRequest(plan.routes.predict, sample.arguments, replica);
    const started = ambient.now();
    const response = await plan.serving.invoke(plan.handle, request, { deadline });
    const latencyMs = ambient.now() - started;
    const answer = readAnswer(response);
    if (answer.kind === 'FAILED') return fail(answer.message);
    if (answer.kind === 'INVALID') {
      const problems = answer.problems.map(
        (each) => `${each.argument ?? 'input'}: ${each.message}`,
      );
      return fail(`It refused its own sample: ${problems.join('; ')}`);
    }
    const wrong = mismatch(sample.expect, answer.predictions);
    return wrong === null ? { verdict: 'PASSED', replica, latencyMs } : fail(wrong);
  } catch (error) {
    // Being told to slow down says nothing about its answers.
    if (!(error instanceof BackendError) || error.kind === 'RateLimited') throw error;
    const isGone = error.kind === 'NoCapacity' || error.kind === 'NotFound';
    return isGone ? { verdict: 'GONE', replica } : fail(`${error.message} (${error.kind})`);
  }
}

/** What in the answer is not as the sample expects, as a sentence; null when all is. Only what is expected is compared. */
export function mismatch(expect: Json, predictions: Json): string | null {
  if (expect === null) return null;
  if (!isJsonObject(expect)) {
    return canonicalJson(expect) === canonicalJson(predictions)
      ? null
      : `The sample expects ${JSON.stringify(expect)}; the answer was ${shown(predictions)}.`;
  }
  for (const [name, wanted] of Object.entries(expect)) {
    const got = name === 'label' ? labelOf(predictions) : memberOf(predictions, name);
    if (got === undefined || canonicalJson(got) !== canonicalJson(wanted)) {
      const said = got === undefined ? `without ${name}: ${shown(predictions)}` : shown(got);
      return `The sample expects ${name} ${JSON.stringify(wanted)}; the answer was ${said}.`;
    }
  }
  return null;
}

/** The best label: classifiers answer `label`, or `labels` with the best one first. */
function labelOf(predictions: Json): Json | undefined {
  const label = memberOf(predictions, 'label');
  if (label !== undefined) return label;
  const labels = memberOf(predictions, 'labels');
  return Array.isArray(labels) ? (labels as readonly Json[])[0] : undefined;
}

function memberOf(value: Json, name: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
