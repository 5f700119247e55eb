import type { ModuleLink } from '../../domain/module.ts';

/**
 * The image that a module's metadata names, if it says which one: by a digest, or a tag other than `latest`. Anything else
 * may be another image tomorrow, and a version never changes; null then.
 */
export function declaredImage(links: readonly ModuleLink[]): string | null {
  const link = links.find(({ rel }) => rel === 'docker_image');
  const image = link?.href.trim().replace(/^docker:\/\//, '') ?? '';
  return pinned.test(image) && !image.endsWith(':latest') ? image : null;
}

const pinned =
  /^([A-Za-z0-9.-]+(:\d+)?\/)?[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$/;
