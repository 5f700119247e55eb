import { foreignNodes } from '../../schema/modules/foreign.ts';
import type { GraphContext } from '../context.ts';
import { moduleById, moduleVersionById } from './batches.ts';
import { FacetsResolver } from './facets.resolver.ts';
import { ModuleVersionResolver } from './module-version.resolver.ts';
import { ModuleResolver } from './module.resolver.ts';
import { NodeResolver } from './node.resolver.ts';

interface Reference {
  readonly id: string;
}

export const modulesSubgraph = {
  name: 'modules',
  resolvers: [ModuleResolver, ModuleVersionResolver, FacetsResolver, NodeResolver],
  orphanedTypes: foreignNodes,
  references: {
    Module: ({ id }: Reference, context: GraphContext) => context.load(moduleById, id),
    ModuleVersion: ({ id }: Reference, context: GraphContext) =>
      context.load(moduleVersionById, id),
  },
} as const;
