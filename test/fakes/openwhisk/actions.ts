/** As stored, and as answered. */
export interface Action {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly updated: number;
  readonly publish: boolean;
  readonly exec: Exec;
  readonly parameters: readonly Parameter[];
  readonly annotations: readonly KeyValue[];
  readonly limits: ActionLimits;
}

export interface Exec {
  readonly kind: string;
  readonly image?: string;
  readonly code?: string;
  readonly main?: string;
  readonly binary?: boolean;
}

export interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}

export interface Parameter extends KeyValue {
  readonly init?: boolean;
}

export interface ActionLimits {
  readonly timeout: number;
  readonly memory: number;
  readonly logs: number;
  readonly concurrency: number;
}

/** What a PUT may say: everything is optional but `exec` of a new action. */
export interface ActionPut extends Partial<Omit<Action, 'limits'>> {
  readonly limits?: Partial<ActionLimits>;
  readonly delAnnotations?: readonly string[];
}

export interface AllowedLimits {
  readonly minActionMemory: number;
  readonly maxActionMemory: number;
  readonly minActionTimeout: number;
  readonly maxActionTimeout: number;
}

const defaultLimits: ActionLimits = { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 };
const kinds = ['blackbox', 'nodejs:20', 'nodejs:default', 'sequence'];

/** Merged over what is there, as the real one does, or the words of the 400. */
export function mergedAction(
  before: Action | null,
  put: ActionPut,
  place: { readonly namespace: string; readonly name: string; readonly now: number },
  allowed: AllowedLimits,
): Action | string {
  const exec = put.exec ?? before?.exec;
  if (exec === undefined) return 'The request content was malformed:\nexec undefined';
  const limits = { ...(before?.limits ?? defaultLimits), ...put.limits };
  const wrong = invalidExec(exec) ?? invalidLimits(limits, allowed) ?? invalidParameters(put);
  if (wrong !== null) return wrong;
  const isNodeDefault = exec.kind === 'nodejs:default';
  const stored: Exec = {
    ...exec,
    ...(exec.image === undefined ? {} : { image: exec.image.replace(/@.*$/, '') }),
    kind: isNodeDefault ? 'nodejs:20' : exec.kind,
    binary: false,
  };
  const kept = (before?.annotations ?? [{ key: 'provide-api-key', value: false }]).filter(
    ({ key }) => put.delAnnotations?.includes(key) !== true,
  );
  const added = [...(put.annotations ?? []), { key: 'exec', value: stored.kind }];
  const annotations = new Map([...kept, ...added].map(({ key, value }) => [key, value]));
  return {
    namespace: place.namespace,
    name: place.name,
    version: put.version ?? (before === null ? '0.0.1' : nextPatch(before.version)),
    updated: place.now,
    publish: put.publish ?? before?.publish ?? false,
    exec: stored,
    parameters: put.parameters ?? before?.parameters ?? [],
    annotations: [...annotations].map(([key, value]) => ({ key, value })),
    limits,
  };
}

/** As a list shows it. */
export function actionSummary(action: Action): object {
  const { exec, parameters: _, ...shown } = action;
  return { ...shown, exec: { binary: exec.binary ?? false } };
}

function invalidExec({ kind, image, code }: Exec): string | null {
  if (!kinds.includes(kind)) {
    return `The request content was malformed:\nThe specified runtime '${kind}' is not supported by this platform.`;
  }
  if (kind === 'blackbox') {
    // [host/]path/name[:tag][@digest], in lower case.
    const isName = /^([\w.-]+(:\d+)?\/)*[a-z0-9._-]+(:[\w.-]+)?(@sha256:[a-f0-9]+)?$/;
    return image !== undefined && isName.test(image)
      ? null
      : "The request content was malformed:\nimage must be a string defined in 'exec' for 'blackbox' actions";
  }
  return kind !== 'sequence' && code === undefined
    ? `The request content was malformed:\n'code' must be a string defined in 'exec' for '${kind}' actions`
    : null;
}

function invalidLimits({ memory, timeout }: ActionLimits, allowed: AllowedLimits): string | null {
  if (memory > allowed.maxActionMemory) {
    return `memory size ${memory} MB exceeds allowed threshold of ${allowed.maxActionMemory} MB`;
  }
  if (memory < allowed.minActionMemory) {
    return `memory size ${memory} MB below allowed threshold of ${allowed.minActionMemory} MB`;
  }
  if (timeout > allowed.maxActionTimeout) {
    return `timeout ${timeout} milliseconds exceeds allowed threshold of ${allowed.maxActionTimeout} milliseconds`;
  }
  if (timeout < allowed.minActionTimeout) {
    return `timeout ${timeout} milliseconds below allowed threshold of ${allowed.minActionTimeout} milliseconds`;
  }
  return null;
}

function invalidParameters({ parameters, annotations }: ActionPut): string | null {
  for (const group of [parameters, annotations]) {
    if (group !== undefined && !Array.isArray(group)) {
      return 'The request content was malformed:\nparameters malformed';
    }
  }
  return null;
}

function nextPatch(version: string): string {
  const [major = '0', minor = '0', patch = '0'] = version.split('.');
  return `${major}.${minor}.${Number(patch) + 1}`;
}
