import { request } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { isIP } from 'node:net';
import { connect as secure } from 'node:tls';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the site wants used for `url`, as the usual variables say; null for none. */
export function proxyFor(url: URL, environment: Environment): URL | null {
  const { hostname, port, protocol } = url;
  const name = protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const proxy = environment[name] ?? environment[name.toUpperCase()] ?? '';
  const without = environment['no_proxy'] ?? environment['NO_PROXY'] ?? '';
  const isExempt = without
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => exempts(entry.toLowerCase(), hostname, port || defaultPort(protocol)));
  if (proxy === '' || isExempt) return null;
  try {
    return new URL(proxy.includes('://') ? proxy : `http://${proxy}`);
  } catch {
    return null;
  }
}

/** Connections to `https` servers through a proxy, which sees names and nothing else. */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super({ keepAlive: true });
    this.#proxy = proxy;
  }

  override createConnection(
    options: { readonly host?: string; readonly port?: number | string },
    done: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { host = '', port = 443 } = options;
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const call = request({
      host: this.#proxy.hostname.replace(/^\[|\]$/g, ''),
      port: this.#proxy.port || 80,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      timeout: 60_000,
    });
    // The type of the callback asks for a socket beside an error; nobody looks at it.
    const fail = (error: Error): void => done(error, call as unknown as Duplex);
    call.once('timeout', () => call.destroy(new Error('The proxy was silent for a minute.')));
    call.once('error', fail);
    call.once('connect', (answer, socket) => {
      // An address is no name that a server could be asked for by.
      const name = isIP(host) === 0 ? { servername: host } : {};
      if (answer.statusCode === 200) done(null, secure({ host, ...name, socket }));
      else call.destroy(new Error(`The proxy answered ${answer.statusCode ?? 'nothing'}.`));
    });
    call.end();
    return undefined;
  }
}

export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

function exempts(entry: string, hostname: string, port: string): boolean {
  const [, name = '', only] = entry.match(/^(.*?)(?::(\d+))?$/) ?? [];
  if (only !== undefined && only !== port) return false;
  const suffix = name.replace(/^\*?\.?/, '');
  return name === '*' || hostname === suffix || hostname.endsWith(`.${suffix}`);
}

function defaultPort(protocol: string): string {
  return protocol === 'https:' ? '443' : '80';
}
