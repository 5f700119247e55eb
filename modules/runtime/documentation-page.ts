import type { ArgumentFields } from './arguments.ts';
import { Text } from './http-service.ts';
import type { Module } from './module.ts';

/** A page for a person who opened the server in a browser: what it is and what it takes. */
export function documentationPage(module: Module, base: string): Text {
  const model = `${base}/v2/models/${module.name}/`;
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(module.name)}</title>
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:50rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem;text-align:left;vertical-align:top}</style>
</head><body><h1>${escape(module.name)} ${escape(module.version)}</h1>
<p>The machine-readable description is <a href="${base}/swagger.json">swagger.json</a>;
the model's metadata is at <a href="${model}">${model}</a>.</p>
<h2>POST ${model}predict/</h2>${table(module.predictArguments)}
${module.trainArguments ? `<h2>POST ${model}train/</h2>${table(module.trainArguments)}` : ''}
</body></html>
`;
  return new Text('text/html; charset=utf-8', body);
}

function table(fields: ArgumentFields): string {
  const rows = Object.entries(fields).map(([name, field]) => {
    const value = field.required ? 'required' : String(field.default ?? '');
    const cells = [name, field.type, value, field.description];
    return `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`;
  });
  return `<table><tr><th>argument</th><th>type</th><th>default</th><th></th></tr>${rows.join('')}</table>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
