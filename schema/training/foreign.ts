import { Directive, Field, ID, ObjectType } from 'type-graphql';

/** What other subgraphs own and this one refers to or extends. */
@Directive('@key(fields: "id")')
@ObjectType('ModuleVersion', { simpleResolvers: true })
export class ModuleVersionInTraining {
  @Field(() => ID)
  id!: string;
}

@Directive('@key(fields: "id")')
@ObjectType('DatasetVersion', { simpleResolvers: true })
export class DatasetVersionInTraining {
  @Field(() => ID)
  id!: string;
}

@Directive('@key(fields: "id", resolvable: false)')
@ObjectType('Split', { simpleResolvers: true })
export class SplitInTraining {
  @Field(() => ID)
  id!: string;
}
