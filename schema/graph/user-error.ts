import { Directive, Field, ObjectType } from 'type-graphql';
import { type ErrorCode, errorTable } from '../../domain/errors.ts';
import { stringEnum } from './enums.ts';

export const ErrorCodeEnum = stringEnum(
  'ErrorCode',
  'What went wrong. Also found in `extensions.code` of top-level errors.',
  Object.keys(errorTable) as ErrorCode[],
  (code) => errorTable[code].text,
);

@Directive('@shareable')
@ObjectType({
  description: 'An expected failure of a mutation. Nothing was changed when there is one.',
  simpleResolvers: true,
})
export class UserError {
  @Field(() => ErrorCodeEnum)
  code!: ErrorCode;

  @Field(() => String, { description: 'A sentence for a person.' })
  message!: string;

  @Field(() => [String], {
    description: 'Where in the input: names and list indices, outermost first.',
  })
  path!: readonly string[];
}
