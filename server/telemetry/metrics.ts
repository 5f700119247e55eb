import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Watch } from '../../gateway/watch.ts';
import type { Installation } from '../installation.ts';

type Log = (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;

/** What this process counts, in Prometheus' text format. Labels have few values: no ids, no names that callers choose. */
export class Metrics {
  readonly registry = new Registry();
  readonly watch: Watch;

  constructor(role: string, log: Log = () => undefined) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ role });
    collectDefaultMetrics({ register: this.registry });
    const operations = new Counter({
      name: 'fathom_graphql_operations_total',
      help: 'Operations answered, by kind and by OK or the code of the first error.',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    const seconds = new Histogram({
      name: 'fathom_graphql_operation_seconds',
      help: 'From the request to its answer; of a subscription, to its opening.',
      labelNames: ['kind'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    const streams = new Gauge({
      name: 'fathom_graphql_streams',
      help: 'Subscriptions that are open.',
      registers,
    });
    const events = new Counter({
      name: 'fathom_graphql_events_total',
      help: 'Events sent to subscribers.',
      registers,
    });
    this.watch = {
      operationEnded(operation) {
        const { kind, outcome } = operation;
        operations.inc({ kind, outcome });
        seconds.observe({ kind }, operation.seconds);
        log('info', 'An operation was answered.', operation);
      },
      streamOpened() {
        streams.inc();
        return () => streams.dec();
      },
      eventSent: () => events.inc(),
    };
  }

  /** What an installation says of itself, looked at when it is asked for. */
  ofInstallation({ at, isOnDuty }: Installation): void {
    const registers = [this.registry];
    const onDuty = new Gauge({
      name: 'fathom_on_duty',
      help: '1 in the process that hands work to backends.',
      registers: [],
      collect() {
        this.set(isOnDuty() ? 1 : 0);
      },
    });
    const reachable = new Gauge({
      name: 'fathom_backend_reachable',
      help: '1 when the backend answered just now.',
      labelNames: ['backend', 'type'],
      registers,
    });
    const queued = new Gauge({
      name: 'fathom_backend_queued',
      help: 'Jobs that the backend accepted and did not start.',
      labelNames: ['backend', 'type'],
      registers,
    });
    const store = new Gauge({
      name: 'fathom_store_healthy',
      help: '1 when the store answers.',
      registers: [],
      async collect() {
        const [health] = await Promise.all([
          at.store.health(),
          ...at.backends.all().map(async (backend) => {
            const labels = { backend: backend.name, type: backend.type };
            const { reachable: isThere, capacity } = await backend.health();
            reachable.set(labels, isThere ? 1 : 0);
            if (capacity === null) queued.remove(labels);
            else queued.set(labels, capacity.queued);
          }),
        ]);
        this.set(health.ok ? 1 : 0);
      },
    });
    for (const gauge of [onDuty, store]) this.registry.registerMetric(gauge);
  }

  async text(): Promise<{ readonly type: string; readonly text: string }> {
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }

  /** `GET /metrics`. */
  readonly route: FastifyPluginAsync = async (app: FastifyInstance) => {
    app.get('/metrics', async (_request, reply) => {
      const { type, text } = await this.text();
      return reply.header('content-type', type).send(text);
    });
  };
}
