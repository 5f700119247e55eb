import { ArgsType, Field, InputType, Int, ObjectType } from 'type-graphql';
import { stringEnum } from '../graph/enums.ts';
import { OrderDirectionEnum } from '../graph/order.ts';
import { PageArgs } from '../graph/page-args.ts';

export const moduleFacetNames = [
  'TAG',
  'TASK',
  'CATEGORY',
  'LIBRARY',
  'DATA_TYPE',
  'LICENCE',
] as const;
export type ModuleFacetName = (typeof moduleFacetNames)[number];

export const ModuleFacetEnum = stringEnum(
  'ModuleFacet',
  'What modules are counted by.',
  moduleFacetNames,
);

export const ModuleOrderFieldEnum = stringEnum(
  'ModuleOrderField',
  'What modules are sorted by.',
  ['RELEVANCE', 'TITLE', 'CREATED_AT', 'UPDATED_AT'],
  (field) =>
    field === 'RELEVANCE'
      ? 'Best match first, descending. Without a search: by title.'
      : `By ${field.toLowerCase().replace('_', ' ')}.`,
);

@InputType({
  description:
    'Values of one field are alternatives, fields narrow each other. Compared without case. Any text is taken, for modules use values that no list foresaw.',
})
export class ModuleFilter {
  @Field(() => [String], { nullable: true })
  tags?: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  tasks?: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  categories?: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  libraries?: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  dataTypes?: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  licences?: readonly string[] | null;

  @Field(() => Boolean, { nullable: true })
  trainable?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether the metadata has no finding of severity ERROR.',
  })
  valid?: boolean | null;
}

@InputType()
export class ModuleOrder {
  @Field(() => ModuleOrderFieldEnum)
  field!: keyof typeof ModuleOrderFieldEnum;

  @Field(() => OrderDirectionEnum, { defaultValue: 'DESC' })
  direction!: 'ASC' | 'DESC';
}

@ArgsType()
export class ModulesArgs extends PageArgs {
  @Field(() => ModuleFilter, { nullable: true })
  filter?: ModuleFilter | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Words that all must occur; the last may be unfinished. A title counts more than a tag, a tag more than the summary, that more than the description.',
  })
  search?: string | null;

  @Field(() => ModuleOrder, { nullable: true, description: 'Default: RELEVANCE, descending.' })
  orderBy?: ModuleOrder | null;
}

@ObjectType({ simpleResolvers: true })
export class FacetValue {
  @Field(() => String)
  value!: string;

  @Field(() => Int)
  count!: number;
}

@ObjectType({ simpleResolvers: true })
export class ModuleFacetCounts {
  @Field(() => ModuleFacetEnum)
  facet!: ModuleFacetName;

  @Field(() => [FacetValue], { description: 'Most frequent first.' })
  values!: readonly FacetValue[];
}
