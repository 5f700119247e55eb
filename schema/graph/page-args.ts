import { ArgsType, Field, Int } from 'type-graphql';
import { FathomError } from '../../domain/errors.ts';
import { maximumPage, type PageRequest } from '../../domain/page.ts';

/** Arguments of every list: exactly one of `first` and `last`, 1 to 100. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, description: 'The first N, 1 to 100. Give this or `last`.' })
  first?: number | null;

  @Field(() => Int, { nullable: true, description: 'The last N, 1 to 100. Give this or `first`.' })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only behind this cursor.' })
  after?: string | null;

  @Field(() => String, { nullable: true, description: 'Only before this cursor.' })
  before?: string | null;
}

/** Checks the rule; INVALID_ARGUMENT says what to give. */
export function pageRequest(args: PageArgs): PageRequest {
  const first = args.first ?? null;
  const last = args.last ?? null;
  if ((first === null) === (last === null)) {
    throw new FathomError('INVALID_ARGUMENT', 'Give exactly one of `first` and `last`.', {
      path: ['first'],
    });
  }
  const [name, size] = first === null ? (['last', last] as const) : (['first', first] as const);
  if (size === null || size < 1 || size > maximumPage) {
    throw new FathomError('INVALID_ARGUMENT', `\`${name}\` is between 1 and ${maximumPage}.`, {
      path: [name],
    });
  }
  return {
    ...(first === null ? { last: size } : { first: size }),
    ...(args.after != null && { after: args.after }),
    ...(args.before != null && { before: args.before }),
  };
}
