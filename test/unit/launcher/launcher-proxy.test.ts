import { expect, test } from 'vitest';
import { proxyFor } from '../../../modules/launcher/proxy.ts';

const of = (url: string, environment: Record<string, string>): string | null =>
  proxyFor(new URL(url), environment)?.href ?? null;

test('the proxy is that of the protocol, in either spelling, and none when there is none', () => {
  const environment = { http_proxy: 'http://a:1', HTTPS_PROXY: 'b:2' };
  expect(of('http://x/y', environment)).toBe('http://a:1/');
  expect(of('https://x/y', environment)).toBe('http://b:2/');
  expect(of('http://x/y', {})).toBe(null);
  expect(of('http://x/y', { http_proxy: '' })).toBe(null);
  expect(of('http://x/y', { http_proxy: 'http://[' })).toBe(null);
});

test('what is exempt is reached straight', () => {
  const withExempt = (no_proxy: string) => ({ http_proxy: 'http://a:1', no_proxy });
  for (const no_proxy of ['ml.site.org', 'x, site.org', '.site.org', '*.org', '*', 'site.org:80']) {
    expect(of('http://ml.site.org/x', withExempt(no_proxy))).toBe(null);
  }
  for (const no_proxy of ['', 'site', 'l.site.org', 'site.org:8080', 'org.uk']) {
    expect(of('http://ml.site.org/x', withExempt(no_proxy))).toBe('http://a:1/');
  }
  expect(of('http://127.0.0.1:80/x', withExempt('127.0.0.1'))).toBe(null);
});
