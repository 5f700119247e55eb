/** Who asks. Every service call takes the actor first. Embedded without an identity provider it is the local owner. */
export interface Actor {
  /** Stable subject, for example `local` or an OIDC `sub`. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** The platform itself, acting for nobody (seeding, reconciling). */
  readonly system: boolean;
}

/** To whom an object belongs; `public` objects are seen by everybody and changed by the system only. */
export interface Ownership {
  readonly owner: string;
  readonly visibility: 'PRIVATE' | 'PUBLIC';
}

export const localOwner: Actor = Object.freeze({ subject: 'local', groups: [], system: false });
export const systemActor: Actor = Object.freeze({ subject: 'system', groups: [], system: true });

export function maySee(actor: Actor, object: Ownership): boolean {
  return actor.system || object.visibility === 'PUBLIC' || owns(actor, object);
}

export function mayChange(actor: Actor, object: Ownership): boolean {
  return actor.system || owns(actor, object);
}

function owns(actor: Actor, object: Ownership): boolean {
  return object.owner === actor.subject || actor.groups.includes(object.owner);
}
