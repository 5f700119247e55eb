import { Field, ID, InterfaceType } from 'type-graphql';
import { nounOf } from '../../domain/ids.ts';

/** The id says what a thing is, so an object of any noun needs no tag to be told apart. */
@InterfaceType('Node', {
  description: 'Anything with an id. The beginning of the id says what it is.',
  resolveType: (value: { readonly id: string }) => nounOf(value.id) ?? undefined,
})
export abstract class NodeType {
  @Field(() => ID)
  id!: string;
}
