import { Field, InputType, ObjectType } from 'type-graphql';
import { UserError } from '../graph/user-error.ts';

@InputType()
export class RefreshCatalogueInput {
  @Field(() => [String], {
    nullable: true,
    description: 'Only these modules; all when left out.',
  })
  slugs?: readonly string[] | null;
}

@ObjectType({ description: 'What a refresh did, by slug.', simpleResolvers: true })
export class CatalogueRefresh {
  @Field(() => [String])
  seen!: readonly string[];

  @Field(() => [String])
  added!: readonly string[];

  @Field(() => [String])
  changed!: readonly string[];

  @Field(() => [String], { description: 'Those that got a new version.' })
  versioned!: readonly string[];

  @Field(() => [String], {
    description: 'Listed, yet no longer found in the folders. They stay listed.',
  })
  missing!: readonly string[];

  @Field(() => [String], { description: 'Sentences for the operator.' })
  problems!: readonly string[];
}

@ObjectType({ simpleResolvers: true })
export class RefreshCataloguePayload {
  @Field(() => CatalogueRefresh, { nullable: true })
  refresh!: CatalogueRefresh | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}
