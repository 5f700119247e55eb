import { type ClassType, Directive, ObjectType } from 'type-graphql';
import { idPrefixes, type Noun } from '../../domain/ids.ts';
import { NodeType } from './node.ts';

const own: readonly Noun[] = ['Module', 'ModuleVersion'];

/** The nouns of other subgraphs, so that `node` can name them; their fields are asked of their owners. */
export const foreignNodes: readonly ClassType[] = (Object.keys(idPrefixes) as Noun[])
  .filter((noun) => !own.includes(noun))
  .map(foreignNode);

function foreignNode(noun: Noun): ClassType {
  @Directive('@key(fields: "id", resolvable: false)')
  @ObjectType(noun, { implements: NodeType, simpleResolvers: true })
  class ForeignNode implements NodeType {
    id!: string;
  }
  return ForeignNode;
}
