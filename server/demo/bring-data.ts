import { createHash } from 'node:crypto';
import { accepted } from '../../codegen/client/errors.ts';
import {
  CreateDatasetDocument,
  CreateDatasetVersionDocument,
  CreateUploadsDocument,
  DatasetsDocument,
} from '../../codegen/client/generated/graphql.ts';
import { found, type Stage } from './stage.ts';

export interface LocalFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Registers a data set, sends its files over HTTP and fixes them as a version; returns the version's id. */
export async function uploadDataset(
  { client, screen, signal }: Stage,
  name: string,
  files: readonly LocalFile[],
): Promise<string> {
  const { createDataset } = await client.run(
    CreateDatasetDocument,
    { input: { name, title: 'Digits of the demo', idempotencyKey: `dataset ${name}` } },
    { signal },
  );
  const dataset = accepted(createDataset, 'dataset');
  const announced = files.map(({ path, bytes }) => ({
    path,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  const { createUploads } = await client.run(
    CreateUploadsDocument,
    { input: { datasetId: dataset.id, files: announced, idempotencyKey: `uploads ${name}` } },
    { signal },
  );
  for (const [index, upload] of accepted(createUploads, 'uploads').entries()) {
    const { path, bytes } = found(files[index], 'The server announced another number of uploads.');
    const onProgress = (sent: number, total: number): void => screen.bar(sent / total, path);
    const url = found(upload.url, `The upload of ${path} takes no bytes.`);
    await client.upload(url, bytes, { signal, onProgress });
    screen.line(`  ${path}: ${bytes.length.toLocaleString('en')} bytes, digest verified`);
  }
  const { createDatasetVersion } = await client.run(
    CreateDatasetVersionDocument,
    { input: { datasetId: dataset.id, format: 'IDX', idempotencyKey: `version ${name}` } },
    { signal },
  );
  const version = accepted(createDatasetVersion, 'datasetVersion');
  const { rule, trainCount, testCount } = version.defaultSplit;
  screen.line(
    `  version ${version.number}: ${version.exampleCount} examples of ${version.labels.length} labels, ` +
      `${trainCount} to train and ${testCount} to test (${rule.toLowerCase()})`,
  );
  return version.id;
}

/** The newest version of a data set that the installation brings along. */
export async function knownDataset(
  { client, screen, signal }: Stage,
  name: string,
): Promise<string> {
  const { datasets } = await client.run(
    DatasetsDocument,
    { filter: { search: name, visibility: 'PUBLIC' } },
    { signal },
  );
  const dataset = found(
    datasets.nodes.find((node) => node.name === name),
    `There is no data set "${name}".`,
  );
  const version = found(dataset.latestVersion, `The data set "${name}" has no version.`);
  const labels = version.labels.map(({ label }) => label).join(', ');
  screen.line(`  ${dataset.title}: ${version.exampleCount} examples (${labels})`);
  return version.id;
}
