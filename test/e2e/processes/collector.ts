import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly role: string;
  /** Text values only. */
  readonly about: Readonly<Record<string, string>>;
}

type Attributes = readonly {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}[];

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, 'role' | 'about'> & {
        readonly attributes: Attributes;
      })[];
    }[];
  }[];
}

/** Takes what OpenTelemetry's exporters send, as a collector does. */
export async function collector(): Promise<{
  url: string;
  spans: Span[];
  close: () => void;
}> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Exported;
      for (const { resource, scopeSpans } of resourceSpans) {
        const role = textsOf(resource.attributes)['fathom.role'] ?? '';
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
          spans.push({ ...span, role, about: textsOf(span.attributes) });
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, close: () => server.close() };
}

function textsOf(attributes: Attributes): Readonly<Record<string, string>> {
  return Object.fromEntries(
    attributes.flatMap(({ key, value: { stringValue } }) =>
      stringValue === undefined ? [] : [[key, stringValue]],
    ),
  );
}
