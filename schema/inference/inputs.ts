import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { JsonObject } from '../../domain/json.ts';
import { JsonScalar } from '../graph/scalars.ts';
import { UserError } from '../graph/user-error.ts';
import { PredictionType } from './prediction.ts';

@InputType({ description: 'A file argument. Give exactly one of `url` and `base64`.' })
export class PredictFileInput {
  @Field(() => String, { description: 'The name of the module’s argument.' })
  argument!: string;

  @Field(() => String, {
    nullable: true,
    description: 'A link of this server, or a public http(s) URL; at most 32 MiB.',
  })
  url?: string | null;

  @Field(() => String, { nullable: true, description: 'The bytes themselves; at most 1 MiB.' })
  base64?: string | null;

  @Field(() => String, { nullable: true })
  fileName?: string | null;

  @Field(() => String, { nullable: true, description: 'For example `image/png`.' })
  mediaType?: string | null;
}

@InputType()
export class PredictInput {
  @Field(() => ID)
  deploymentId!: string;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'The module’s prediction arguments, as its `predictSchema` says.',
  })
  arguments?: JsonObject | null;

  @Field(() => [PredictFileInput], { nullable: true })
  files?: readonly PredictFileInput[] | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'For the answer, in milliseconds from when the endpoint is warm; 30,000 when left out, at most 300,000.',
  })
  deadlineMs?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How long to hold the call while the endpoint is not warm, in milliseconds; NOT_READY at once when left out.',
  })
  waitUntilWarmMs?: number | null;
}

@ObjectType()
export class PredictPayload {
  @Field(() => PredictionType, { nullable: true })
  prediction!: PredictionType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];

  @Field(() => Int, {
    nullable: true,
    description: 'When the same call may succeed, at the earliest, if that is known.',
  })
  retryAfterMs!: number | null;
}
