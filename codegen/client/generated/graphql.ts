/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { Json } from '../json.ts';
import type { DocumentTypeDecoration } from '../typed-document.ts';
/** MODEL can be deployed; CHECKPOINT can be resumed from; OUTPUT is anything else. */
export type ArtifactKind =
  | 'CHECKPOINT'
  | 'MODEL'
  | 'OUTPUT';

/** As TrainingRunState, from PLACED on. */
export type AttemptState =
  | 'CANCELLED'
  | 'CANCELLING'
  | 'EVALUATING'
  | 'FAILED'
  | 'LOST'
  | 'PENDING'
  | 'PLACED'
  | 'PREPARING'
  | 'RUNNING'
  | 'SUBMITTED'
  | 'SUCCEEDED';

export type CancelSweepInput = {
  id: string;
};

export type CancelTrainingRunInput = {
  id: string;
};

export type CreateDatasetInput = {
  /** Markdown. */
  description?: string;
  /** Repeat a call with the same key and input, and it is done once. 1 to 255 characters. */
  idempotencyKey?: string | null | undefined;
  licence?: string | null | undefined;
  /** Unique among yours: lower-case letters, digits, `.`, `_`, `-`. */
  name: string;
  /** Default: the name. */
  title?: string | null | undefined;
  visibility?: DatasetVisibility;
};

export type CreateDatasetVersionInput = {
  datasetId: string;
  /** Default: the newest complete upload of each path. */
  files?: Array<VersionFileInput> | null | undefined;
  format: DataFormat;
  /** Repeat a call with the same key and input, and it is done once. 1 to 255 characters. */
  idempotencyKey?: string | null | undefined;
  /** Default: STRATIFIED where there are labels, else RANDOM; seed 0, a fifth is test. */
  split?: SplitInput | null | undefined;
  /** The label column of a CSV. Default: its last column. */
  target?: string | null | undefined;
};

/** Give exactly one of `moduleVersionId` and `artifactId`. */
export type CreateDeploymentInput = {
  /** A MODEL artifact of a run; served by the module version that made it. */
  artifactId?: string | null | undefined;
  /** Where to run; chosen when left out. */
  backend?: string | null | undefined;
  /** Repeating the call with the same key starts nothing twice. */
  idempotencyKey?: string | null | undefined;
  /** Serves the weights that the module version ships. */
  moduleVersionId?: string | null | undefined;
  name: string;
  /** Servers, 1 to 16. */
  replicas?: number;
  /** Of each server. */
  resources?: ResourcesInput | null | undefined;
};

export type CreateSweepInput = {
  /** The training arguments that all runs share. */
  arguments?: Json | null | undefined;
  /** How many may run at the same time; as many as the site takes when left out. */
  atOnce?: number | null | undefined;
  /** Where to run; chosen when left out. */
  backend?: string | null | undefined;
  datasetVersionId: string;
  /** Repeating the call with the same key starts nothing twice. */
  idempotencyKey?: string | null | undefined;
  moduleVersionId: string;
  name?: string | null | undefined;
  objective: SweepObjectiveInput;
  /** The training arguments that vary. */
  parameters: Array<SweepParameterInput>;
  /** Of each run. */
  resources?: ResourcesInput | null | undefined;
  /** A CHECKPOINT artifact of the same module that each run goes on from. */
  resumeFrom?: string | null | undefined;
  /** A whole number from 0 on, of what is drawn and of each run; drawn when left out. */
  seed?: number | null | undefined;
  /** Which examples train and which test; default: the version’s own split. */
  splitId?: string | null | undefined;
  strategy: SweepStrategy;
  /** How many are drawn: with RANDOM only. */
  trials?: number | null | undefined;
};

export type CreateTrainingRunInput = {
  /** The module’s training arguments, as its `trainSchema` says; what is left out takes its default. */
  arguments?: Json | null | undefined;
  /** Where to run; chosen when left out. */
  backend?: string | null | undefined;
  datasetVersionId: string;
  /** Repeating the call with the same key starts nothing twice. */
  idempotencyKey?: string | null | undefined;
  moduleVersionId: string;
  name?: string | null | undefined;
  resources?: ResourcesInput | null | undefined;
  /** A CHECKPOINT artifact of the same module to go on from. */
  resumeFrom?: string | null | undefined;
  /** A whole number from 0 on; drawn when left out. */
  seed?: number | null | undefined;
  /** Which examples train and which test; default: the version’s own split. */
  splitId?: string | null | undefined;
};

export type CreateUploadsInput = {
  datasetId: string;
  /** 1 to 1,000. */
  files: Array<UploadFileInput>;
  /** Repeat a call with the same key and input, and it is done once. 1 to 255 characters. */
  idempotencyKey?: string | null | undefined;
};

/** How examples are found in the files. */
export type DataFormat =
  /** One CSV file (RFC 4180, UTF-8) with a header; `target` names the column of the label. */
  | 'CSV'
  /** Any files; each is one example, without a label. */
  | 'FILES'
  /** A pair of IDX files (images and labels of unsigned bytes, as MNIST), gzipped or not; `labels.txt` may name the labels. */
  | 'IDX'
  /** PNG images; the label of each is the folder that it lies in. */
  | 'IMAGE_FOLDER';

/** Fields narrow each other. */
export type DatasetFilterInput = {
  /** Of the latest version. */
  format?: DataFormat | null | undefined;
  /** A part of the name, without case. */
  search?: string | null | undefined;
  visibility?: DatasetVisibility | null | undefined;
};

/** What data sets are sorted by. */
export type DatasetOrderField =
  | 'CREATED_AT'
  | 'NAME'
  | 'UPDATED_AT';

export type DatasetOrderInput = {
  direction?: OrderDirection;
  field: DatasetOrderField;
};

/** Who sees a data set. */
export type DatasetVisibility =
  /** Its owner and the owning group. */
  | 'PRIVATE'
  /** Everybody may read it. */
  | 'PUBLIC';

export type DeleteDeploymentInput = {
  id: string;
};

export type DeploymentFilter = {
  /** Those that serve it now. */
  artifactId?: string | null | undefined;
  backend?: string | null | undefined;
  /** Those that serve it now. */
  moduleVersionId?: string | null | undefined;
  states?: Array<DeploymentState> | null | undefined;
};

export type DeploymentOrder = {
  direction?: OrderDirection;
  field: DeploymentOrderField;
};

/** What deployments are sorted by. */
export type DeploymentOrderField =
  | 'CREATED_AT'
  | 'NAME'
  | 'UPDATED_AT';

/** ACTIVE until somebody deletes it; DELETED stays as a record. */
export type DeploymentState =
  | 'ACTIVE'
  | 'DELETED'
  | 'DELETING';

/** COLD → PLACED → PULLING → LOADING → PROBING → WARM → COOLING → COLD, or FAILED. */
export type EndpointState =
  /** Nothing runs: not yet, or not any more. */
  | 'COLD'
  /** It takes no new calls; those under way end. */
  | 'COOLING'
  /** It was given up; `failure` says why. Update the deployment to try again. */
  | 'FAILED'
  /** Its servers are starting and load the model. */
  | 'LOADING'
  /** It is being handed to the backend. */
  | 'PLACED'
  /** The sample request is being answered. */
  | 'PROBING'
  /** The image is being fetched. */
  | 'PULLING'
  /** Every server that calls go to has answered the sample request. */
  | 'WARM';

/** What went wrong. Also found in `extensions.code` of top-level errors. */
export type ErrorCode =
  /** The name is taken. */
  | 'ALREADY_EXISTS'
  /** The backend refused the request for good. */
  | 'BACKEND_REJECTED'
  /** The backend cannot be reached or refuses work for now. */
  | 'BACKEND_UNAVAILABLE'
  /** The id is not one of this type. */
  | 'BAD_ID'
  /** The request is malformed. */
  | 'BAD_REQUEST'
  /** The deadline passed before an answer came. */
  | 'DEADLINE_EXCEEDED'
  /** The bytes do not have the declared SHA-256. */
  | 'DIGEST_MISMATCH'
  /** You may see this but not do that. */
  | 'FORBIDDEN'
  /** The idempotency key was used with another input. */
  | 'IDEMPOTENCY_MISMATCH'
  /** Something went wrong here; the request id finds it in the log. */
  | 'INTERNAL'
  /** A value breaks a rule; the path names it. */
  | 'INVALID_ARGUMENT'
  /** The module answered with an error or with garbage. */
  | 'MODULE_FAILED'
  /** There is no such object, or you may not see it. */
  | 'NOT_FOUND'
  /** The endpoint is not warm yet. */
  | 'NOT_READY'
  /** The server is busy beyond its limits. */
  | 'OVERLOADED'
  /** The quota would be exceeded. */
  | 'QUOTA_EXCEEDED'
  /** The server is stopping; resume from your last cursor. */
  | 'SHUTTING_DOWN'
  /** There is no room to store this. */
  | 'STORAGE_FULL'
  /** The database cannot be reached for now. */
  | 'STORE_UNAVAILABLE'
  /** A part of the graph cannot be reached. */
  | 'SUBGRAPH_UNAVAILABLE'
  /** The operation costs more than the limit. */
  | 'TOO_EXPENSIVE'
  /** The value is larger than the limit. */
  | 'TOO_LARGE'
  /** Who you are could not be verified. */
  | 'UNAUTHENTICATED'
  /** The backend or the installation does not offer this. */
  | 'UNSUPPORTED'
  /** The object changed since you read it. */
  | 'VERSION_CONFLICT'
  /** The object is in a state that does not allow this. */
  | 'WRONG_STATE';

