import { Directive, Field, ObjectType } from 'type-graphql';
import { type WaitingCode, waitingCodes } from '../../domain/waiting.ts';
import { stringEnum } from './enums.ts';
import { DateTime } from './scalars.ts';

export const WaitingCodeEnum = stringEnum(
  'WaitingCode',
  'Why something is not running: one enum over every backend.',
  Object.keys(waitingCodes) as WaitingCode[],
  (code) => waitingCodes[code],
);

@Directive('@shareable')
@ObjectType('Waiting', {
  description: 'Why it is not running, and when we try next.',
  simpleResolvers: true,
})
export class WaitingType {
  @Field(() => WaitingCodeEnum)
  code!: WaitingCode;

  @Field(() => String, { description: 'A sentence for a person, specific to this case.' })
  message!: string;

  @Field(() => DateTime, { description: 'Since when this reason holds.' })
  since!: number;

  @Field(() => DateTime, { nullable: true })
  nextAttemptAt!: number | null;

  @Field(() => String, { nullable: true, description: 'What the backend said, verbatim.' })
  raw!: string | null;
}
