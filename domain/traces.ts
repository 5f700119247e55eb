/** What led to what, told to whoever collects it. Handed in, as the clock is. */
export interface Traces {
  /** Of what happens now, as W3C's `traceparent`; null when nobody records it. */
  current(): string | null;
  /** Does `work` as a part of the trace that `parent` belongs to; with null it only does it. */
  goOn<T>(parent: string | null, span: TracedWork, work: () => Promise<T>): Promise<T>;
}

export interface TracedWork {
  /** Of few values: no ids. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const untraced: Traces = {
  current: () => null,
  goOn: (_parent, _span, work) => work(),
};
