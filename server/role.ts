import type { Surroundings } from '../services/surroundings.ts';
import type { Config } from './config.ts';

export interface RoleRequest {
  readonly config: Config;
  readonly root: string;
  readonly args: readonly string[];
  readonly log: Surroundings['log'];
}

export interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

export type Role = (request: RoleRequest) => Promise<Running>;
