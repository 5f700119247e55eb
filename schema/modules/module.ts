import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import type { JsonObject } from '../../domain/json.ts';
import type { Finding, MetadataFormat } from '../../domain/module.ts';
import { connectionOf } from '../graph/connection.ts';
import { stringEnum } from '../graph/enums.ts';
import { DateTime, JsonScalar } from '../graph/scalars.ts';
import { NodeType } from './node.ts';

export const FindingSeverityEnum = stringEnum(
  'FindingSeverity',
  'An ERROR makes the metadata invalid; a WARNING does not.',
  ['ERROR', 'WARNING'],
);

export const MetadataFormatEnum = stringEnum(
  'MetadataFormat',
  'The format of the metadata file.',
  ['AI4OS_V2', 'DEEP_V1'],
  (format) => (format === 'AI4OS_V2' ? '`ai4-metadata.yml`' : '`metadata.json`'),
);

@ObjectType('Finding', {
  description: 'What strict validation found. An entry with findings is listed, and says so.',
  simpleResolvers: true,
})
export class FindingType {
  @Field(() => FindingSeverityEnum)
  severity!: Finding['severity'];

  @Field(() => String, { description: 'JSON pointer into the metadata; empty for all of it.' })
  pointer!: string;

  @Field(() => String, { description: 'A sentence for the author of the module.' })
  message!: string;
}

@ObjectType('ModuleLink', { simpleResolvers: true })
export class ModuleLinkType {
  @Field(() => String, { description: '`source_code`, `docker_image`, `dataset`, …' })
  rel!: string;

  @Field(() => String, { description: 'As it was written: an image name is no address.' })
  href!: string;
}

@Directive('@key(fields: "id")')
@ObjectType('Module', {
  description: 'An entry of the catalogue: what the metadata beside the code says, in one form.',
  implements: NodeType,
  simpleResolvers: true,
})
export class ModuleType implements NodeType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => String, { description: 'A key for people: unique, lower case.' })
  slug!: string;

  @Field(() => String)
  title!: string;

  @Field(() => String)
  summary!: string;

  @Field(() => String, { description: 'Markdown.' })
  description!: string;

  @Field(() => String, { nullable: true })
  licence!: string | null;

  @Field(() => [String])
  tags!: readonly string[];

  @Field(() => [String])
  tasks!: readonly string[];

  @Field(() => [String])
  categories!: readonly string[];

  @Field(() => [String])
  libraries!: readonly string[];

  @Field(() => [String])
  dataTypes!: readonly string[];

  @Field(() => [ModuleLinkType])
  links!: readonly ModuleLinkType[];

  @Field(() => String, { nullable: true })
  doi!: string | null;

  @Field(() => MetadataFormatEnum)
  metadataFormat!: MetadataFormat;

  @Field(() => String, { nullable: true, description: 'As the file declares it.' })
  metadataVersion!: string | null;

  @Field(() => JsonScalar, { description: 'The file as it was read, unknown keys kept.' })
  metadata!: JsonObject;

  @Field(() => [FindingType], { description: 'Errors first.' })
  findings!: readonly FindingType[];

  @Field(() => Boolean)
  trainable!: boolean;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}

export const ModuleConnection = connectionOf('Module', () => ModuleType);
