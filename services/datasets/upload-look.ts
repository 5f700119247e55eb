import type { Lease } from '../../store/contract/work.ts';
import type { Look } from '../reconciler/look.ts';
import { type Uploads, uploadWork } from './uploads.ts';

/** Ends uploads that nobody finished in time, and frees what they left. */
export class UploadLook implements Look {
  readonly kind = uploadWork;
  readonly #uploads: Uploads;

  constructor(uploads: Uploads) {
    this.#uploads = uploads;
  }

  look(key: string, lease: Lease): Promise<number | null> {
    return this.#uploads.expire(key, (tx) => tx.assertLease(lease));
  }
}
