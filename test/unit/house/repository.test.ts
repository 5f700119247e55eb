import { expect, test } from 'vitest';
import { repositoryFiles, repositoryFindings } from '../../house/repository.ts';
import { root } from './project-copy.ts';

const sound = [
  { path: 'LICENSE', text: 'Apache License, Version 2.0' },
  { path: 'README.md', text: '# Fathom\n' },
  { path: 'package-lock.json', text: '{ "node_modules/zod": { "version": "4.6.0" } }' },
  { path: 'domain/run.ts', text: 'export {};\n' },
  { path: '.ci/run', text: 'npm install\n' },
];

test('the repository is fit for a stranger', async () => {
  const registry = process.env['npm_config_registry'];
  expect(repositoryFindings(await repositoryFiles(root), registry)).toEqual([]);
});

test('a sound repository has no findings, and each fault has its own', () => {
  expect(repositoryFindings(sound, 'https://packages.example.org/npm/')).toEqual([]);
  const faulty = [
    { path: 'README.md', text: 'line\n'.repeat(121) },
    { path: 'package-lock.json', text: '"resolved": "https://packages.example.org/zod.tgz"' },
    { path: 'docs/start.md', text: `cd ${['', 'work', 'main'].join('/')} && npm start` },
    { path: 'archive/old.ts', text: '' },
  ];
  expect(repositoryFindings(faulty, 'https://packages.example.org/npm/')).toEqual([
    'package-lock.json contains "packages.example.org"',
    `docs/start.md contains "${['', 'work', 'main'].join('/')}"`,
    'LICENSE is not there',
    'README.md has 121 lines, at most 120',
    'package-lock.json names a registry: npm config omit-lockfile-registry-resolved',
    'archive/ is not a folder of the design',
  ]);
});
