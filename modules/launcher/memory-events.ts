import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often the kernel ended something in our control group for want of memory; null where it does not tell. */
export function outOfMemoryKills(root = '/'): number | null {
  const groups = read(join(root, 'proc/self/cgroup'));
  if (groups === null) return null;
  for (const line of groups.split('\n')) {
    const [, controllers = '', path = ''] = line.match(/^\d+:([^:]*):(.*)$/) ?? [];
    const isUnified = controllers === '';
    if (!isUnified && !controllers.split(',').includes('memory')) continue;
    const [folder, file] = isUnified
      ? ['sys/fs/cgroup', 'memory.events']
      : ['sys/fs/cgroup/memory', 'memory.oom_control'];
    // In a container with the host's names the group's own folder is the mount itself.
    const text = read(join(root, folder, path, file)) ?? read(join(root, folder, file));
    const count = text?.match(/^oom_kill (\d+)$/m)?.[1];
    if (count !== undefined) return Number(count);
  }
  return null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
