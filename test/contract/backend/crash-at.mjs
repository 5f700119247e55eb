// Loaded before a program: kills it (as `kill -9` does) before its CRASH_AT-th change of the file
// system or start of a process, so that every line of it is once the last one.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Writable } from 'node:stream';

const crashAt = Number(process.env.CRASH_AT);
let steps = 0;

function step() {
  if (++steps === crashAt) process.kill(process.pid, 'SIGKILL');
}

function watch(object, names) {
  for (const name of names) {
    const original = object[name];
    object[name] = function (...args) {
      step();
      return original.apply(this, args);
    };
  }
}

watch(fs, ['openSync', 'writeSync', 'fsyncSync', 'linkSync', 'unlinkSync', 'renameSync']);
watch(fs.promises, ['mkdir', 'writeFile', 'rename', 'rm']);
watch(childProcess, ['spawn']);
// The orders of a supervisor go through a pipe.
watch(Writable.prototype, ['end']);
syncBuiltinESMExports();
