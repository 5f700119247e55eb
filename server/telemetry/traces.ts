/** Ends the export: what was recorded is sent first. */
export type EndTraces = () => Promise<void>;

/**
 * Sends a span for each operation and each call to a subgraph to an OpenTelemetry collector (OTLP over HTTP). Loaded only
 * when an address is set. Callers decide what is sampled, by the flag of their `traceparent`; whoever sends none is.
 */
export async function exportTraces(url: string, role: string): Promise<EndTraces> {
  const [api, hooks, core, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const exporter = new OTLPTraceExporter({ url });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'fathom', 'fathom.role': role }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  api.context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  api.trace.setGlobalTracerProvider(provider);
  return () => provider.shutdown();
}
