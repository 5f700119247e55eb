/**
 * A small program of its own that the server starts, detached, for each job and each service. It
 * owns the real program: output, limits, end. It shares nothing with the server but the folder's
 * control files, so either may be killed at any line. Its orders come on standard input, because
 * secrets must stand in no file and no argument.
 */
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { beat, beatMs, claim, currentClaim } from './control/claim.ts';
import { readControlFile } from '../work-folder/control-file.ts';
import { identityOf } from './control/process-identity.ts';
import type { LaunchRecord, SupervisorOrder } from './control/record.ts';
import { controlFiles } from './control/record.ts';
import { superviseJob } from './supervision/job.ts';
import { superviseService } from './supervision/service.ts';

await main();

async function main(): Promise<void> {
  process.title = 'fathom-supervisor';
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const)
    process.on(signal, () => undefined);
  process.stdout.on('error', () => undefined);
  // Incomplete orders (the server was killed while it spoke) are no JSON: we end before we claim.
  const order = JSON.parse(await text(process.stdin)) as SupervisorOrder;
  const record = readControlFile(join(order.folder, controlFiles.record)) as LaunchRecord | null;
  const self = identityOf(process.pid);
  if (record === null || self === null) return;
  const looks: (() => void)[] = [];
  const tick = (): void => {
    for (const look of looks) look();
  };
  // Listening before the claim is seen: the signal's default would end us.
  process.on('SIGUSR2', tick);
  process.on('SIGTERM', tick);
  const isService = record.kind === 'SERVICE';
  if (!claim(order.folder, self, { at: Date.now(), takeOver: isService })) {
    process.stdout.write('taken\n');
    return;
  }
  process.stdout.write('claimed\n');
  const { number } = currentClaim(order.folder) ?? { number: 1 };
  const timer = setInterval(tick, record.policy.sampleMs);
  const pulse = setInterval(() => beat(order.folder, number, Date.now()), beatMs);
  const supervision = {
    folder: order.folder,
    record,
    self,
    secrets: order.secrets,
    inherited: process.env,
    onTick: (look: () => void): void => void looks.push(look),
  };
  await (isService ? superviseService(supervision) : superviseJob(supervision));
  clearInterval(timer);
  clearInterval(pulse);
  beat(order.folder, number, 0);
}
