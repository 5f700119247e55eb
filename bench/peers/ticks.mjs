// The same event for the peers of the fan-out, with the time at which it was made, at the same rate.
export const typeDefs = /* GraphQL */ `
  type Progress {
    done: Float!
    total: Float!
    unit: String!
  }
  type TrainingRunProgressed {
    progress: Progress!
  }
  type TrainingRunEvent {
    sequence: Int!
    at: String!
    change: TrainingRunProgressed!
  }
  type Query {
    ready: Boolean
  }
  type Subscription {
    trainingRunEvents(id: ID!, after: Int): TrainingRunEvent!
  }
`;

/** Calls `tell` with events 1, 2, 3 … every `everyMs`; answers those so far. */
export function ticks(everyMs, tell) {
  const past = [];
  setInterval(() => {
    const progress = { done: past.length + 1, total: 100_000, unit: 'batch' };
    const event = {
      sequence: past.length + 1,
      at: new Date().toISOString(),
      change: { __typename: 'TrainingRunProgressed', progress },
    };
    past.push(event);
    tell(event);
  }, everyMs);
  return past;
}
