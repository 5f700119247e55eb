#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: its first duty is to notice that it runs on one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const needed = [22, 19];

if (isRecent(process.versions.node)) await run(process.argv.slice(2));
else await runUnderPackagedNode();

/**
 * `launch.mjs [gateway | subgraph NAME | worker] ...` starts the built server, building it first when
 * a source is newer; `--demo` starts the demo; `--script FILE ...` runs any script of this repository.
 * Everything happens in this process, so signals and the exit code need no forwarding.
 */
async function run(args) {
  const [first, ...rest] = args;
  if (first === '--script') {
    const [file, ...scriptArgs] = rest;
    if (file === undefined) fail('--script needs a file: node server/launch.mjs --script FILE ...');
    // Tools the script spawns must find this project's binaries, its Node among them.
    const bin = join(root, 'node_modules', '.bin');
    process.env.PATH = [dirname(process.execPath), bin, process.env.PATH ?? ''].join(delimiter);
    return start(resolve(file), scriptArgs);
  }
  const entry = first === '--demo' ? 'demo' : 'main';
  return start(await built(entry), entry === 'demo' ? rest : args);
}

async function start(file, args) {
  if (!existsSync(file)) fail(`there is no file ${file}`);
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}

/** An installation without sources is trusted as it is; with sources the bundle is kept current. */
async function built(entry) {
  if (existsSync(join(root, 'server', 'build.mjs'))) {
    const { build, BuildError } = await import('./build.mjs');
    try {
      await build(entry);
    } catch (error) {
      if (error instanceof BuildError) fail(error.message);
      throw error;
    }
  }
  return join(root, 'dist', `${entry}.js`);
}

async function runUnderPackagedNode() {
  const node = packagedNode();
  if (node === undefined) {
    fail(
      `this is Node ${process.versions.node}, Fathom needs ${needed.join('.')} or newer, and the Node 24 ` +
        'that comes with its packages is not installed: run "npm install" (without --omit=optional), or use a newer Node.',
    );
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal interrupts the whole group; a second interrupt would cut the server's graceful stop short.
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`${node} does not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0));
  });
}

/** npm's per-platform Node packages; found by folder, since npm may have left out the link in .bin. */
function packagedNode() {
  const packages = [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ];
  for (let folder = root; ; folder = dirname(folder)) {
    for (const name of packages) {
      const node = join(folder, 'node_modules', name, 'bin', 'node');
      if (existsSync(node)) return node;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function isRecent(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}

function fail(sentence) {
  console.error(`fathom: ${sentence}`);
  process.exit(1);
}
