import { createUnionType, Field, ID, Int, ObjectType } from 'type-graphql';
import type { DeploymentState, EndpointState, Warmth } from '../../domain/deployment.ts';
import type { DeploymentEvent } from '../../domain/event.ts';
import type { Waiting } from '../../domain/waiting.ts';
import { DateTime } from '../graph/scalars.ts';
import { WaitingType } from '../graph/waiting.ts';
import { DeploymentStateEnum, DeploymentType } from './deployment.ts';
import { EndpointStateEnum, WarmthType } from './endpoint.ts';

@ObjectType({ description: 'The deployment was accepted for good.', simpleResolvers: true })
export class DeploymentCreated {
  @Field(() => ID)
  revisionId!: string;
}

@ObjectType({ simpleResolvers: true })
export class DeploymentStateChanged {
  @Field(() => DeploymentStateEnum)
  from!: DeploymentState;

  @Field(() => DeploymentStateEnum)
  to!: DeploymentState;
}

@ObjectType({ description: 'A new revision is being made warm.', simpleResolvers: true })
export class RevisionCreated {
  @Field(() => ID)
  revisionId!: string;

  @Field(() => Int)
  number!: number;
}

@ObjectType({
  description: 'Its state changed, or (with `from` equal to `to`) the servers that answer did.',
  simpleResolvers: true,
})
export class EndpointChanged {
  @Field(() => ID)
  endpointId!: string;

  @Field(() => ID)
  revisionId!: string;

  @Field(() => EndpointStateEnum, { nullable: true })
  from!: EndpointState | null;

  @Field(() => EndpointStateEnum)
  to!: EndpointState;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => Int)
  readyReplicas!: number;

  @Field(() => WarmthType, { nullable: true, description: 'With WARM only.' })
  warmth!: Warmth | null;
}

@ObjectType({ simpleResolvers: true })
export class EndpointWaitingChanged {
  @Field(() => ID)
  endpointId!: string;

  @Field(() => WaitingType, { nullable: true })
  waiting!: Waiting | null;
}

@ObjectType({ description: 'From now on calls go to this revision.', simpleResolvers: true })
export class RevisionActivated {
  @Field(() => ID)
  revisionId!: string;

  @Field(() => ID, { nullable: true })
  previousRevisionId!: string | null;
}

const types = {
  'deployment.created': DeploymentCreated,
  'deployment.stateChanged': DeploymentStateChanged,
  'deployment.revisionCreated': RevisionCreated,
  'deployment.endpointChanged': EndpointChanged,
  'deployment.waitingChanged': EndpointWaitingChanged,
  'deployment.revisionActivated': RevisionActivated,
} as const satisfies { readonly [T in DeploymentEvent['type']]: unknown };

export const DeploymentChange = createUnionType({
  name: 'DeploymentChange',
  description: 'What happened to a deployment.',
  types: () => Object.values(types),
  resolveType: (change) => types[(change as unknown as DeploymentEvent).type],
});

@ObjectType('DeploymentEvent', {
  description: 'An entry of the deployment’s log; `sequence` is 1, 2, 3 … without a gap.',
  simpleResolvers: true,
})
export class DeploymentEventType {
  @Field(() => Int, { description: 'Pass it as `after` to go on behind this event.' })
  sequence!: number;

  @Field(() => DateTime)
  at!: number;

  @Field(() => DeploymentChange)
  change!: object;

  @Field(() => DeploymentType, {
    description: 'The deployment as it is now, which may be later than this event.',
  })
  deployment!: DeploymentType;
}
