import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { BackendError } from '../../backends/contract/error.ts';
import { FathomError } from '../../domain/errors.ts';
import type { Traces } from '../../domain/traces.ts';

const tracer = trace.getTracer('fathom');

/** Looks at one thing that are recorded each, before only one in `thinned` is: a run of days must not fill a collector. */
const allOfFirst = 200;
const thinned = 100;
/** Things that looks are counted for, the last ones looked at. */
const countedTraces = 10_000;

/** The traces that OpenTelemetry was set up to send. */
export function openTelemetryTraces(): Traces {
  const counts = new Map<string, number>();
  const isToldOf = (parent: string): boolean => {
    const count = (counts.get(parent) ?? 0) + 1;
    counts.delete(parent);
    counts.set(parent, count);
    const [oldest] = counts.size > countedTraces ? counts.keys() : [];
    if (oldest !== undefined) counts.delete(oldest);
    return count <= allOfFirst || count % thinned === 0;
  };
  return {
    current: traceparent,
    goOn(parent, { name, attributes }, work) {
      if (parent === null || !isToldOf(parent)) return work();
      const remote = propagation.extract(ROOT_CONTEXT, { traceparent: parent });
      const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes }, remote);
      return within(span, remote, work);
    },
  };
}

/** Of the span that is open here; null when there is none, or it is not recorded. */
export function traceparent(): string | null {
  if (trace.getActiveSpan()?.isRecording() !== true) return null;
  const carried: { traceparent?: string } = {};
  propagation.inject(context.active(), carried);
  return carried.traceparent ?? null;
}

/** `work` as a part of what is recorded here; where nothing is, it is only done. */
export function asPart<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  if (trace.getActiveSpan()?.isRecording() !== true) return work();
  const span = tracer.startSpan(name, options);
  return within(span, context.active(), work);
}

/** As `asPart`, of what comes one by one, from the first question to the end. */
export async function* eachAsPart<T>(
  name: string,
  options: SpanOptions,
  source: () => AsyncIterable<T>,
): AsyncGenerator<T> {
  if (trace.getActiveSpan()?.isRecording() !== true) return yield* source();
  const span = tracer.startSpan(name, options);
  const here = trace.setSpan(context.active(), span);
  let outcome = 'OK';
  const iterator = context.with(here, () => source()[Symbol.asyncIterator]());
  try {
    for (;;) {
      const next = await context.with(here, () => iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    await context.with(here, async () => iterator.return?.());
    end(span, outcome);
  }
}

async function within<T>(
  span: Span,
  parent: ReturnType<typeof context.active>,
  work: () => Promise<T>,
): Promise<T> {
  let outcome = 'OK';
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    end(span, outcome);
  }
}

/** A word of a few: messages may have in them what does not belong into a collector. */
function outcomeOf(error: unknown): string {
  if (error instanceof BackendError) return error.kind;
  if (error instanceof FathomError) return error.code;
  return error instanceof Error ? error.name : 'Error';
}

function end(span: Span, outcome: string): void {
  span.setAttribute('fathom.outcome', outcome);
  if (outcome !== 'OK') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
  span.end();
}
