import type { ContainerSettings } from './config.ts';

interface Contained {
  readonly image: string;
  readonly argv: readonly string[];
  readonly environment: { readonly [name: string]: string };
  readonly secretNames: readonly string[];
  readonly workFolder: string;
  readonly wantsGpus: boolean;
}

/**
 * The command that runs `argv` inside of the image, with the work folder at the same path inside and outside. Neither
 * argv nor environment of the result holds a secret.
 */
export function inContainer(
  settings: ContainerSettings,
  program: Contained,
): { readonly argv: readonly string[]; readonly environment: Contained['environment'] } {
  return settings.kind === 'apptainer'
    ? inApptainer(settings, program)
    : inUdocker(settings, program);
}

/** apptainer passes the caller's environment on (secrets too), except what its own settings replace. */
function inApptainer(
  settings: ContainerSettings,
  { image, argv, environment, workFolder, wantsGpus }: Contained,
): ReturnType<typeof inContainer> {
  const reference = /^([a-z][a-z0-9+-]*:\/\/|\/)/.test(image) ? image : `docker://${image}`;
  return {
    argv: [
      settings.command ?? 'apptainer',
      'exec',
      ...(wantsGpus ? ['--nv'] : []),
      '--bind',
      `${workFolder}:${workFolder}`,
      '--pwd',
      workFolder,
      ...settings.options,
      reference,
      ...argv,
    ],
    environment,
  };
}

/**
 * udocker starts from an empty environment; `--env NAME=VALUE` would show a secret in every process list, while
 * `--hostenv` takes them from the caller's environment.
 */
function inUdocker(
  settings: ContainerSettings,
  { image, argv, environment, workFolder }: Contained,
): ReturnType<typeof inContainer> {
  return {
    argv: [
      settings.command ?? 'udocker',
      '--quiet',
      'run',
      '--rm',
      '--nobanner',
      '--hostenv',
      `--volume=${workFolder}:${workFolder}`,
      `--workdir=${workFolder}`,
      ...settings.options,
      image.replace(/^docker:\/\//, ''),
      ...argv,
    ],
    environment,
  };
}
