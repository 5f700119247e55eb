import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Resources } from '../../domain/resources.ts';
import { connectionOf } from '../graph/connection.ts';
import { ResourcesType } from '../graph/resources.ts';
import { DateTime, JsonScalar } from '../graph/scalars.ts';
import { NodeType } from './node.ts';

@ObjectType('ModuleSample', {
  description: 'A request that a served module must answer before it is called warm.',
  simpleResolvers: true,
})
export class ModuleSampleType {
  @Field(() => JsonScalar)
  arguments!: JsonObject;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What the answer must have; null when any answer will do.',
  })
  expect!: Json;
}

@ObjectType('ModuleResources', {
  description: 'What the authors recommend; defaults where they say nothing.',
  simpleResolvers: true,
})
export class ModuleResourcesType {
  @Field(() => ResourcesType)
  training!: Resources;

  @Field(() => ResourcesType)
  inference!: Resources;
}

@Directive('@key(fields: "id")')
@ObjectType('ModuleVersion', {
  description: 'Code of a module that can be run. Never changes once made.',
  implements: NodeType,
  simpleResolvers: true,
})
export class ModuleVersionType implements NodeType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => String, { description: 'The semantic version that the code declares.' })
  name!: string;

  @Field(() => String, { description: "SHA-256 over the module's files." })
  digest!: string;

  @Field(() => JsonScalar, { description: 'The Swagger 2.0 document that the module serves.' })
  document!: JsonObject;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'JSON Schema 2020-12 of the training arguments; null when it cannot be trained.',
  })
  trainSchema!: JsonObject | null;

  @Field(() => JsonScalar, {
    description: 'JSON Schema 2020-12 of the prediction arguments; a file carries `x-file: true`.',
  })
  predictSchema!: JsonObject;

  @Field(() => ModuleSampleType, { nullable: true })
  sample!: ModuleSampleType | null;

  @Field(() => Boolean, { description: 'Whether it predicts without being trained first.' })
  pretrained!: boolean;

  @Field(() => ModuleResourcesType)
  resources!: ModuleResourcesType;

  @Field(() => DateTime)
  createdAt!: number;
}

export const ModuleVersionConnection = connectionOf('ModuleVersion', () => ModuleVersionType);
