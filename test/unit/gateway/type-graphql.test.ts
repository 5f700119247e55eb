import 'reflect-metadata';
import { GraphQLScalarType, print } from 'graphql';
import {
  Arg,
  Ctx,
  Directive,
  Field,
  FieldResolver,
  ID,
  Int,
  InterfaceType,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
  createUnionType,
  registerEnumType,
} from 'type-graphql';
import { describe, expect, it } from 'vitest';
import { compose } from '../../../gateway/composition.ts';
import { mergedExecutor } from '../../../gateway/merged.ts';
import { buildSubgraph } from '../../../gateway/type-graphql.ts';
import { answerTo } from './asking.ts';

@InterfaceType('Thing')
abstract class Thing {
  @Field(() => ID)
  id!: string;
}

const Stage = { DRAFT: 'DRAFT', DONE: 'DONE' } as const;
registerEnumType(Stage, { name: 'Stage' });

const Day = new GraphQLScalarType<string, string>({
  name: 'Day',
  serialize: (it) => `day ${String(it)}`,
});

@Directive('@key(fields: "id")')
@ObjectType('Book', { implements: Thing, simpleResolvers: true, description: 'A book.' })
class Book extends Thing {
  @Field(() => String)
  title!: string;

  @Field(() => Stage)
  stage!: keyof typeof Stage;

  @Field(() => Day)
  on!: string;
}

@Directive('@key(fields: "id", resolvable: false)')
@ObjectType('Review', { implements: Thing, simpleResolvers: true })
class ReviewElsewhere extends Thing {}

@Directive('@key(fields: "id")')
@ObjectType('Book', { implements: Thing, simpleResolvers: true })
class BookInReviews extends Thing {}

@Directive('@key(fields: "id")')
@ObjectType('Review', { implements: Thing, simpleResolvers: true })
class Review extends Thing {
  @Field(() => Int)
  stars!: number;
}

const Either = createUnionType({
  name: 'Either',
  types: () => [Review, BookInReviews] as const,
  resolveType: (value) => ('stars' in value ? Review : BookInReviews),
});

@Resolver(() => Book)
class BookResolver {
  @Query(() => Book, { nullable: true })
  book(@Arg('id', () => ID) id: string): Book | null {
    return id === 'b1' ? row : null;
  }

  @Query(() => Thing, { nullable: true })
  thing(@Arg('id', () => ID) id: string): unknown {
    return { __typename: id.startsWith('b') ? 'Book' : 'Review', ...row, id };
  }
}
const row = Object.freeze({ id: 'b1', title: 'Sapiens', stage: 'DONE' as const, on: '7' });

@Resolver(() => BookInReviews)
class ReviewResolver {
  @FieldResolver(() => [Review])
  reviews(@Root() { id }: BookInReviews, @Ctx() context: { asked: string[] }): Review[] {
    context.asked.push(id);
    return [{ id: `r-${id}`, stars: 5 }];
  }

  @Query(() => [Either])
  latest(): unknown[] {
    return [{ id: 'r1', stars: 3 }, { id: 'b1' }];
  }

  @Subscription(() => Review, {
    subscribe: async function* () {
      yield { id: 'r1', stars: 1 };
    },
  })
  reviewed(@Root() review: Review): Review {
    return review;
  }
}

const books = () =>
  buildSubgraph({
    name: 'books',
    resolvers: [BookResolver],
    orphanedTypes: [Book, ReviewElsewhere],
    references: { Book: ({ id }: { id: string }) => (id === 'b1' ? row : null) },
  });
const reviews = () =>
  buildSubgraph({
    name: 'reviews',
    resolvers: [ReviewResolver],
    references: {
      Book: async ({ id }: { id: string }) => ({ id }),
      Review: ({ id }: { id: string }) => ({ id, stars: 4 }),
    },
  });

describe('subgraphs of type-graphql classes', () => {
  it('have sorted SDL with descriptions, directives and the imports they use', () => {
    expect(print(books().typeDefs)).toMatchInlineSnapshot(`
      "extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])

      """A book."""
      type Book implements Thing @key(fields: "id") {
        id: ID!
        on: Day!
        stage: Stage!
        title: String!
      }

      scalar Day

      type Query {
        book(id: ID!): Book
        thing(id: ID!): Thing
      }

      type Review implements Thing @key(fields: "id", resolvable: false) {
        id: ID!
      }

      enum Stage {
        DONE
        DRAFT
      }

      interface Thing {
        id: ID!
      }"
    `);
  });
  it('have nothing of another subgraph, though their classes share names', () => {
    const sdl = print(reviews().typeDefs);
    expect(sdl).not.toMatch(/title|Stage|Day|resolvable/u);
    expect(sdl).toContain('stars');
    expect(print(books().typeDefs)).not.toMatch(/stars|reviews|Either/u);
  });
  it('are the same when they are built again, in another order', () => {
    const first = [print(books().typeDefs), print(reviews().typeDefs)];
    const second = [print(reviews().typeDefs), print(books().typeDefs)];
    expect(second.toReversed()).toEqual(first);
  });
  it('refuse a reference to a type they do not have', () => {
    expect(() =>
      buildSubgraph({
        name: 'books',
        resolvers: [BookResolver],
        references: { Nothing: () => null },
      }),
    ).toThrow('Nothing');
  });
  it('compose without a hint and run merged, rows frozen and plain', async () => {
    const subgraphs = [books(), reviews()];
    expect(compose(subgraphs).hints).toEqual([]);
    const executor = await mergedExecutor({
      subgraphs,
      contextFor: () => ({ asked: [] }),
      errorFor: (error) => ({
        message: String(error),
        code: 'INTERNAL',
        retryable: false,
        retryAfterMs: null,
      }),
    });
    const query = `{ book(id: "b1") { title stage on reviews { id stars } }
      thing(id: "r7") { id ... on Review { stars } } other: thing(id: "b1") { ... on Book { title reviews { stars } } }
      latest { __typename ... on Book { title } ... on Review { stars } } }`;
    for (let run = 0; run < 6; run += 1) {
      expect(await answerTo(executor, query)).toEqual({
        data: {
          book: {
            title: 'Sapiens',
            stage: 'DONE',
            on: 'day 7',
            reviews: [{ id: 'r-b1', stars: 5 }],
          },
          thing: { id: 'r7', stars: 4 },
          other: { title: 'Sapiens', reviews: [{ stars: 5 }] },
          latest: [
            { __typename: 'Review', stars: 3 },
            { __typename: 'Book', title: 'Sapiens' },
          ],
        },
      });
    }
    expect(await answerTo(executor, 'subscription { reviewed { id stars } }')).toEqual([
      { data: { reviewed: { id: 'r1', stars: 1 } } },
    ]);
    await executor.close();
  });
});
