import { expect, test } from 'vitest';
import { parseGpus, surveyGpus } from '../../../../backends/local/gpus.ts';

test('reads the listing and passes over what is no device', () => {
  const listing = [
    '0, NVIDIA A100-SXM4-80GB, 81920 MiB',
    '1,Tesla T4, with comma ,15360 MiB\r',
    'NVIDIA-SMI has failed because it could not communicate with the driver.',
    '2, Broken, [N/A]',
    '',
  ].join('\n');
  expect(parseGpus(listing)).toEqual([
    { index: 0, model: 'NVIDIA A100-SXM4-80GB', memoryMiB: 81_920 },
    { index: 1, model: 'Tesla T4, with comma', memoryMiB: 15_360 },
  ]);
});

test('a machine without the tool has none, and the evidence says why', async () => {
  const survey = await surveyGpus('/no/such/nvidia-smi');
  expect(survey.gpus).toEqual([]);
  expect(survey.raw).toContain('/no/such/nvidia-smi');
});
