import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import { MemoryJobs } from '../../fakes/memory-jobs.ts';
import { openTelemetryTraces } from '../../../server/telemetry/spans.ts';
import { tracedBackend } from '../../../server/telemetry/traced-backend.ts';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const handle = { backend: 'far', version: 1, native: {} } as const;
const exporter = new InMemorySpanExporter();
const traces = openTelemetryTraces();
const look = { name: 'look', attributes: {} };

const told = () => exporter.getFinishedSpans();

beforeAll(() => {
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
});
beforeEach(() => exporter.reset());
afterAll(() => {
  for (const api of [context, propagation, trace]) api.disable();
});

describe('what is told of looks and of calls of a backend', () => {
  test('without a trace to go on with, nothing, and the work is done all the same', async () => {
    const backend = tracedBackend(new MemoryJobs('far'));
    const work = async () => {
      await backend.health();
      return traces.current();
    };
    expect(await traces.goOn(null, look, work)).toBeNull();
    expect(told()).toEqual([]);
  });

  test('a call that was refused has the kind of the refusal, and not its words', async () => {
    const memory = new MemoryJobs('far');
    memory.release = async () => {
      throw new BackendError('Unavailable', 'release', 'secret words');
    };
    const work = () => tracedBackend(memory).release(handle);
    await expect(traces.goOn(parent, look, work)).rejects.toThrow('secret words');
    const [call, above] = told();
    expect(call?.attributes).toMatchObject({ 'fathom.outcome': 'Unavailable' });
    expect(call?.parentSpanContext?.spanId).toBe(above?.spanContext().spanId);
    expect(above?.attributes).toMatchObject({ 'fathom.outcome': 'Unavailable' });
    const texts = told().map(({ attributes, events, status }) => [attributes, events, status]);
    expect(JSON.stringify(texts)).not.toContain('secret words');
  });

  test('of a thing that is looked at for days, at length in the beginning only', async () => {
    const other = parent.replace('0af7', '1af7');
    for (let at = 0; at < 1_000; at += 1) {
      await traces.goOn(other, look, async () => undefined);
    }
    expect(told().length).toBe(208);
  });
});
