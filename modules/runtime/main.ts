import { parseArgs } from 'node:util';
import { loadModule, readSample } from './load-module.ts';
import { InputError } from './input-error.ts';
import { Stopped } from './run-report.ts';
import { swaggerDocument } from './swagger.ts';
import { findPythonModule, modelOf } from '../deepaas/python-module.ts';
import type { RunningServerPlace } from '../deepaas/running-server.ts';

const usage = `Usage: node modules/runtime/main.ts COMMAND --module DIR
  describe                    the module as one JSON document
  serve [--host H] [--port N] [--artifact DIR] [--base-path P] [--client-max-size BYTES]
        [--disable-train] [--disable-predict] [--debug-endpoint]
                              the DEEPaaS V2 API; with --openwhisk-detect the same by OpenWhisk's
                              /init and /run, where __OW_API_HOST says that this is such a platform
  openwhisk [--openwhisk-port N]
                              the DEEPaaS V2 API by /init and /run in any case; port 8080
  train --work DIR            one training, from DIR/workload.json to DIR/out/output.json
A DEEPaaS that this does not know is trained without --module:
  train --work DIR --deepaas URL [--model NAME] [--server-folder DIR] [--wait SECONDS]
                              by the server that answers there
  train --work DIR [--model NAME] --deepaas-command PROGRAM ARGUMENT…
                              by the server that this starts, with --listen-ip and --listen-port behind it
A module in Python runs the same way: in its own .venv, in the environment --python DIR, or in that of the path.`;

/** What stands behind it is the command of a server. */
const commandMark = '--deepaas-command';

/** Exit codes: 0 done; 1 a defect; 2 something the caller has to mend; 143 stopped by SIGTERM. */
async function main(all: readonly string[]): Promise<void> {
  const mark = all.indexOf(commandMark);
  const args = mark < 0 ? all : all.slice(0, mark);
  const { values, positionals } = readOptions(args);
  if (mark >= 0) return trainElsewhere(values, positionals, all.slice(mark + 1));
  if (values.deepaas !== undefined) {
    const folder = values['server-folder'] ?? null;
    const waitMs = wholeNumber('wait', values.wait) * 1000;
    const url = values.deepaas.replace(/\/+$/, '');
    return trainElsewhere(values, positionals, { url, folder, waitMs });
  }
  if (values.module === undefined || positionals.length !== 1) throw new InputError(usage);
  const model = await modelOf(values.module);
  if (model !== null) {
    const { runPythonModule } = await import('../deepaas/command.ts');
    const module = await findPythonModule(values.module, model, values.python ?? null);
    process.exitCode = await runPythonModule(module, {
      command: positionals[0] ?? '',
      work: values.work ?? null,
      artifact: values.artifact ?? null,
      serve: {
        host: values.host ?? '127.0.0.1',
        port: wholeNumber('port', values.port),
        basePath: values['base-path'].replace(/\/+$/, ''),
        clientMaxSize: wholeNumber('client-max-size', values['client-max-size']),
        trainEndpoint: !values['disable-train'],
        predictEndpoint: !values['disable-predict'],
        debugEndpoint: values['debug-endpoint'],
      },
    });
    return;
  }
  const isAction = values['openwhisk-detect'] && process.env['__OW_API_HOST'] !== undefined;
  if (positionals[0] === 'openwhisk' || (positionals[0] === 'serve' && isAction)) {
    const { serveAction } = await import('./action-server.ts');
    await serveAction({
      module: values.module,
      // A container is reached from outside of it only.
      host: values.host ?? '0.0.0.0',
      port: wholeNumber('openwhisk-port', values['openwhisk-port']),
      ...apiOptions(values),
    });
    return;
  }
  const loaded = await loadModule(values.module).catch((error: unknown) => {
    throw new InputError(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const [command = ''] = positionals;
  switch (command) {
    case 'describe': {
      const { module, metadata, metadataFile, weights } = loaded;
      const sample = await readSample(module, weights);
      const trainable = module.trainArguments !== null;
      const { name, version } = module;
      const swagger = swaggerDocument(module);
      const pretrained = weights !== null || module.predictsWithoutWeights;
      const facts = { name, version, trainable, pretrained };
      const description = { ...facts, metadataFile, metadata, swagger, sample };
      process.stdout.write(JSON.stringify(description) + '\n');
      return;
    }
    case 'train': {
      if (values.work === undefined) throw new InputError(usage);
      const { train } = await import('./train.ts');
      const controller = new AbortController();
      process.once('SIGTERM', () => controller.abort());
      await train(
        loaded.module,
        values.work,
        (line) => process.stdout.write(line + '\n'),
        controller.signal,
      );
      return;
    }
    case 'serve': {
      const { serve } = await import('./serve.ts');
      await serve(loaded, {
        host: values.host ?? '127.0.0.1',
        port: wholeNumber('port', values.port),
        artifact: values.artifact ?? null,
        trainEndpoint: !values['disable-train'],
        ...apiOptions(values),
      });
      return;
    }
    default:
      throw new InputError(usage);
  }
}

/** A training by a DEEPaaS that is no folder of ours. */
async function trainElsewhere(
  { work, model }: Values,
  positionals: readonly string[],
  server: readonly string[] | Omit<RunningServerPlace, 'model'>,
): Promise<void> {
  if (positionals.join() !== 'train' || work === undefined) throw new InputError(usage);
  const { trainBy } = await import('../deepaas/command.ts');
  await trainBy(server, model ?? null, work);
}

const options = {
  module: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string', default: '0' },
  artifact: { type: 'string' },
  work: { type: 'string' },
  python: { type: 'string' },
  deepaas: { type: 'string' },
  model: { type: 'string' },
  'server-folder': { type: 'string' },
  wait: { type: 'string', default: '600' },
  'base-path': { type: 'string', default: '' },
  'client-max-size': { type: 'string', default: String(64 * 2 ** 20) },
  'disable-train': { type: 'boolean', default: false },
  'disable-predict': { type: 'boolean', default: false },
  'debug-endpoint': { type: 'boolean', default: false },
  'openwhisk-detect': { type: 'boolean', default: false },
  'openwhisk-port': { type: 'string', default: '8080' },
} as const;

type Values = ReturnType<typeof readOptions>['values'];

function apiOptions(values: Values) {
  return {
    basePath: values['base-path'].replace(/\/+$/, ''),
    clientMaxSize: wholeNumber('client-max-size', values['client-max-size']),
    predictEndpoint: !values['disable-predict'],
    debugEndpoint: values['debug-endpoint'],
  };
}

// The inferred type names every option; writing it out would repeat the table above.
function readOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new InputError(error instanceof Error ? error.message : usage, { cause: error });
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new InputError(`Option --${name} must be a whole number.`);
  return Number(text);
}

// Whoever reads our lines may go away; the work goes on and its files tell the rest.
process.stdout.on('error', () => {});

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof Stopped) process.exitCode = 143;
  else if (error instanceof InputError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`);
    process.exitCode = 1;
  }
}
