import { Directive, Field, ID, ObjectType } from 'type-graphql';

/** What other subgraphs own and this one refers to or extends. */
@Directive('@key(fields: "id")')
@ObjectType('ModuleVersion', { simpleResolvers: true })
export class ModuleVersionInDeployments {
  @Field(() => ID)
  id!: string;
}

@Directive('@key(fields: "id")')
@ObjectType('Artifact', { simpleResolvers: true })
export class ArtifactInDeployments {
  @Field(() => ID)
  id!: string;
}
