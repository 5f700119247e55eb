import { z } from 'zod';

const argv = z.array(z.string()).min(1);

/** What a backend that runs containers has to know to run images that have DEEPaaS and nothing of ours. */
export const deepaasSettings = z.strictObject({
  /** An image of ours, which has Node, the runtime and the launcher: `modules/Containerfile` makes such. */
  image: z.string().min(1),
  /** The start of the command that runs the runtime in it, and the launcher. */
  runtime: argv.default(['node', '/fathom/modules/runtime/main.ts']),
  launcher: argv.default(['node', '/fathom/modules/launcher/main.ts']),
  /** The start of the command of the server, in images of theirs. */
  command: argv.default(['deepaas-run']),
});

export type DeepaasSettings = Readonly<z.infer<typeof deepaasSettings>>;
