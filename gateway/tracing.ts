import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Incoming } from './executor.ts';

const tracer = trace.getTracer('fathom');

/** One operation as a span, a child of the caller's if `traceparent` came with it. Costs next to nothing when nobody registered. */
export interface TracedOperation {
  /** Those that came, with this span as `traceparent`: what is forwarded to subgraphs. */
  readonly headers: Incoming['headers'];
  within<T>(work: () => Promise<T>): Promise<T>;
  /** Once the document was read. */
  name(kind: Incoming['kind'], name: string | undefined): void;
  end(outcome: string): void;
}

export function traced({
  headers,
  requestId,
}: Pick<Incoming, 'headers' | 'requestId'>): TracedOperation {
  const parent = propagation.extract(ROOT_CONTEXT, headers);
  const span = tracer.startSpan(
    'graphql',
    { kind: SpanKind.SERVER, attributes: { 'fathom.request_id': requestId } },
    parent,
  );
  if (!span.isRecording()) return untraced(headers);
  const within = trace.setSpan(parent, span);
  const carried: Record<string, string> = {};
  propagation.inject(within, carried);
  return {
    headers: { ...headers, ...carried },
    within: (work) => context.with(within, work),
    name: (kind, name) => {
      span.updateName(name === undefined ? kind : `${kind} ${name}`);
      span.setAttribute('graphql.operation.type', kind);
      if (name !== undefined) span.setAttribute('graphql.operation.name', name);
    },
    end: (outcome) => endSpan(span, outcome),
  };
}

/** Work inside the current operation, at a place of its own: a call to a subgraph. */
export async function tracedCall<T>(
  name: string,
  attributes: Readonly<Record<string, string>>,
  work: (carried: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  // It begins no trace of its own: who is not recorded is not in part either.
  if (trace.getActiveSpan()?.isRecording() !== true) return await work({});
  return await tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const carried: Record<string, string> = {};
    propagation.inject(context.active(), carried);
    try {
      return await work(carried);
    } finally {
      span.end();
    }
  });
}

function untraced(headers: Incoming['headers']): TracedOperation {
  return { headers, within: (work) => work(), name: () => undefined, end: () => undefined };
}

function endSpan(span: Span, outcome: string): void {
  if (outcome !== 'OK') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
  span.end();
}
