/** A kind of work in the queue; its key is a sweep's id. */
export const sweepWork = 'sweep';
