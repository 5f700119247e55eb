import { guarded } from '../deepaas-images/guard.ts';
import { listening, type StockProgram, supported, wordFolder } from '../deepaas-images/program.ts';
import type { KubernetesSettings } from './config.ts';

/** Of a pod, whose containers share it. */
export const loopback = '127.0.0.1';

/** What is run of an image that has DEEPaaS and nothing of ours. */
export function serverCommand(
  stock: StockProgram,
  settings: KubernetesSettings,
  folder: string,
): readonly string[] {
  const { command, port } = supported(settings.deepaas);
  if (stock.operation === 'serve') {
    return listening(command, '0.0.0.0', String(settings.servicePort));
  }
  return guarded(`${folder}/${wordFolder}`, listening(command, loopback, String(port)));
}
