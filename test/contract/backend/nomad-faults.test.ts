import { nativePromises } from './nomad-native.contract.ts';
import { openNomad } from './nomad-under-test.ts';

nativePromises({ name: 'nomad', create: (settings) => openNomad(settings) });
