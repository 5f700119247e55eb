/** Kind of work in the queue; the key is an endpoint's id. */
export const endpointWork = 'endpoint';
