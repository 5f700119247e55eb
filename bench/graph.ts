import { request } from 'undici';

/** Asks a graph over HTTP; throws on anything but data. */
export async function ask<T>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.body.text();
  const { data, errors } = JSON.parse(text) as { data?: T | null; errors?: unknown };
  if (errors !== undefined || data == null) throw new Error(`${url} says ${text.slice(0, 500)}`);
  return data;
}
