import { expect, test } from 'vitest';
import { createClient } from '../../../codegen/client/client.ts';
import {
  DeploymentDocument,
  TrainingRunEventsDocument,
} from '../../../codegen/client/generated/graphql.ts';

const client = createClient({ url: 'http://127.0.0.1:1/graphql' });

test('variables and answers are typed by their document', () => {
  // Never called: the compiler is the judge, and an error that does not come is one.
  const judged = async (): Promise<void> => {
    const { deployment } = await client.run(DeploymentDocument, { id: 'dep_1' });
    const name: string | undefined = deployment?.name;
    // @ts-expect-error: a number is no id.
    await client.run(DeploymentDocument, { id: 1 });
    // @ts-expect-error: the id is needed.
    await client.run(DeploymentDocument, {});
    // @ts-expect-error: the field was not asked for.
    const owner: unknown = deployment?.owner;
    for await (const { trainingRunEvents } of client.subscribe(TrainingRunEventsDocument, {
      id: 'run_1',
      after: 3,
    })) {
      const sequence: number = trainingRunEvents.sequence;
      console.log(name, owner, sequence);
    }
  };
  expect(judged).toBeTypeOf('function');
});
