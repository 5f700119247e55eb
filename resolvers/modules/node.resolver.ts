import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { NodeType } from '../../schema/modules/node.ts';
import type { GraphContext } from '../context.ts';
import { nodeById } from './batches.ts';
import { nodeId, nodeIds } from './decode.ts';

@Resolver()
export class NodeResolver {
  @Query(() => NodeType, {
    nullable: true,
    description: 'Any object by its id; null when there is none or you may not see it.',
  })
  async node(
    @Ctx() context: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<{ readonly id: string } | null> {
    return context.load(nodeById, nodeId(id));
  }

  @Query(() => [NodeType], {
    nullable: 'items',
    description: 'As `node`, for up to 100 ids, in their order.',
  })
  async nodes(
    @Ctx() context: GraphContext,
    @Arg('ids', () => [ID]) ids: string[],
  ): Promise<readonly ({ readonly id: string } | null)[]> {
    return Promise.all(nodeIds(ids).map((id) => context.load(nodeById, id)));
  }
}
