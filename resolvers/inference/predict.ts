import { FathomError } from '../../domain/errors.ts';
import type { PredictInput } from '../../schema/inference/inputs.ts';
import type { Predicted, PredictRequest } from '../../services/inference/predict-request.ts';
import { outcome } from '../outcome.ts';

export function predictRequest(input: PredictInput): PredictRequest {
  return {
    deploymentId: input.deploymentId,
    arguments: input.arguments ?? {},
    files: (input.files ?? []).map((file) => ({
      argument: file.argument,
      url: file.url ?? null,
      base64: file.base64 ?? null,
      fileName: file.fileName ?? null,
      mediaType: file.mediaType ?? null,
    })),
    deadlineMs: input.deadlineMs ?? null,
    waitUntilWarmMs: input.waitUntilWarmMs ?? null,
  };
}

/** As every payload, and when to try again. */
export async function predictPayload(work: Promise<Predicted>) {
  const flat = work.then(({ prediction, output }) => ({ ...prediction, output }));
  const retryAfterMs = work.then(
    () => null,
    (error: unknown) => (error instanceof FathomError ? error.retryAfterMs : null),
  );
  const payload = await outcome('prediction', flat);
  return { ...payload, retryAfterMs: await retryAfterMs };
}
