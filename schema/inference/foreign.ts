import { Directive, Field, ID, ObjectType } from 'type-graphql';

/** What other subgraphs own and this one refers to or extends. */
@Directive('@key(fields: "id")')
@ObjectType('Deployment', { simpleResolvers: true })
export class DeploymentInInference {
  @Field(() => ID)
  id!: string;
}

@Directive('@key(fields: "id", resolvable: false)')
@ObjectType('Revision', { simpleResolvers: true })
export class RevisionInInference {
  @Field(() => ID)
  id!: string;
}