/** An ERROR makes the metadata invalid; a WARNING does not. */
export type FindingSeverity =
  | 'ERROR'
  | 'WARNING';

export type GpuInput = {
  count?: number;
  /** Least memory of each device, in MiB. */
  memoryMiB?: number | null | undefined;
  model?: string | null | undefined;
};

/** Where a line was printed. */
export type LogStream =
  | 'STDERR'
  | 'STDOUT'
  | 'SYSTEM';

/** What modules are counted by. */
export type ModuleFacet =
  | 'CATEGORY'
  | 'DATA_TYPE'
  | 'LIBRARY'
  | 'LICENCE'
  | 'TAG'
  | 'TASK';

/** Values of one field are alternatives, fields narrow each other. Compared without case. Any text is taken, for modules use values that no list foresaw. */
export type ModuleFilter = {
  categories?: Array<string> | null | undefined;
  dataTypes?: Array<string> | null | undefined;
  libraries?: Array<string> | null | undefined;
  licences?: Array<string> | null | undefined;
  tags?: Array<string> | null | undefined;
  tasks?: Array<string> | null | undefined;
  trainable?: boolean | null | undefined;
  /** Whether the metadata has no finding of severity ERROR. */
  valid?: boolean | null | undefined;
};

export type ModuleOrder = {
  direction?: OrderDirection;
  field: ModuleOrderField;
};

/** What modules are sorted by. */
export type ModuleOrderField =
  /** By created at. */
  | 'CREATED_AT'
  /** Best match first, descending. Without a search: by title. */
  | 'RELEVANCE'
  /** By title. */
  | 'TITLE'
  /** By updated at. */
  | 'UPDATED_AT';

/** Ascending or descending. */
export type OrderDirection =
  | 'ASC'
  | 'DESC';

/** How a run ended. */
export type OutcomeCode =
  | 'BAD_OUTPUT'
  | 'CANCELLED'
  | 'NON_ZERO_EXIT'
  | 'NOT_STARTED'
  | 'NO_OUTPUT'
  | 'OK'
  | 'OUT_OF_MEMORY'
  | 'SIGNALLED'
  | 'TIME_LIMIT'
  | 'VANISHED';

/** A file argument. Give exactly one of `url` and `base64`. */
export type PredictFileInput = {
  /** The name of the module’s argument. */
  argument: string;
  /** The bytes themselves; at most 1 MiB. */
  base64?: string | null | undefined;
  fileName?: string | null | undefined;
  /** For example `image/png`. */
  mediaType?: string | null | undefined;
  /** A link of this server, or a public http(s) URL; at most 32 MiB. */
  url?: string | null | undefined;
};

export type PredictInput = {
  /** The module’s prediction arguments, as its `predictSchema` says. */
  arguments?: Json | null | undefined;
  /** For the answer, in milliseconds from when the endpoint is warm; 30,000 when left out, at most 300,000. */
  deadlineMs?: number | null | undefined;
  deploymentId: string;
  files?: Array<PredictFileInput> | null | undefined;
  /** How long to hold the call while the endpoint is not warm, in milliseconds; NOT_READY at once when left out. */
  waitUntilWarmMs?: number | null | undefined;
};

/** What a workload asks for; what is left out comes from the module, then from the defaults. */
export type ResourcesInput = {
  cpus?: number | null | undefined;
  /** Null asks for none, also where the module would like some. */
  gpus?: GpuInput | null | undefined;
  memoryMiB?: number | null | undefined;
  /** Nodes that work together, each with all of the above. More than one: only where the backend’s capabilities say `severalNodes`, and never for a deployment. */
  nodes?: number;
  timeLimitSeconds?: number | null | undefined;
};

export type SplitInput = {
  rule: SplitRule;
  seed?: number;
  /** More than 0, less than 1. */
  testFraction?: number;
};

/** How the test examples are chosen: the same version, rule, seed and fraction give the same lists. */
export type SplitRule =
  /** Drawn by seed. */
  | 'RANDOM'
  /** Drawn by seed within each label. */
  | 'STRATIFIED'
  /** The last examples are the test. */
  | 'TAIL';

export type SweepFilter = {
  datasetVersionId?: string | null | undefined;
  moduleVersionId?: string | null | undefined;
  states?: Array<SweepState> | null | undefined;
};

/** Which value is better. */
export type SweepGoal =
  | 'MAXIMIZE'
  | 'MINIMIZE';

export type SweepObjectiveInput = {
  goal: SweepGoal;
  /** A metric that the module reports; a run without it is never the best. */
  metric: string;
};

export type SweepOrder = {
  direction?: OrderDirection;
  field: SweepOrderField;
};

/** What sweeps are sorted by. */
export type SweepOrderField =
  | 'CREATED_AT'
  | 'NUMBER'
  | 'UPDATED_AT';

/** Give exactly one of `values` and `range`. */
export type SweepParameterInput = {
  /** A training argument of the module. */
  argument: string;
  /** With RANDOM only. */
  range?: SweepRangeInput | null | undefined;
  values?: Array<Json> | null | undefined;
};

export type SweepRangeInput = {
  /** Whole numbers, both bounds included. */
  integer?: boolean;
  maximum: number;
  minimum: number;
  scale?: SweepScale;
};

/** LINEAR draws evenly between the bounds, LOG evenly between their logarithms. */
export type SweepScale =
  | 'LINEAR'
  | 'LOG';

/** QUEUED → RUNNING → an end, which its runs decide. */
export type SweepState =
  /** Every run ended, one at least because the end of the sweep was asked for. */
  | 'CANCELLED'
  /** Its end was asked for; one of its runs has not ended. */
  | 'CANCELLING'
  /** Every run ended, and none succeeded. */
  | 'FAILED'
  /** None of its runs was let on yet. */
  | 'QUEUED'
  /** Its runs were let on, or as many as may run at the same time; one has not ended. */
  | 'RUNNING'
  /** Every run ended, and one at least succeeded. */
  | 'SUCCEEDED';

/** Which combinations of arguments are run. */
export type SweepStrategy =
  /** Every combination of the given values. */
  | 'GRID'
  /** So many combinations, drawn from values and ranges by the seed. */
  | 'RANDOM';

export type TrainingRunFilter = {
  backend?: string | null | undefined;
  datasetVersionId?: string | null | undefined;
  moduleVersionId?: string | null | undefined;
  states?: Array<TrainingRunState> | null | undefined;
  sweepId?: string | null | undefined;
};

export type TrainingRunOrder = {
  direction?: OrderDirection;
  field: TrainingRunOrderField;
};

/** What runs are sorted by. */
export type TrainingRunOrderField =
  | 'CREATED_AT'
  | 'NUMBER'
  | 'UPDATED_AT';

/** QUEUED → PLACED → SUBMITTED → PENDING → PREPARING → RUNNING → EVALUATING → an end. */
export type TrainingRunState =
  | 'CANCELLED'
  | 'CANCELLING'
  | 'EVALUATING'
  | 'FAILED'
  | 'LOST'
  | 'PENDING'
  | 'PLACED'
  | 'PREPARING'
  | 'QUEUED'
  | 'RUNNING'
  | 'SUBMITTED'
  | 'SUCCEEDED';

/** What is left out stays. `moduleVersionId` or `artifactId` becomes a new revision, made warm beside the one that answers. */
export type UpdateDeploymentInput = {
  artifactId?: string | null | undefined;
  /** The `version` you read; VERSION_CONFLICT when somebody was faster. */
  expectedVersion?: number | null | undefined;
  id: string;
  /** Repeating the call with the same key starts nothing twice. */
  idempotencyKey?: string | null | undefined;
  moduleVersionId?: string | null | undefined;
  name?: string | null | undefined;
  /** Servers, 1 to 16; those kept go on. */
  replicas?: number | null | undefined;
};

