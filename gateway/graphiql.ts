import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** One tab of the explorer: a complete document that can be sent as it is. */
export interface SampleOperation {
  readonly query: string;
  /** JSON text. */
  readonly variables?: string;
}

export interface ExplorerPage {
  readonly gzipped: Buffer;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

const compress = promisify(gzip);

/** Tabs jump from under a pressed mouse (their animation of a new order never ends), so a click would miss them. */
const steadyTabs = '<style>.graphiql-tabs > .graphiql-tab { transform: none !important }</style>';

/**
 * GraphiQL in one page with every script, style and worker inside: it works on a machine without a network. Subscriptions
 * go over the same path by server-sent events, which carry the headers of its editor as a WebSocket could not. Large (9 MB, a quarter of it compressed), so it is made once, when first
 * asked for, and kept compressed; the browser keeps it by its tag.
 */
export async function explorerPage(
  endpoint: string,
  samples: readonly SampleOperation[],
): Promise<ExplorerPage> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const tabs = samples.map(({ query, variables }) => ({ query, variables: variables ?? '' }));
  const html = String(
    renderGraphiQL({
      title: 'Fathom',
      endpoint,
      subscriptionsProtocol: 'GRAPHQL_SSE',
      shouldPersistHeaders: false,
      ...(tabs.length === 0 ? {} : { defaultTabs: tabs }),
    }),
  ).replace('</head>', `${steadyTabs}</head>`);
  return {
    gzipped: await compress(html),
    etag: `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"`,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'gzip',
      // The browser itself refuses anything that is not on this page or this server.
      'content-security-policy': [
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        'worker-src blob:',
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ].join('; '),
      'cache-control': 'no-cache',
      vary: 'accept',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  };
}
