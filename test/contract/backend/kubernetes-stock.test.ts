import { openKubernetes, openWithLauncher } from './kubernetes-under-test.ts';
import { freePort, stockSettings } from './stock-images.ts';
import { stockImagesContract } from './stock-images.contract.ts';

/** Processes of this machine share its loopback, as the containers of one pod do theirs. */
async function ports() {
  const servicePort = await freePort();
  const port = await freePort();
  const invoke = { kind: 'address', template: `http://{podIP}:${servicePort}` };
  return { servicePort, port, invoke };
}

stockImagesContract({
  name: 'kubernetes, with a shared folder',
  limitsMemory: true,
  create: async () => {
    const { port, ...settings } = await ports();
    return openKubernetes({ ...settings, deepaas: { ...stockSettings, port } });
  },
});

stockImagesContract({
  name: 'kubernetes, with a launcher',
  limitsMemory: true,
  create: async () => {
    const { port, ...settings } = await ports();
    // The launcher as it is delivered stands in for that of the image.
    return openWithLauncher('BESIDE', settings, (launcher) => ({
      deepaas: { ...stockSettings, launcher: [process.execPath, launcher], port },
    }));
  },
});
