/**
 * Every bound of the edge, in one place; documentation and `/limits` print this object. Sizes in bytes, times in
 * milliseconds. All are refusals before execution, except the deadline.
 */
export const limits = Object.freeze({
  /** Of an HTTP body and of a WebSocket message. A small input of up to 1 MiB travels inside it, in base64 or JSON. */
  bodyBytes: 1_572_864,
  /** Of a document. GraphiQL's introspection query has about 400. */
  tokens: 4_000,
  /** Fields inside fields, introspection aside (graphql bounds that one itself). */
  depth: 16,
  /** Of a whole document, counted where they are written. */
  aliases: 60,
  directives: 60,
  /** Fields of the operation's root, after fragments are spread. */
  rootFields: 30,
  /** Selections after fragments are spread: what an executor would have to visit. */
  selections: 5_000,
  /** `first` and `last` of a connection. */
  pageSize: 100,
  /** Objects an operation can ask for: the product of nested page sizes, summed over its connections. */
  nodes: 500_000,
  /** What a list without a page size counts for. */
  assumedListSize: 10,
  /** From the last byte of the request to the answer. */
  deadlineMs: 30_000,
  /** The same for an operation that states longer waits itself (`waitUntilWarmMs`, `deadlineMs`): theirs, up to this. */
  longestDeadlineMs: 905_000,
  /** Operations at once on one WebSocket. */
  operationsPerSocket: 100,
  /** Open WebSockets and event streams of this process. */
  sockets: 10_000,
  /** No further event is pulled for a socket that has this much unsent. */
  unsentBytes: 1_048_576,
  connectionInitMs: 5_000,
  pingMs: 15_000,
  /** Documents kept parsed and validated, and (merged) compiled. */
  cachedDocuments: 512,
  /** Of all cached document texts together. */
  cachedDocumentBytes: 2_097_152,
  /** A document is compiled to machine code after this many runs. */
  runsBeforeCompiling: 3,
});

export type Limits = { readonly [K in keyof typeof limits]: number };
