import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import { type ArtifactKind, artifactKinds } from '../../domain/training-run.ts';
import { connectionOf } from '../graph/connection.ts';
import { stringEnum } from '../graph/enums.ts';
import { DateTime, SafeInt } from '../graph/scalars.ts';

export const ArtifactKindEnum = stringEnum(
  'ArtifactKind',
  'MODEL can be deployed; CHECKPOINT can be resumed from; OUTPUT is anything else.',
  artifactKinds,
);

@ObjectType('ArtifactFile', { simpleResolvers: true })
export class ArtifactFileType {
  @Field(() => String)
  path!: string;

  @Field(() => SafeInt)
  bytes!: number;

  @Field(() => String)
  sha256!: string;
}

@Directive('@key(fields: "id")')
@ObjectType('Artifact', {
  description: 'Something a run left behind, with the lineage that made it.',
  simpleResolvers: true,
})
export class ArtifactType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => ArtifactKindEnum)
  kind!: ArtifactKind;

  @Field(() => String)
  name!: string;

  @Field(() => Int, { nullable: true, description: 'After which epoch, for a checkpoint.' })
  epoch!: number | null;

  @Field(() => [ArtifactFileType])
  files!: readonly ArtifactFileType[];

  @Field(() => SafeInt)
  bytes!: number;

  @Field(() => String, { description: 'SHA-256 over the list of files (path, bytes, sha256).' })
  digest!: string;

  @Field(() => DateTime)
  createdAt!: number;
}

export const ArtifactConnection = connectionOf('Artifact', () => ArtifactType);
