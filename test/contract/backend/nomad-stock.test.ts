import { openWithLauncher } from './nomad-under-test.ts';
import { stockImage, stockSettings } from './stock-images.ts';
import { stockImagesContract } from './stock-images.contract.ts';

stockImagesContract({
  name: 'nomad, with a launcher',
  limitsMemory: false,
  create: () =>
    openWithLauncher('BESIDE', {
      images: [stockImage, stockSettings.image],
      settingsOf: (launcher) => ({
        // The launcher as it is delivered stands in for that of the image.
        deepaas: { ...stockSettings, launcher: [process.execPath, launcher] },
      }),
    }),
});
