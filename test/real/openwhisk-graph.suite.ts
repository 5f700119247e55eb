import { functionScenario } from '../e2e/functions/scenario.ts';
import { realPlatform } from './openwhisk.ts';

functionScenario('a real OpenWhisk', realPlatform);