export type UploadFileInput = {
  bytes: number;
  /** Relative, `/` between its parts, no `.` or `..`, at most 255 bytes a part. */
  path: string;
  /** Of the whole file, in 64 hexadecimal digits. */
  sha256: string;
};

/** How far an upload is. */
export type UploadState =
  /** All bytes came and have the declared digest. */
  | 'COMPLETE'
  /** It was not complete in time. */
  | 'EXPIRED'
  /** Takes parts at its URL. */
  | 'OPEN'
  /** The bytes had another digest, or it was aborted; `refusal` says which. */
  | 'REFUSED';

/** Give exactly one of `uploadId`, `fromVersionId` and `sha256`. */
export type VersionFileInput = {
  /** Takes the file at `path` of that version. */
  fromVersionId?: string | null | undefined;
  path?: string | null | undefined;
  /** The digest of a complete upload to this data set; `path` may rename it. */
  sha256?: string | null | undefined;
  /** A complete upload; `path` may rename it. */
  uploadId?: string | null | undefined;
};

/** Why something is not running: one enum over every backend. */
export type WaitingCode =
  /** The backend refuses our credentials. */
  | 'AUTHENTICATION'
  /** The backend answers with errors; we try again. */
  | 'BACKEND_REFUSING'
  /** The backend does not answer; nothing was lost, we look again. */
  | 'BACKEND_UNREACHABLE'
  /** An earlier try failed; the next one is due at nextAttemptAt. */
  | 'BACKING_OFF'
  /** It waits for another job. */
  | 'DEPENDENCY'
  /** About to be handed to a backend. */
  | 'DISPATCHING'
  /** It was put on hold. */
  | 'HELD'
  /** The image cannot be fetched. */
  | 'IMAGE_UNAVAILABLE'
  /** The nodes that could run it are down, drained or reserved. */
  | 'NODE_UNAVAILABLE'
  /** No accelerator of the kind asked for exists there. */
  | 'NO_ACCELERATOR'
  /** No configured backend offers what it needs. */
  | 'NO_BACKEND'
  /** Others come first. */
  | 'PRIORITY'
  /** The sample request is being answered. */
  | 'PROBING'
  /** The image is being fetched. */
  | 'PULLING_IMAGE'
  /** A quota or a limit of the site is reached. */
  | 'QUOTA'
  /** The backend asked us to slow down. */
  | 'RATE_LIMITED'
  /** The resources exist but others are using them. */
  | 'RESOURCES_BUSY'
  /** More is asked for than the site has. */
  | 'RESOURCES_EXCEED_SITE'
  /** The backend has it and is starting it. */
  | 'STARTING'
  /** Others of its sweep run first. */
  | 'SWEEP_LIMIT'
  /** The data set is being brought to where it runs. */
  | 'TRANSFERRING_DATA'
  /** The backend gave a reason that we do not know; see raw. */
  | 'UNKNOWN'
  /** No node satisfies its constraints. */
  | 'UNSCHEDULABLE';

