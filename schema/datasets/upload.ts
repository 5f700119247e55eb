import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import type { UploadState } from '../../domain/dataset.ts';
import { connectionOf } from '../graph/connection.ts';
import { DateTime, SafeInt } from '../graph/scalars.ts';
import { UploadStateEnum } from './enums.ts';

@Directive('@key(fields: "id")')
@ObjectType('Upload', {
  description: 'One file on its way in. Its bytes travel over HTTP, in parts that can be resumed.',
  simpleResolvers: true,
})
export class UploadType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => String, { description: 'In the composed form of Unicode.' })
  path!: string;

  @Field(() => SafeInt)
  bytes!: number;

  @Field(() => String)
  sha256!: string;

  @Field(() => UploadStateEnum)
  state!: UploadState;

  @Field(() => DateTime)
  stateSince!: number;

  @Field(() => String, { nullable: true, description: 'Why it was refused.' })
  refusal!: string | null;

  @Field(() => DateTime, { description: 'When it is forgotten unless it is complete.' })
  expiresAt!: number;

  @Field(() => DateTime)
  createdAt!: number;
}

export const UploadConnection = connectionOf('Upload', () => UploadType);
