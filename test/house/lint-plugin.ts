// Rules of this house for oxlint: they see what its own rules do not, the folder a path leads to.
import { dirname, relative, resolve, sep } from 'node:path';
import { mayReadEnvironment, refusal } from './layers.ts';

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Context {
  readonly filename: string;
  report(finding: { node: Node; message: string }): void;
}

type Visitor = Record<string, (node: Node) => void>;

const root = resolve(import.meta.dirname, '..', '..');

/** Imports follow the table in `layers.ts`, types and dynamic imports included. */
const layersRule = {
  create(context: Context): Visitor {
    const file = pathFromRoot(context.filename);
    const judge = (node: Node, specifier: unknown): void => {
      const reason =
        typeof specifier === 'string' ? judgement(file, specifier) : unknownTarget(file);
      if (reason !== undefined) context.report({ node, message: reason });
    };
    const judgeSource = (node: Node): void => {
      if (isNode(node['source'])) judge(node, node['source']['value']);
    };
    return {
      ImportDeclaration: judgeSource,
      ExportNamedDeclaration: judgeSource,
      ExportAllDeclaration: judgeSource,
      ImportExpression: judgeSource,
      TSImportType: judgeSource,
      CallExpression(node) {
        const callee = node['callee'];
        const [first] = Array.isArray(node['arguments'])
          ? (node['arguments'] as readonly unknown[])
          : [];
        if (isNamed(callee, 'require') && isNode(first)) judge(node, first['value']);
      },
    };
  },
};

/** `process.env`, by whatever road, is for the configuration alone. */
const environmentRule = {
  create(context: Context): Visitor {
    if (mayReadEnvironment(pathFromRoot(context.filename))) return {};
    const message =
      'only server/config.ts reads the environment: take the value from the configuration';
    return {
      MemberExpression(node) {
        const property = node['property'];
        const isEnv = isNamed(property, 'env') || (isNode(property) && property['value'] === 'env');
        if (isEnv && isProcess(node['object'])) context.report({ node, message });
      },
      VariableDeclarator(node) {
        const pattern = node['id'];
        if (!isProcess(node['init']) || !isNode(pattern) || pattern.type !== 'ObjectPattern')
          return;
        context.report({ node, message });
      },
      ImportDeclaration(node) {
        const source = node['source'];
        if (!isNode(source) || !/^(node:)?process$/.test(String(source['value']))) return;
        const specifiers = node['specifiers'] as readonly Node[];
        // `import process from` is seen by the rule above; any other way in would hide the variable.
        const isPlain = (part: Node): boolean =>
          part.type === 'ImportSpecifier'
            ? !isNamed(part['imported'], 'env') && !isNamed(part['imported'], 'default')
            : part.type === 'ImportDefaultSpecifier' && isNamed(part['local'], 'process');
        if (!specifiers.every(isPlain)) context.report({ node, message });
      },
    };
  },
};

function judgement(file: string, specifier: string): string | undefined {
  const isRelative = specifier === '.' || specifier === '..' || /^\.\.?\//.test(specifier);
  if (!isRelative && /^(\/|file:|#)/.test(specifier))
    return `write "${specifier}" as a relative path`;
  if (!isRelative) return refusal(file, specifier, true);
  const target = pathFromRoot(resolve(root, dirname(file), specifier));
  // A path into node_modules is a package by another name.
  if (target.startsWith('node_modules/')) return refusal(file, target, true);
  return refusal(file, target, false);
}

/** The bundler cannot follow such an import either; a module server loads what it is given. */
function unknownTarget(file: string): string | undefined {
  const mayLoad = /^(modules|test|bench)\/|^server\/launch\.mjs$/.test(file);
  return mayLoad ? undefined : 'an import needs a literal path, so that tools can follow it';
}

function isProcess(node: unknown): boolean {
  if (!isNode(node)) return false;
  return (
    isNamed(node, 'process') ||
    (node.type === 'MemberExpression' && isNamed(node['property'], 'process'))
  );
}

function isNamed(node: unknown, name: string): boolean {
  return isNode(node) && node.type === 'Identifier' && node['name'] === name;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function pathFromRoot(path: string): string {
  return relative(root, path).split(sep).join('/');
}

// oxlint loads a plugin by its default export.
export default {
  meta: { name: 'house' },
  rules: { layers: layersRule, environment: environmentRule },
};
