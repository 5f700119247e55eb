import { functionRunnerContract } from '../contract/backend/function-runner.contract.ts';
import { platformContract } from '../contract/openwhisk-platform.contract.ts';
import { functionScenario } from '../e2e/functions/scenario.ts';
import { platformBounds } from './openwhisk-bounds.ts';
import { keptWarm } from './openwhisk-warmth.ts';
import { openRealOpenWhisk, openRealPlatform, realPlatform } from './openwhisk.ts';

// In one file, since they share a namespace and its throttles: one after the other.
platformContract({ name: 'a real OpenWhisk', create: openRealPlatform });
functionRunnerContract({ name: 'a real OpenWhisk', create: openRealOpenWhisk });
functionScenario('a real OpenWhisk', () => realPlatform());
keptWarm();
platformBounds(openRealOpenWhisk);