export type SearchCatalogueQueryVariables = Exact<{
  search?: string | null | undefined;
  filter?: ModuleFilter | null | undefined;
  orderBy?: ModuleOrder | null | undefined;
  facets?: Array<ModuleFacet> | ModuleFacet | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type SearchCatalogueQuery = { modules: { totalCount: number, facets: Array<{ facet: ModuleFacet, values: Array<{ value: string, count: number }> }>, nodes: Array<{ id: string, slug: string, title: string, summary: string, tasks: Array<string>, categories: Array<string>, trainable: boolean, latestVersion: { id: string, name: string, pretrained: boolean } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ModuleQueryVariables = Exact<{
  id?: string | null | undefined;
  slug?: string | null | undefined;
}>;


export type ModuleQuery = { module: { description: string, licence: string | null, tags: Array<string>, libraries: Array<string>, dataTypes: Array<string>, doi: string | null, valid: boolean, id: string, slug: string, title: string, summary: string, tasks: Array<string>, categories: Array<string>, trainable: boolean, links: Array<{ rel: string, href: string }>, findings: Array<{ severity: FindingSeverity, pointer: string, message: string }>, latestVersion: { id: string, digest: string, trainSchema: Json | null, predictSchema: Json, name: string, pretrained: boolean, sample: { arguments: Json, expect: Json | null } | null } | null } | null };

export type ModuleCardFragment = { id: string, slug: string, title: string, summary: string, tasks: Array<string>, categories: Array<string>, trainable: boolean, latestVersion: { id: string, name: string, pretrained: boolean } | null };

export type DatasetsQueryVariables = Exact<{
  filter?: DatasetFilterInput | null | undefined;
  orderBy?: DatasetOrderInput | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type DatasetsQuery = { datasets: { totalCount: number, nodes: Array<{ id: string, name: string, title: string, licence: string | null, visibility: DatasetVisibility, format: DataFormat | null, latestVersion: { id: string, number: number, format: DataFormat, target: string | null, exampleCount: number, bytes: number, digest: string, labels: Array<{ label: string, count: number }>, defaultSplit: { id: string, rule: SplitRule, seed: number, testFraction: number, trainCount: number, testCount: number } } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type DatasetVersionQueryVariables = Exact<{
  id: string;
}>;


export type DatasetVersionQuery = { datasetVersion: { id: string, number: number, format: DataFormat, target: string | null, exampleCount: number, bytes: number, digest: string, dataset: { id: string, name: string, title: string }, files: { totalCount: number, nodes: Array<{ path: string, bytes: number, sha256: string, url: string }> }, labels: Array<{ label: string, count: number }>, defaultSplit: { id: string, rule: SplitRule, seed: number, testFraction: number, trainCount: number, testCount: number } } | null };

export type CreateDatasetMutationVariables = Exact<{
  input: CreateDatasetInput;
}>;


export type CreateDatasetMutation = { createDataset: { dataset: { id: string, version: number, name: string } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CreateUploadsMutationVariables = Exact<{
  input: CreateUploadsInput;
}>;


export type CreateUploadsMutation = { createUploads: { uploads: Array<{ id: string, path: string, bytes: number, url: string | null, receivedBytes: number, expiresAt: string }> | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type UploadQueryVariables = Exact<{
  id: string;
}>;


export type UploadQuery = { upload: { id: string, state: UploadState, receivedBytes: number, bytes: number, url: string | null, refusal: string | null } | null };

export type CreateDatasetVersionMutationVariables = Exact<{
  input: CreateDatasetVersionInput;
}>;


export type CreateDatasetVersionMutation = { createDatasetVersion: { datasetVersion: { id: string, number: number, format: DataFormat, target: string | null, exampleCount: number, bytes: number, digest: string, labels: Array<{ label: string, count: number }>, defaultSplit: { id: string, rule: SplitRule, seed: number, testFraction: number, trainCount: number, testCount: number } } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type DatasetVersionCardFragment = { id: string, number: number, format: DataFormat, target: string | null, exampleCount: number, bytes: number, digest: string, labels: Array<{ label: string, count: number }>, defaultSplit: { id: string, rule: SplitRule, seed: number, testFraction: number, trainCount: number, testCount: number } };

export type UserErrorEntryFragment = { code: ErrorCode, message: string, path: Array<string> };

export type CreateDeploymentMutationVariables = Exact<{
  input: CreateDeploymentInput;
}>;


export type CreateDeploymentMutation = { createDeployment: { deployment: { id: string, version: number, name: string, state: DeploymentState, backend: string, replicas: number, createdAt: string, updatedAt: string, activeRevision: { id: string, number: number } | null, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type PlanDeploymentQueryVariables = Exact<{
  input: CreateDeploymentInput;
}>;


export type PlanDeploymentQuery = { planDeployment: { plan: { backend: string | null, reason: string, considered: Array<{ backend: string, type: string, fits: boolean, reason: string, warning: string | null }>, workload: { title: string, program: string, arguments: Json | null, seed: number | null, replicas: number | null, inputFiles: number, inputBytes: number, resources: { cpus: number, memoryMiB: number, timeLimitSeconds: number, nodes: number | null, gpus: { count: number, model: string | null, memoryMiB: number | null } | null } }, requests: Array<{ title: string, mediaType: string, text: string }> } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type UpdateDeploymentMutationVariables = Exact<{
  input: UpdateDeploymentInput;
}>;


export type UpdateDeploymentMutation = { updateDeployment: { deployment: { id: string, version: number, name: string, state: DeploymentState, backend: string, replicas: number, createdAt: string, updatedAt: string, activeRevision: { id: string, number: number } | null, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type DeleteDeploymentMutationVariables = Exact<{
  input: DeleteDeploymentInput;
}>;


export type DeleteDeploymentMutation = { deleteDeployment: { deployment: { id: string, version: number, name: string, state: DeploymentState, backend: string, replicas: number, createdAt: string, updatedAt: string, activeRevision: { id: string, number: number } | null, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type DeploymentQueryVariables = Exact<{
  id: string;
}>;


export type DeploymentQuery = { deployment: { id: string, version: number, name: string, state: DeploymentState, backend: string, replicas: number, createdAt: string, updatedAt: string, moduleVersion: { id: string, name: string, predictSchema: Json, module: { slug: string, title: string } }, artifact: { id: string, name: string, digest: string } | null, latestRevision: { id: string, number: number, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } }, activeRevision: { id: string, number: number } | null, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } } | null };

export type DeploymentsQueryVariables = Exact<{
  filter?: DeploymentFilter | null | undefined;
  orderBy?: DeploymentOrder | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type DeploymentsQuery = { deployments: { totalCount: number, nodes: Array<{ id: string, version: number, name: string, state: DeploymentState, backend: string, replicas: number, createdAt: string, updatedAt: string, activeRevision: { id: string, number: number } | null, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type DeploymentEventsSubscriptionVariables = Exact<{
  id: string;
  after?: number;
}>;


export type DeploymentEventsSubscription = { deploymentEvents: { sequence: number, at: string, change:
      | { __typename: 'DeploymentCreated', revisionId: string }
      | { __typename: 'DeploymentStateChanged', deploymentFrom: DeploymentState, deploymentTo: DeploymentState }
      | { __typename: 'EndpointChanged', endpointId: string, revisionId: string, from: EndpointState | null, to: EndpointState, reason: string | null, readyReplicas: number, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null }
      | { __typename: 'EndpointWaitingChanged', endpointId: string, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null }
      | { __typename: 'RevisionActivated', revisionId: string, previousRevisionId: string | null }
      | { __typename: 'RevisionCreated', revisionId: string, number: number }
     } };

export type DeploymentCardFragment = { id: string, version: number, name: string, state: DeploymentState, backend: string, replicas: number, createdAt: string, updatedAt: string, activeRevision: { id: string, number: number } | null, endpoint: { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null } };

export type EndpointCardFragment = { id: string, state: EndpointState, stateSince: string, replicas: number, readyReplicas: number, restarts: number, failure: string | null, nativeState: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, warmth: { probedAt: string, latencyMs: number, warmUpMs: number } | null };

export type WarmthProofFragment = { probedAt: string, latencyMs: number, warmUpMs: number };

export type PredictMutationVariables = Exact<{
  input: PredictInput;
}>;


export type PredictMutation = { predict: { retryAfterMs: number | null, prediction: { id: string, output: Json | null, moduleMs: number | null, totalMs: number, coldStart: boolean | null, waitMs: number | null, initMs: number | null } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CreateSweepMutationVariables = Exact<{
  input: CreateSweepInput;
}>;


export type CreateSweepMutation = { createSweep: { sweep: { id: string, version: number, number: number, name: string, state: SweepState, stateSince: string, strategy: SweepStrategy, trials: number, atOnce: number | null, bestValue: number | null, createdAt: string, finishedAt: string | null, objective: { metric: string, goal: SweepGoal }, counts: Array<{ state: TrainingRunState, count: number }>, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, bestRun: { id: string, number: number, sweepNumber: number | null, arguments: Json } | null } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CancelSweepMutationVariables = Exact<{
  input: CancelSweepInput;
}>;


export type CancelSweepMutation = { cancelSweep: { sweep: { id: string, version: number, number: number, name: string, state: SweepState, stateSince: string, strategy: SweepStrategy, trials: number, atOnce: number | null, bestValue: number | null, createdAt: string, finishedAt: string | null, objective: { metric: string, goal: SweepGoal }, counts: Array<{ state: TrainingRunState, count: number }>, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, bestRun: { id: string, number: number, sweepNumber: number | null, arguments: Json } | null } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type SweepQueryVariables = Exact<{
  id?: string | null | undefined;
  number?: number | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type SweepQuery = { sweep: { arguments: Json, seed: number, id: string, version: number, number: number, name: string, state: SweepState, stateSince: string, strategy: SweepStrategy, trials: number, atOnce: number | null, bestValue: number | null, createdAt: string, finishedAt: string | null, parameters: Array<{ argument: string, values: Array<Json> | null, range: { minimum: number, maximum: number, scale: SweepScale, integer: boolean } | null }>, runs: { totalCount: number, nodes: Array<{ sweepNumber: number | null, arguments: Json, id: string, version: number, number: number, name: string, state: TrainingRunState, stateSince: string, backend: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, progress: { done: number, total: number, unit: string } | null, metrics: Array<{ name: string, value: number }>, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } }, objective: { metric: string, goal: SweepGoal }, counts: Array<{ state: TrainingRunState, count: number }>, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, bestRun: { id: string, number: number, sweepNumber: number | null, arguments: Json } | null } | null };

export type SweepsQueryVariables = Exact<{
  filter?: SweepFilter | null | undefined;
  orderBy?: SweepOrder | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type SweepsQuery = { sweeps: { totalCount: number, nodes: Array<{ id: string, version: number, number: number, name: string, state: SweepState, stateSince: string, strategy: SweepStrategy, trials: number, atOnce: number | null, bestValue: number | null, createdAt: string, finishedAt: string | null, objective: { metric: string, goal: SweepGoal }, counts: Array<{ state: TrainingRunState, count: number }>, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, bestRun: { id: string, number: number, sweepNumber: number | null, arguments: Json } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type SweepEventsSubscriptionVariables = Exact<{
  id: string;
  after?: number;
}>;


export type SweepEventsSubscription = { sweepEvents: { sequence: number, at: string, change:
      | { __typename: 'SweepAccepted' }
      | { __typename: 'SweepBestChanged', runId: string, number: number, bestValue: number, previousValue: number | null }
      | { __typename: 'SweepCancelRequested', by: string }
      | { __typename: 'SweepRunEnded', runId: string, number: number, state: TrainingRunState, value: number | null, ended: number }
      | { __typename: 'SweepStateChanged', from: SweepState | null, to: SweepState, reason: string | null }
     } };

export type SweepCardFragment = { id: string, version: number, number: number, name: string, state: SweepState, stateSince: string, strategy: SweepStrategy, trials: number, atOnce: number | null, bestValue: number | null, createdAt: string, finishedAt: string | null, objective: { metric: string, goal: SweepGoal }, counts: Array<{ state: TrainingRunState, count: number }>, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, bestRun: { id: string, number: number, sweepNumber: number | null, arguments: Json } | null };

export type CreateTrainingRunMutationVariables = Exact<{
  input: CreateTrainingRunInput;
}>;


export type CreateTrainingRunMutation = { createTrainingRun: { trainingRun: { id: string, version: number, number: number, name: string, state: TrainingRunState, stateSince: string, backend: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, progress: { done: number, total: number, unit: string } | null, metrics: Array<{ name: string, value: number }>, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CancelTrainingRunMutationVariables = Exact<{
  input: CancelTrainingRunInput;
}>;


export type CancelTrainingRunMutation = { cancelTrainingRun: { trainingRun: { id: string, version: number, number: number, name: string, state: TrainingRunState, stateSince: string, backend: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, progress: { done: number, total: number, unit: string } | null, metrics: Array<{ name: string, value: number }>, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type TrainingRunQueryVariables = Exact<{
  id?: string | null | undefined;
  number?: number | null | undefined;
}>;


export type TrainingRunQuery = { trainingRun: { arguments: Json, seed: number, id: string, version: number, number: number, name: string, state: TrainingRunState, stateSince: string, backend: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, resources: { cpus: number, memoryMiB: number, timeLimitSeconds: number, gpus: { count: number, model: string | null, memoryMiB: number | null } | null }, attempts: Array<{ id: string, number: number, backend: string, key: string, state: AttemptState, nativeState: string | null, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null }>, artifacts: { totalCount: number, nodes: Array<{ id: string, kind: ArtifactKind, name: string, epoch: number | null, bytes: number, digest: string }> }, moduleVersion: { id: string, name: string, module: { title: string } }, datasetVersion: { id: string, number: number, dataset: { title: string } }, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, progress: { done: number, total: number, unit: string } | null, metrics: Array<{ name: string, value: number }>, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null } | null };

export type TrainingRunsQueryVariables = Exact<{
  filter?: TrainingRunFilter | null | undefined;
  orderBy?: TrainingRunOrder | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type TrainingRunsQuery = { trainingRuns: { totalCount: number, nodes: Array<{ id: string, version: number, number: number, name: string, state: TrainingRunState, stateSince: string, backend: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, progress: { done: number, total: number, unit: string } | null, metrics: Array<{ name: string, value: number }>, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type TrainingRunLogPageQueryVariables = Exact<{
  id: string;
  first: number;
  after?: number;
}>;


export type TrainingRunLogPageQuery = { trainingRun: { log: { head: number, dropped: number, ended: boolean, lines: Array<{ offset: number, at: string, stream: LogStream, text: string, attempt: number }> } } | null };

export type ArtifactQueryVariables = Exact<{
  id: string;
}>;


export type ArtifactQuery = { artifact: { id: string, kind: ArtifactKind, name: string, epoch: number | null, bytes: number, digest: string, createdAt: string, metrics: Array<{ name: string, value: number }>, files: Array<{ path: string, bytes: number, sha256: string, url: string }>, lineage: { seed: number, arguments: Json, run: { id: string, number: number }, split: { id: string }, moduleVersion: { id: string, name: string, digest: string, module: { slug: string, title: string } }, datasetVersion: { id: string, number: number, digest: string, dataset: { name: string, title: string } } } } | null };

export type PlanTrainingRunQueryVariables = Exact<{
  input: CreateTrainingRunInput;
}>;


export type PlanTrainingRunQuery = { planTrainingRun: { plan: { backend: string | null, reason: string, considered: Array<{ backend: string, type: string, fits: boolean, reason: string, warning: string | null }>, workload: { title: string, program: string, arguments: Json | null, seed: number | null, replicas: number | null, inputFiles: number, inputBytes: number, resources: { cpus: number, memoryMiB: number, timeLimitSeconds: number, nodes: number | null, gpus: { count: number, model: string | null, memoryMiB: number | null } | null } }, requests: Array<{ title: string, mediaType: string, text: string }> } | null, userErrors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type BackendsQueryVariables = Exact<{ [key: string]: never; }>;


export type BackendsQuery = { backends: Array<{ name: string, type: string, runsJobs: boolean, runsServices: boolean, runsFunctions: boolean, capabilities: { arrays: boolean, gpus: boolean, gpuModels: boolean, cancelQueued: boolean, deepaasImages: boolean, enforcesMemory: boolean, enforcesTimeLimit: boolean, images: boolean, processes: boolean, selfHealing: boolean, severalNodes: boolean, separatesStreams: boolean }, health: { reachable: boolean, message: string, checkedAt: string, unreachableSince: string | null, capacity: { cpus: number, cpusInUse: number, memoryMiB: number, memoryInUseMiB: number, gpusInUse: number, queued: number, gpus: Array<{ index: number, model: string, memoryMiB: number, inUse: boolean | null }>, accelerators: Array<{ model: string, memoryMiB: number, count: number, free: number | null }> } | null } }> };

export type TrainingRunEventsSubscriptionVariables = Exact<{
  id: string;
  after?: number;
}>;


export type TrainingRunEventsSubscription = { trainingRunEvents: { sequence: number, at: string, change:
      | { __typename: 'ArtifactRegistered', artifactId: string, kind: ArtifactKind, name: string, epoch: number | null, digest: string }
      | { __typename: 'AttemptChanged', attemptId: string, number: number, backend: string, state: AttemptState, nativeState: string | null }
      | { __typename: 'TrainingRunAccepted' }
      | { __typename: 'TrainingRunCancelRequested', by: string }
      | { __typename: 'TrainingRunProgressed', progress: { done: number, total: number, unit: string } }
      | { __typename: 'TrainingRunStateChanged', from: TrainingRunState | null, to: TrainingRunState, reason: string | null, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null }
      | { __typename: 'TrainingRunWaitingChanged', waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null }
     } };

export type TrainingRunLogSubscriptionVariables = Exact<{
  id: string;
  after?: number;
}>;


export type TrainingRunLogSubscription = { trainingRunLog: { offset: number, at: string, stream: LogStream, text: string, attempt: number } };

export type TrainingRunMetricsSubscriptionVariables = Exact<{
  id: string;
  after?: number;
}>;


export type TrainingRunMetricsSubscription = { trainingRunMetrics: { offset: number, name: string, value: number, step: number, epoch: number | null, at: string } };

export type TrainingRunCardFragment = { id: string, version: number, number: number, name: string, state: TrainingRunState, stateSince: string, backend: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, waiting: { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null } | null, progress: { done: number, total: number, unit: string } | null, metrics: Array<{ name: string, value: number }>, outcome: { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null } | null };

export type OutcomeSentenceFragment = { code: OutcomeCode, message: string, exitCode: number | null, signal: string | null };

export type WhyWaitingFragment = { code: WaitingCode, message: string, since: string, nextAttemptAt: string | null, raw: string | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const ModuleCardFragmentDoc = new TypedDocumentString(`
    fragment ModuleCard on Module {
  id
  slug
  title
  summary
  tasks
  categories
  trainable
  latestVersion {
    id
    name
    pretrained
  }
}
    `, {"fragmentName":"ModuleCard"}) as unknown as TypedDocumentString<ModuleCardFragment, unknown>;
export const DatasetVersionCardFragmentDoc = new TypedDocumentString(`
    fragment DatasetVersionCard on DatasetVersion {
  id
  number
  format
  target
  exampleCount
  bytes
  digest
  labels {
    label
    count
  }
  defaultSplit {
    id
    rule
    seed
    testFraction
    trainCount
    testCount
  }
}
    `, {"fragmentName":"DatasetVersionCard"}) as unknown as TypedDocumentString<DatasetVersionCardFragment, unknown>;
export const UserErrorEntryFragmentDoc = new TypedDocumentString(`
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
    `, {"fragmentName":"UserErrorEntry"}) as unknown as TypedDocumentString<UserErrorEntryFragment, unknown>;
export const WhyWaitingFragmentDoc = new TypedDocumentString(`
    fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}
    `, {"fragmentName":"WhyWaiting"}) as unknown as TypedDocumentString<WhyWaitingFragment, unknown>;
export const WarmthProofFragmentDoc = new TypedDocumentString(`
    fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
    `, {"fragmentName":"WarmthProof"}) as unknown as TypedDocumentString<WarmthProofFragment, unknown>;
export const EndpointCardFragmentDoc = new TypedDocumentString(`
    fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
    fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"fragmentName":"EndpointCard"}) as unknown as TypedDocumentString<EndpointCardFragment, unknown>;
export const DeploymentCardFragmentDoc = new TypedDocumentString(`
    fragment DeploymentCard on Deployment {
  id
  version
  name
  state
  backend
  replicas
  createdAt
  updatedAt
  activeRevision {
    id
    number
  }
  endpoint {
    ...EndpointCard
  }
}
    fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"fragmentName":"DeploymentCard"}) as unknown as TypedDocumentString<DeploymentCardFragment, unknown>;
export const SweepCardFragmentDoc = new TypedDocumentString(`
    fragment SweepCard on Sweep {
  id
  version
  number
  name
  state
  stateSince
  strategy
  trials
  atOnce
  objective {
    metric
    goal
  }
  counts {
    state
    count
  }
  waiting {
    ...WhyWaiting
  }
  bestRun {
    id
    number
    sweepNumber
    arguments
  }
  bestValue
  createdAt
  finishedAt
}
    fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"fragmentName":"SweepCard"}) as unknown as TypedDocumentString<SweepCardFragment, unknown>;
export const OutcomeSentenceFragmentDoc = new TypedDocumentString(`
    fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
    `, {"fragmentName":"OutcomeSentence"}) as unknown as TypedDocumentString<OutcomeSentenceFragment, unknown>;
export const TrainingRunCardFragmentDoc = new TypedDocumentString(`
    fragment TrainingRunCard on TrainingRun {
  id
  version
  number
  name
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  progress {
    done
    total
    unit
  }
  metrics {
    name
    value
  }
  outcome {
    ...OutcomeSentence
  }
  backend
  createdAt
  startedAt
  finishedAt
}
    fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"fragmentName":"TrainingRunCard"}) as unknown as TypedDocumentString<TrainingRunCardFragment, unknown>;
export const SearchCatalogueDocument = new TypedDocumentString(`
    query SearchCatalogue($search: String, $filter: ModuleFilter, $orderBy: ModuleOrder, $facets: [ModuleFacet!], $first: Int = 20, $after: String) {
  modules(
    search: $search
    filter: $filter
    orderBy: $orderBy
    first: $first
    after: $after
  ) {
    totalCount
    facets(names: $facets) {
      facet
      values {
        value
        count
      }
    }
    nodes {
      ...ModuleCard
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment ModuleCard on Module {
  id
  slug
  title
  summary
  tasks
  categories
  trainable
  latestVersion {
    id
    name
    pretrained
  }
}`, {"hash":"sha256:f4fb4bace78c643e27833af83ed20fda1bf59c48184ab4caf0cb7523d6feb5a1"}) as unknown as TypedDocumentString<SearchCatalogueQuery, SearchCatalogueQueryVariables>;
export const ModuleDocument = new TypedDocumentString(`
    query Module($id: ID, $slug: String) {
  module(id: $id, slug: $slug) {
    ...ModuleCard
    description
    licence
    tags
    libraries
    dataTypes
    doi
    links {
      rel
      href
    }
    valid
    findings {
      severity
      pointer
      message
    }
    latestVersion {
      id
      digest
      trainSchema
      predictSchema
      sample {
        arguments
        expect
      }
    }
  }
}
    fragment ModuleCard on Module {
  id
  slug
  title
  summary
  tasks
  categories
  trainable
  latestVersion {
    id
    name
    pretrained
  }
}`, {"hash":"sha256:c19eebe56d37fec5130909bd912f66dac88b599f664f9679085eb29a1076bfaf"}) as unknown as TypedDocumentString<ModuleQuery, ModuleQueryVariables>;
export const DatasetsDocument = new TypedDocumentString(`
    query Datasets($filter: DatasetFilterInput, $orderBy: DatasetOrderInput, $first: Int = 20, $after: String) {
  datasets(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount
    nodes {
      id
      name
      title
      licence
      visibility
      format
      latestVersion {
        ...DatasetVersionCard
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment DatasetVersionCard on DatasetVersion {
  id
  number
  format
  target
  exampleCount
  bytes
  digest
  labels {
    label
    count
  }
  defaultSplit {
    id
    rule
    seed
    testFraction
    trainCount
    testCount
  }
}`, {"hash":"sha256:e94c0ba977ed593876b3f502cb71245507f297a34180731048b2da6a6cc5833c"}) as unknown as TypedDocumentString<DatasetsQuery, DatasetsQueryVariables>;
export const DatasetVersionDocument = new TypedDocumentString(`
    query DatasetVersion($id: ID!) {
  datasetVersion(id: $id) {
    ...DatasetVersionCard
    dataset {
      id
      name
      title
    }
    files(first: 100) {
      totalCount
      nodes {
        path
        bytes
        sha256
        url
      }
    }
  }
}
    fragment DatasetVersionCard on DatasetVersion {
  id
  number
  format
  target
  exampleCount
  bytes
  digest
  labels {
    label
    count
  }
  defaultSplit {
    id
    rule
    seed
    testFraction
    trainCount
    testCount
  }
}`, {"hash":"sha256:2ec8e31403f85bf21b915867ca02de5b59e6a2fca5f35f512f61481e3d0c352a"}) as unknown as TypedDocumentString<DatasetVersionQuery, DatasetVersionQueryVariables>;
export const CreateDatasetDocument = new TypedDocumentString(`
    mutation CreateDataset($input: CreateDatasetInput!) {
  createDataset(input: $input) {
    dataset {
      id
      version
      name
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}`, {"hash":"sha256:f3a1397ee8a845fa25ee74369fc40a4eefdc2ac9ab0ca34a289f6cb4bc61bf6e"}) as unknown as TypedDocumentString<CreateDatasetMutation, CreateDatasetMutationVariables>;
export const CreateUploadsDocument = new TypedDocumentString(`
    mutation CreateUploads($input: CreateUploadsInput!) {
  createUploads(input: $input) {
    uploads {
      id
      path
      bytes
      url
      receivedBytes
      expiresAt
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}`, {"hash":"sha256:ba163d41074204fb5062358921a7b66e00ed7fa8a7102217e0d6fea396e1b585"}) as unknown as TypedDocumentString<CreateUploadsMutation, CreateUploadsMutationVariables>;
export const UploadDocument = new TypedDocumentString(`
    query Upload($id: ID!) {
  upload(id: $id) {
    id
    state
    receivedBytes
    bytes
    url
    refusal
  }
}
    `, {"hash":"sha256:c596c3687a138149b62339b74f935b0ee16506a8ad7b287290726fc7ebc4dc5f"}) as unknown as TypedDocumentString<UploadQuery, UploadQueryVariables>;
export const CreateDatasetVersionDocument = new TypedDocumentString(`
    mutation CreateDatasetVersion($input: CreateDatasetVersionInput!) {
  createDatasetVersion(input: $input) {
    datasetVersion {
      ...DatasetVersionCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment DatasetVersionCard on DatasetVersion {
  id
  number
  format
  target
  exampleCount
  bytes
  digest
  labels {
    label
    count
  }
  defaultSplit {
    id
    rule
    seed
    testFraction
    trainCount
    testCount
  }
}
fragment UserErrorEntry on UserError {
  code
  message
  path
}`, {"hash":"sha256:642734dea3f8a44c686d633fdb224d48d9866c7423b4630b1831d7e37211caf8"}) as unknown as TypedDocumentString<CreateDatasetVersionMutation, CreateDatasetVersionMutationVariables>;
export const CreateDeploymentDocument = new TypedDocumentString(`
    mutation CreateDeployment($input: CreateDeploymentInput!) {
  createDeployment(input: $input) {
    deployment {
      ...DeploymentCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment DeploymentCard on Deployment {
  id
  version
  name
  state
  backend
  replicas
  createdAt
  updatedAt
  activeRevision {
    id
    number
  }
  endpoint {
    ...EndpointCard
  }
}
fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:8e1f2a066be384f192d1c8d9278d82eada9b90a0c861210b64c99cae1382b376"}) as unknown as TypedDocumentString<CreateDeploymentMutation, CreateDeploymentMutationVariables>;
export const PlanDeploymentDocument = new TypedDocumentString(`
    query PlanDeployment($input: CreateDeploymentInput!) {
  planDeployment(input: $input) {
    plan {
      backend
      reason
      considered {
        backend
        type
        fits
        reason
        warning
      }
      workload {
        title
        program
        arguments
        seed
        replicas
        inputFiles
        inputBytes
        resources {
          cpus
          memoryMiB
          timeLimitSeconds
          nodes
          gpus {
            count
            model
            memoryMiB
          }
        }
      }
      requests {
        title
        mediaType
        text
      }
    }
    userErrors {
      code
      message
      path
    }
  }
}
    `, {"hash":"sha256:90b4e3e680a9b975f0023a1fe021c7e0271f891f10c5566ab8b7dfa567f4ee5d"}) as unknown as TypedDocumentString<PlanDeploymentQuery, PlanDeploymentQueryVariables>;
export const UpdateDeploymentDocument = new TypedDocumentString(`
    mutation UpdateDeployment($input: UpdateDeploymentInput!) {
  updateDeployment(input: $input) {
    deployment {
      ...DeploymentCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment DeploymentCard on Deployment {
  id
  version
  name
  state
  backend
  replicas
  createdAt
  updatedAt
  activeRevision {
    id
    number
  }
  endpoint {
    ...EndpointCard
  }
}
fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:07f313381841015add68d8b0b14527da043d2437e1234c766791cb9bb7924f5d"}) as unknown as TypedDocumentString<UpdateDeploymentMutation, UpdateDeploymentMutationVariables>;
export const DeleteDeploymentDocument = new TypedDocumentString(`
    mutation DeleteDeployment($input: DeleteDeploymentInput!) {
  deleteDeployment(input: $input) {
    deployment {
      ...DeploymentCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment DeploymentCard on Deployment {
  id
  version
  name
  state
  backend
  replicas
  createdAt
  updatedAt
  activeRevision {
    id
    number
  }
  endpoint {
    ...EndpointCard
  }
}
fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:ab815c15d9e3fffcaf657451e4f124306d53d58dba0287ad9afa86c990474c43"}) as unknown as TypedDocumentString<DeleteDeploymentMutation, DeleteDeploymentMutationVariables>;
export const DeploymentDocument = new TypedDocumentString(`
    query Deployment($id: ID!) {
  deployment(id: $id) {
    ...DeploymentCard
    moduleVersion {
      id
      name
      predictSchema
      module {
        slug
        title
      }
    }
    artifact {
      id
      name
      digest
    }
    latestRevision {
      id
      number
      endpoint {
        ...EndpointCard
      }
    }
  }
}
    fragment DeploymentCard on Deployment {
  id
  version
  name
  state
  backend
  replicas
  createdAt
  updatedAt
  activeRevision {
    id
    number
  }
  endpoint {
    ...EndpointCard
  }
}
fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:2bb74f7b8f5b1e7131b63018c73d9ac3757ba7b688a156fb9263a83f5949bb02"}) as unknown as TypedDocumentString<DeploymentQuery, DeploymentQueryVariables>;
export const DeploymentsDocument = new TypedDocumentString(`
    query Deployments($filter: DeploymentFilter, $orderBy: DeploymentOrder, $first: Int = 20, $after: String) {
  deployments(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount
    nodes {
      ...DeploymentCard
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment DeploymentCard on Deployment {
  id
  version
  name
  state
  backend
  replicas
  createdAt
  updatedAt
  activeRevision {
    id
    number
  }
  endpoint {
    ...EndpointCard
  }
}
fragment EndpointCard on Endpoint {
  id
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  warmth {
    ...WarmthProof
  }
  replicas
  readyReplicas
  restarts
  failure
  nativeState
}
fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:41cf012586ea277588730c092276d90e3d74d77bb143018f478f2881e0ba869d"}) as unknown as TypedDocumentString<DeploymentsQuery, DeploymentsQueryVariables>;
export const DeploymentEventsDocument = new TypedDocumentString(`
    subscription DeploymentEvents($id: ID!, $after: Int! = 0) {
  deploymentEvents(id: $id, after: $after) {
    sequence
    at
    change {
      __typename
      ... on DeploymentCreated {
        revisionId
      }
      ... on DeploymentStateChanged {
        deploymentFrom: from
        deploymentTo: to
      }
      ... on RevisionCreated {
        revisionId
        number
      }
      ... on EndpointChanged {
        endpointId
        revisionId
        from
        to
        reason
        readyReplicas
        warmth {
          ...WarmthProof
        }
      }
      ... on EndpointWaitingChanged {
        endpointId
        waiting {
          ...WhyWaiting
        }
      }
      ... on RevisionActivated {
        revisionId
        previousRevisionId
      }
    }
  }
}
    fragment WarmthProof on Warmth {
  probedAt
  latencyMs
  warmUpMs
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:6301ce3e137c3b8fe22703b95ba8dab19f894a8fce7088727d8da610d854be47"}) as unknown as TypedDocumentString<DeploymentEventsSubscription, DeploymentEventsSubscriptionVariables>;
export const PredictDocument = new TypedDocumentString(`
    mutation Predict($input: PredictInput!) {
  predict(input: $input) {
    prediction {
      id
      output
      moduleMs
      totalMs
      coldStart
      waitMs
      initMs
    }
    retryAfterMs
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}`, {"hash":"sha256:856da1743a401d8c0586eb2d3ed9c752d4343624a988c3fe81d2a70a48dea435"}) as unknown as TypedDocumentString<PredictMutation, PredictMutationVariables>;
export const CreateSweepDocument = new TypedDocumentString(`
    mutation CreateSweep($input: CreateSweepInput!) {
  createSweep(input: $input) {
    sweep {
      ...SweepCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment SweepCard on Sweep {
  id
  version
  number
  name
  state
  stateSince
  strategy
  trials
  atOnce
  objective {
    metric
    goal
  }
  counts {
    state
    count
  }
  waiting {
    ...WhyWaiting
  }
  bestRun {
    id
    number
    sweepNumber
    arguments
  }
  bestValue
  createdAt
  finishedAt
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:066a1bd1e06c4fe6dd766f31139cc0532c58eb2ca3c656f296206575a5e1ff8c"}) as unknown as TypedDocumentString<CreateSweepMutation, CreateSweepMutationVariables>;
export const CancelSweepDocument = new TypedDocumentString(`
    mutation CancelSweep($input: CancelSweepInput!) {
  cancelSweep(input: $input) {
    sweep {
      ...SweepCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment SweepCard on Sweep {
  id
  version
  number
  name
  state
  stateSince
  strategy
  trials
  atOnce
  objective {
    metric
    goal
  }
  counts {
    state
    count
  }
  waiting {
    ...WhyWaiting
  }
  bestRun {
    id
    number
    sweepNumber
    arguments
  }
  bestValue
  createdAt
  finishedAt
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:877217e20d75187a82f650855bb95e71443621b9d109ff10ebfcbd758dd5d659"}) as unknown as TypedDocumentString<CancelSweepMutation, CancelSweepMutationVariables>;
export const SweepDocument = new TypedDocumentString(`
    query Sweep($id: ID, $number: Int, $first: Int = 20, $after: String) {
  sweep(id: $id, number: $number) {
    ...SweepCard
    arguments
    seed
    parameters {
      argument
      values
      range {
        minimum
        maximum
        scale
        integer
      }
    }
    runs(first: $first, after: $after) {
      totalCount
      nodes {
        ...TrainingRunCard
        sweepNumber
        arguments
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    fragment SweepCard on Sweep {
  id
  version
  number
  name
  state
  stateSince
  strategy
  trials
  atOnce
  objective {
    metric
    goal
  }
  counts {
    state
    count
  }
  waiting {
    ...WhyWaiting
  }
  bestRun {
    id
    number
    sweepNumber
    arguments
  }
  bestValue
  createdAt
  finishedAt
}
fragment TrainingRunCard on TrainingRun {
  id
  version
  number
  name
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  progress {
    done
    total
    unit
  }
  metrics {
    name
    value
  }
  outcome {
    ...OutcomeSentence
  }
  backend
  createdAt
  startedAt
  finishedAt
}
fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:3940035ce9082cde082189979772250763b4ad5e684ac965c881342138cf3b73"}) as unknown as TypedDocumentString<SweepQuery, SweepQueryVariables>;
export const SweepsDocument = new TypedDocumentString(`
    query Sweeps($filter: SweepFilter, $orderBy: SweepOrder, $first: Int = 20, $after: String) {
  sweeps(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount
    nodes {
      ...SweepCard
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment SweepCard on Sweep {
  id
  version
  number
  name
  state
  stateSince
  strategy
  trials
  atOnce
  objective {
    metric
    goal
  }
  counts {
    state
    count
  }
  waiting {
    ...WhyWaiting
  }
  bestRun {
    id
    number
    sweepNumber
    arguments
  }
  bestValue
  createdAt
  finishedAt
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:aabb565142b6aa4efd831c1b6c8e493909f7119619bf0057b50462e9d2893ca9"}) as unknown as TypedDocumentString<SweepsQuery, SweepsQueryVariables>;
export const SweepEventsDocument = new TypedDocumentString(`
    subscription SweepEvents($id: ID!, $after: Int! = 0) {
  sweepEvents(id: $id, after: $after) {
    sequence
    at
    change {
      __typename
      ... on SweepStateChanged {
        from
        to
        reason
      }
      ... on SweepRunEnded {
        runId
        number
        state
        value
        ended
      }
      ... on SweepBestChanged {
        runId
        number
        bestValue
        previousValue
      }
      ... on SweepCancelRequested {
        by
      }
    }
  }
}
    `, {"hash":"sha256:49e6f156526ff134cca80d4046b4b18fed0669bf6767c0ac8b731b35b9b79629"}) as unknown as TypedDocumentString<SweepEventsSubscription, SweepEventsSubscriptionVariables>;
export const CreateTrainingRunDocument = new TypedDocumentString(`
    mutation CreateTrainingRun($input: CreateTrainingRunInput!) {
  createTrainingRun(input: $input) {
    trainingRun {
      ...TrainingRunCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment TrainingRunCard on TrainingRun {
  id
  version
  number
  name
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  progress {
    done
    total
    unit
  }
  metrics {
    name
    value
  }
  outcome {
    ...OutcomeSentence
  }
  backend
  createdAt
  startedAt
  finishedAt
}
fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:1256ba48fe9dcfac76d09124fbf98c7faac448c742375a7c62476af55446be6c"}) as unknown as TypedDocumentString<CreateTrainingRunMutation, CreateTrainingRunMutationVariables>;
export const CancelTrainingRunDocument = new TypedDocumentString(`
    mutation CancelTrainingRun($input: CancelTrainingRunInput!) {
  cancelTrainingRun(input: $input) {
    trainingRun {
      ...TrainingRunCard
    }
    userErrors {
      ...UserErrorEntry
    }
  }
}
    fragment UserErrorEntry on UserError {
  code
  message
  path
}
fragment TrainingRunCard on TrainingRun {
  id
  version
  number
  name
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  progress {
    done
    total
    unit
  }
  metrics {
    name
    value
  }
  outcome {
    ...OutcomeSentence
  }
  backend
  createdAt
  startedAt
  finishedAt
}
fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:8a1a1939ab2bb1ba617cee3b81f4b7211e88fb542ddd97924e39a9cbb965a84c"}) as unknown as TypedDocumentString<CancelTrainingRunMutation, CancelTrainingRunMutationVariables>;
export const TrainingRunDocument = new TypedDocumentString(`
    query TrainingRun($id: ID, $number: Int) {
  trainingRun(id: $id, number: $number) {
    ...TrainingRunCard
    arguments
    seed
    resources {
      cpus
      memoryMiB
      timeLimitSeconds
      gpus {
        count
        model
        memoryMiB
      }
    }
    attempts {
      id
      number
      backend
      key
      state
      nativeState
      outcome {
        ...OutcomeSentence
      }
    }
    artifacts(first: 100) {
      totalCount
      nodes {
        id
        kind
        name
        epoch
        bytes
        digest
      }
    }
    moduleVersion {
      id
      name
      module {
        title
      }
    }
    datasetVersion {
      id
      number
      dataset {
        title
      }
    }
  }
}
    fragment TrainingRunCard on TrainingRun {
  id
  version
  number
  name
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  progress {
    done
    total
    unit
  }
  metrics {
    name
    value
  }
  outcome {
    ...OutcomeSentence
  }
  backend
  createdAt
  startedAt
  finishedAt
}
fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:de2bccb6a69824cc34c7c3345daf899d784ee78f5d797039467de652315b80a1"}) as unknown as TypedDocumentString<TrainingRunQuery, TrainingRunQueryVariables>;
export const TrainingRunsDocument = new TypedDocumentString(`
    query TrainingRuns($filter: TrainingRunFilter, $orderBy: TrainingRunOrder, $first: Int = 20, $after: String) {
  trainingRuns(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount
    nodes {
      ...TrainingRunCard
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment TrainingRunCard on TrainingRun {
  id
  version
  number
  name
  state
  stateSince
  waiting {
    ...WhyWaiting
  }
  progress {
    done
    total
    unit
  }
  metrics {
    name
    value
  }
  outcome {
    ...OutcomeSentence
  }
  backend
  createdAt
  startedAt
  finishedAt
}
fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:ae87ed818857ce5d725e40a2bc12a7579f6da41454223b74b0eca1dd62718739"}) as unknown as TypedDocumentString<TrainingRunsQuery, TrainingRunsQueryVariables>;
export const TrainingRunLogPageDocument = new TypedDocumentString(`
    query TrainingRunLogPage($id: ID!, $first: Int!, $after: Int! = 0) {
  trainingRun(id: $id) {
    log(first: $first, after: $after) {
      head
      dropped
      ended
      lines {
        offset
        at
        stream
        text
        attempt
      }
    }
  }
}
    `, {"hash":"sha256:e874e0aadace0feb45c89b56774fc24d95f5b941a21b4080fba538344da7a851"}) as unknown as TypedDocumentString<TrainingRunLogPageQuery, TrainingRunLogPageQueryVariables>;
export const ArtifactDocument = new TypedDocumentString(`
    query Artifact($id: ID!) {
  artifact(id: $id) {
    id
    kind
    name
    epoch
    bytes
    digest
    createdAt
    metrics {
      name
      value
    }
    files {
      path
      bytes
      sha256
      url
    }
    lineage {
      run {
        id
        number
      }
      seed
      arguments
      split {
        id
      }
      moduleVersion {
        id
        name
        digest
        module {
          slug
          title
        }
      }
      datasetVersion {
        id
        number
        digest
        dataset {
          name
          title
        }
      }
    }
  }
}
    `, {"hash":"sha256:68835656e85091d92738a32f7e27e0cd02a32607d7edfb41cdfe48c5967c1244"}) as unknown as TypedDocumentString<ArtifactQuery, ArtifactQueryVariables>;
export const PlanTrainingRunDocument = new TypedDocumentString(`
    query PlanTrainingRun($input: CreateTrainingRunInput!) {
  planTrainingRun(input: $input) {
    plan {
      backend
      reason
      considered {
        backend
        type
        fits
        reason
        warning
      }
      workload {
        title
        program
        arguments
        seed
        replicas
        inputFiles
        inputBytes
        resources {
          cpus
          memoryMiB
          timeLimitSeconds
          nodes
          gpus {
            count
            model
            memoryMiB
          }
        }
      }
      requests {
        title
        mediaType
        text
      }
    }
    userErrors {
      code
      message
      path
    }
  }
}
    `, {"hash":"sha256:29a7db2d5c12d6680168c47a23a27a8918a96fa74f8b224c643ba6fbe6de1715"}) as unknown as TypedDocumentString<PlanTrainingRunQuery, PlanTrainingRunQueryVariables>;
export const BackendsDocument = new TypedDocumentString(`
    query Backends {
  backends {
    name
    type
    runsJobs
    runsServices
    runsFunctions
    capabilities {
      arrays
      gpus
      gpuModels
      cancelQueued
      deepaasImages
      enforcesMemory
      enforcesTimeLimit
      images
      processes
      selfHealing
      severalNodes
      separatesStreams
    }
    health {
      reachable
      message
      checkedAt
      unreachableSince
      capacity {
        cpus
        cpusInUse
        memoryMiB
        memoryInUseMiB
        gpus {
          index
          model
          memoryMiB
          inUse
        }
        gpusInUse
        accelerators {
          model
          memoryMiB
          count
          free
        }
        queued
      }
    }
  }
}
    `, {"hash":"sha256:0ecc256ac77c2c135f9805075154d9a33f7dd96212da3e87c297fe3bcdbbb1e1"}) as unknown as TypedDocumentString<BackendsQuery, BackendsQueryVariables>;
export const TrainingRunEventsDocument = new TypedDocumentString(`
    subscription TrainingRunEvents($id: ID!, $after: Int! = 0) {
  trainingRunEvents(id: $id, after: $after) {
    sequence
    at
    change {
      __typename
      ... on TrainingRunStateChanged {
        from
        to
        reason
        outcome {
          ...OutcomeSentence
        }
      }
      ... on TrainingRunWaitingChanged {
        waiting {
          ...WhyWaiting
        }
      }
      ... on TrainingRunProgressed {
        progress {
          done
          total
          unit
        }
      }
      ... on AttemptChanged {
        attemptId
        number
        backend
        state
        nativeState
      }
      ... on ArtifactRegistered {
        artifactId
        kind
        name
        epoch
        digest
      }
      ... on TrainingRunCancelRequested {
        by
      }
    }
  }
}
    fragment OutcomeSentence on Outcome {
  code
  message
  exitCode
  signal
}
fragment WhyWaiting on Waiting {
  code
  message
  since
  nextAttemptAt
  raw
}`, {"hash":"sha256:28ba1f6370421596059de45d478ccc768d55418cd0dcf9c66a432aa83f50a3cb"}) as unknown as TypedDocumentString<TrainingRunEventsSubscription, TrainingRunEventsSubscriptionVariables>;
export const TrainingRunLogDocument = new TypedDocumentString(`
    subscription TrainingRunLog($id: ID!, $after: Int! = 0) {
  trainingRunLog(id: $id, after: $after) {
    offset
    at
    stream
    text
    attempt
  }
}
    `, {"hash":"sha256:4a7be7267e274c906518d76d295b37d53255e27fca2c311408eac67a5142fc2d"}) as unknown as TypedDocumentString<TrainingRunLogSubscription, TrainingRunLogSubscriptionVariables>;
export const TrainingRunMetricsDocument = new TypedDocumentString(`
    subscription TrainingRunMetrics($id: ID!, $after: Int! = 0) {
  trainingRunMetrics(id: $id, after: $after) {
    offset
    name
    value
    step
    epoch
    at
  }
}
    `, {"hash":"sha256:49704913d0656c64da36f33d2de604ec354aaca9ceefd7f69a36a4535cb097a1"}) as unknown as TypedDocumentString<TrainingRunMetricsSubscription, TrainingRunMetricsSubscriptionVariables>;