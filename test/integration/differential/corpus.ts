import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type DocumentNode,
  Kind,
  OperationTypeNode,
  parse,
  print,
  separateOperations,
} from 'graphql';

const root = resolve(import.meta.dirname, '..', '..', '..');

export interface CorpusOperation {
  readonly name: string;
  readonly query: string;
  readonly root: 'Query' | 'Mutation' | 'Subscription';
  /** Names of the variables that it declares. */
  readonly variables: readonly string[];
  readonly rootFields: readonly string[];
}

/** Every operation of `corpus/`; its variables are named for what they stand for. */
export function corpusOperations(): Promise<readonly CorpusOperation[]> {
  return operationsIn(join(import.meta.dirname, 'corpus'));
}

/** Every operation that the generated client has; fragments are shared among its files. */
export function clientOperations(): Promise<readonly CorpusOperation[]> {
  return operationsIn(join(root, 'codegen', 'operations'));
}

/** `Query.module` for each field of the three roots of the API. */
export async function rootFieldsOfTheApi(): Promise<readonly string[]> {
  const path = join(root, 'schema', 'snapshots', 'api.graphql');
  const names: ReadonlySet<string> = new Set(Object.values(roots));
  return parse(await readFile(path, 'utf8')).definitions.flatMap((definition) =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION && names.has(definition.name.value)
      ? (definition.fields ?? []).map((field) => `${definition.name.value}.${field.name.value}`)
      : [],
  );
}

const roots = {
  [OperationTypeNode.QUERY]: 'Query',
  [OperationTypeNode.MUTATION]: 'Mutation',
  [OperationTypeNode.SUBSCRIPTION]: 'Subscription',
} as const;

async function operationsIn(folder: string): Promise<readonly CorpusOperation[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.graphql')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const separate = separateOperations(parse(texts.join('\n')));
  return Object.entries(separate).map(([name, document]) => operationOf(name, document));
}

function operationOf(name: string, document: DocumentNode): CorpusOperation {
  const operation = document.definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) throw new Error(`${name} has no operation.`);
  const parent = roots[operation.operation];
  return {
    name,
    query: print(document),
    root: parent,
    variables: (operation.variableDefinitions ?? []).map((one) => one.variable.name.value),
    rootFields: operation.selectionSet.selections.flatMap((one) =>
      one.kind === Kind.FIELD ? [`${parent}.${one.name.value}`] : [],
    ),
  };
}
