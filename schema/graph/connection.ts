import { type ClassType, Directive, Field, Int, ObjectType } from 'type-graphql';

@Directive('@shareable')
@ObjectType({ simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => Boolean)
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

export interface Edge<T> {
  readonly cursor: string;
  readonly node: T;
}

/** What a resolver returns for a list; `totalCount` is counted only when asked for. */
export interface Connection<T> {
  readonly edges: readonly Edge<T>[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
  readonly totalCount: () => Promise<number> | number;
}

/**
 * Makes `<name>Connection` and `<name>Edge` for a node class. Call it once for each, in the file of the node class; one
 * connection type lives in one subgraph.
 */
export function connectionOf<T extends object>(name: string, node: () => ClassType<T>): ClassType {
  @ObjectType(`${name}Edge`, { simpleResolvers: true })
  class EdgeType {
    @Field(() => String, { description: 'Pass it as `after` or `before`.' })
    cursor!: string;

    @Field(() => node())
    node!: T;
  }

  @ObjectType(`${name}Connection`, { simpleResolvers: true })
  class ConnectionType {
    @Field(() => [EdgeType])
    edges!: readonly EdgeType[];

    @Field(() => [node()])
    nodes!: readonly T[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;

    @Field(() => Int, { description: 'All that match, whatever the page.' })
    totalCount!: number;
  }
  return ConnectionType;
}
