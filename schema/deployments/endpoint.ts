import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import { endpointStates, type EndpointState, type Warmth } from '../../domain/deployment.ts';
import type { Waiting } from '../../domain/waiting.ts';
import { stringEnum } from '../graph/enums.ts';
import { DateTime } from '../graph/scalars.ts';
import { WaitingType } from '../graph/waiting.ts';

const meanings: { readonly [S in EndpointState]: string } = {
  COLD: 'Nothing runs: not yet, or not any more.',
  PLACED: 'It is being handed to the backend.',
  PULLING: 'The image is being fetched.',
  LOADING: 'Its servers are starting and load the model.',
  PROBING: 'The sample request is being answered.',
  WARM: 'Every server that calls go to has answered the sample request.',
  COOLING: 'It takes no new calls; those under way end.',
  FAILED: 'It was given up; `failure` says why. Update the deployment to try again.',
};

export const EndpointStateEnum = stringEnum(
  'EndpointState',
  'COLD → PLACED → PULLING → LOADING → PROBING → WARM → COOLING → COLD, or FAILED.',
  Object.keys(endpointStates.next) as EndpointState[],
  (state) => meanings[state],
);

@ObjectType('Warmth', {
  description: 'Evidence that it is warm: the sample request was answered as its module declares.',
  simpleResolvers: true,
})
export class WarmthType {
  @Field(() => DateTime)
  probedAt!: number;

  @Field(() => Int, {
    description: 'How long the slowest of its servers took for the sample, in milliseconds.',
  })
  latencyMs!: number;

  @Field(() => Int, { description: 'From PLACED to WARM, in milliseconds.' })
  warmUpMs!: number;
}

@Directive('@key(fields: "id")')
@ObjectType('Endpoint', {
  description: 'The running side of a revision: servers behind one handle.',
  simpleResolvers: true,
})
export class EndpointType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => EndpointStateEnum)
  state!: EndpointState;

  @Field(() => DateTime)
  stateSince!: number;

  @Field(() => String)
  backend!: string;

  @Field(() => Int, { description: 'Servers wanted.' })
  replicas!: number;

  @Field(() => Int, { description: 'Servers that answered the sample; calls go to no other.' })
  readyReplicas!: number;

  @Field(() => String, { nullable: true, description: 'What the backend calls it, verbatim.' })
  nativeState!: string | null;

  @Field(() => WaitingType, {
    nullable: true,
    description: 'Why it is not warm, or not fully; null when there is nothing to wait for.',
  })
  waiting!: Waiting | null;

  @Field(() => WarmthType, { nullable: true, description: 'Of the last proof.' })
  warmth!: Warmth | null;

  @Field(() => String, { nullable: true })
  failure!: string | null;

  @Field(() => Int, { description: 'How often a server was started again after it ended itself.' })
  restarts!: number;

  @Field(() => DateTime, { nullable: true })
  placedAt!: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When the backend last spoke of it.' })
  observedAt!: number | null;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}
