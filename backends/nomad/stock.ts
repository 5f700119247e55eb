import { guarded } from '../deepaas-images/guard.ts';
import {
  driving,
  listening,
  serverVariables,
  type StockProgram,
  supported,
  trainingVariables,
  wordFolder,
} from '../deepaas-images/program.ts';
import type { NomadSettings } from './config.ts';
import type { Launch, Word } from './words.ts';
import { below, portText } from './words.ts';

/** The task of the module's own server, beside the driver of a training. */
export const serverTaskName = 'module';

/** Of the driver, and the launcher around it. */
export const driverMemoryMiB = 512;

/** What `main` is: the driver of a training, or the module's own server. */
export function stockLaunch(
  stock: StockProgram,
  settings: NomadSettings,
  workFolder: Word,
): Launch {
  const { image, runtime, command } = supported(settings.deepaas);
  const common = { driver: 'docker', workFolder } as const;
  if (stock.operation === 'serve') {
    const argv = listening<Word>(command, '0.0.0.0', { native: portText });
    return { ...common, image: stock.image, argv, stock: 'SERVICE' };
  }
  const argv = driving<Word>(runtime, stock, {
    work: workFolder,
    words: below(workFolder, wordFolder),
    url: { native: `http://127.0.0.1:${portText}` },
    waitSeconds: settings.loadTimeoutSeconds,
  });
  return { ...common, image, argv, stock: 'DRIVER' };
}

/** The server of a training, which the two tasks share the network with. */
export function serverLaunch(
  stock: StockProgram,
  settings: NomadSettings,
  workFolder: Word,
): Launch {
  const { command } = supported(settings.deepaas);
  const argv = listening<Word>(command, '127.0.0.1', { native: portText });
  return {
    driver: 'docker',
    image: stock.image,
    workFolder,
    argv: guarded<Word>(below(workFolder, wordFolder), argv),
    stock: 'SERVER',
  };
}

/** What the module's server is told, beside the workload's own. */
export function stockVariables(
  stock: StockProgram,
  workFolder: Word,
  artifactFolder: string | null,
): Readonly<Record<string, Word>> {
  if (stock.operation === 'train') {
    const own = trainingVariables<Word>(stock, (path) => below(workFolder, path));
    return { ...own, FATHOM_WORK_FOLDER: workFolder };
  }
  return {
    ...serverVariables(stock.model),
    ...(artifactFolder === null
      ? {}
      : { FATHOM_ARTIFACT_FOLDER: below(workFolder, artifactFolder) }),
  };
}
