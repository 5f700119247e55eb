import type { Client } from '../../../codegen/client/client.ts';
import {
  TrainingRunEventsDocument,
  type TrainingRunEventsSubscription,
  TrainingRunLogDocument,
  type TrainingRunLogSubscription,
  TrainingRunMetricsDocument,
  type TrainingRunMetricsSubscription,
} from '../../../codegen/client/generated/graphql.ts';

export type RunEvent = TrainingRunEventsSubscription['trainingRunEvents'];
export type MetricPoint = TrainingRunMetricsSubscription['trainingRunMetrics'];
export type LogLine = TrainingRunLogSubscription['trainingRunLog'];

/** Everything a run tells, in the order in which it came. */
export interface Told {
  readonly events: readonly RunEvent[];
  readonly metrics: readonly MetricPoint[];
  readonly log: readonly LogLine[];
}

/** Follows all three streams of a run to their end. */
export async function follow(
  client: Client,
  id: string,
  onMetric: (point: MetricPoint) => void = () => undefined,
): Promise<Told> {
  const events: RunEvent[] = [];
  const metrics: MetricPoint[] = [];
  const log: LogLine[] = [];
  await Promise.all([
    (async () => {
      for await (const data of client.subscribe(TrainingRunEventsDocument, { id })) {
        events.push(data.trainingRunEvents);
      }
    })(),
    (async () => {
      for await (const data of client.subscribe(TrainingRunMetricsDocument, { id })) {
        metrics.push(data.trainingRunMetrics);
        onMetric(data.trainingRunMetrics);
      }
    })(),
    (async () => {
      for await (const data of client.subscribe(TrainingRunLogDocument, { id })) {
        log.push(data.trainingRunLog);
      }
    })(),
  ]);
  return { events, metrics, log };
}

export function statesOf(events: readonly RunEvent[]): readonly string[] {
  return events.flatMap(({ change }) =>
    change.__typename === 'TrainingRunStateChanged' ? [change.to] : [],
  );
}

/** 1, 2, 3 … up to the number of entries. */
export function countUp(entries: readonly unknown[]): readonly number[] {
  return entries.map((_, index) => index + 1);
}
