import type { V1Container } from './native.ts';
import { BackendError } from '../contract/error.ts';
import type { JobWorkload, Program } from '../contract/workload.ts';
import { stockOf } from '../deepaas-images/program.ts';
import type { KubernetesSettings } from './config.ts';
import { serverCommand } from './stock-command.ts';

type Environment = NonNullable<V1Container['env']>;

/** What runs, as it is meant (nothing is doubled yet). Unsupported where that is no image. */
export function imageAndArguments(
  program: Program,
  settings: KubernetesSettings,
  folder: string,
): { readonly image: string; readonly argv: readonly string[] } {
  if (program.kind === 'COMMAND') {
    const image = program.image ?? settings.commandImage;
    if (image === null) {
      const message = 'A cluster runs images, and no image for plain commands is configured here.';
      throw new BackendError('Unsupported', 'translate', message);
    }
    return { image, argv: program.argv };
  }
  const stock = stockOf(program);
  if (stock !== null) return { image: stock.image, argv: serverCommand(stock, settings, folder) };
  const { source } = program.module;
  if (source.kind === 'FOLDER') {
    const message = 'A cluster runs images: this module is a folder, and has none.';
    throw new BackendError('Unsupported', 'translate', message);
  }
  const argv = [...settings.imageRuntime, program.operation];
  if (program.operation === 'train') {
    return { image: source.image, argv: [...argv, '--work', folder] };
  }
  const port = String(settings.servicePort);
  return { image: source.image, argv: [...argv, '--host', '0.0.0.0', '--port', port] };
}

/** Rejects what no program can be given. */
export function checkProgram(workload: JobWorkload, argv: readonly string[]): void {
  if (argv.length === 0 || argv[0] === '') throw rejected('There is no command to run.');
  if (argv.some((argument) => argument.includes('\0'))) {
    throw rejected('An argument holds a NUL character, which no program can be given.');
  }
  for (const group of [workload.environment, workload.secrets]) {
    for (const [name, value] of Object.entries(group)) {
      if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
        throw rejected(`The environment variable "${name.replaceAll('\0', '')}" is malformed.`);
      }
    }
  }
}

/** `own` is ours and wins; secrets come from the Secret `secretName` by their place in it. */
export function environment(
  workload: JobWorkload,
  secretName: string,
  own: Environment,
): Environment {
  // Images of CUDA show every device of the node: who asked for none gets none.
  const none: Record<string, string> =
    workload.resources.gpus === null
      ? { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'none' }
      : {};
  const secrets = Object.keys(workload.secrets).map((name, index) =>
    fromSecret(name, secretName, `secret-${index}`),
  );
  const all = [...variables({ ...none, ...workload.environment }), ...secrets, ...own];
  return all.filter(({ name }, index) => all.findLastIndex((one) => one.name === name) === index);
}

export function variables(plain: Readonly<Record<string, string>>): Environment {
  return Object.entries(plain).map(([name, value]) => ({ name, value: literal(value) }));
}

export function fromSecret(variable: string, name: string, key: string): Environment[number] {
  return { name: variable, valueFrom: { secretKeyRef: { name, key } } };
}

/** Kubernetes fills `$(NAME)` into commands and variables; doubled, a dollar is a dollar. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}
