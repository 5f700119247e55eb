/** URLs for bytes: signed, scoped to one thing, expiring. Implemented by the data plane of the server. */
export interface Links {
  /** Where the parts of an upload go (HEAD, PATCH). */
  upload(uploadId: string): string;
  /** Where a blob is read (GET, HEAD, ranges), offered under `fileName`. */
  blob(sha256: string, fileName: string): string;
  /** The digest that one of our own blob URLs stands for, or null when it is not ours, forged or expired. */
  resolve(url: string): { readonly sha256: string } | null;
}
