import { type CodegenConfig, generate } from '@graphql-codegen/cli';

export interface TypedDocumentsRequest {
  /** The public API. */
  readonly schema: string;
  /** A glob. */
  readonly operations: string;
  /** Prefix of the paths of the result. */
  readonly folder: string;
}

interface Output {
  readonly filename: string;
  readonly content: string;
}

/**
 * Typed documents and the manifest of their texts by SHA-256 from operations, by the client preset: path → content.
 * Throws when an operation does not fit the schema or a scalar has no type.
 */
export async function typedDocuments(
  request: TypedDocumentsRequest,
): Promise<ReadonlyMap<string, string>> {
  const config: CodegenConfig = {
    schema: request.schema,
    documents: [request.operations],
    silent: true,
    noSilentErrors: true,
    generates: {
      [request.folder]: {
        preset: 'client',
        presetConfig: { fragmentMasking: false, persistedDocuments: true },
        config: {
          documentMode: 'string',
          strictScalars: true,
          scalars: {
            ID: 'string',
            DateTime: 'string',
            SafeInt: 'number',
            JSON: '../json.ts#Json',
          },
          enumsAsTypes: true,
          useTypeImports: true,
          importExtension: '.ts',
          emitLegacyCommonJSImports: false,
        },
      },
    },
  };
  const outputs = (await generate(config, false)) as readonly Output[];
  const files = new Map<string, string>();
  for (const { filename, content } of outputs) {
    const name = filename.slice(request.folder.length);
    // The others map texts of operations in sources to documents; here operations stand in files of their own.
    if (name === 'graphql.ts') files.set(filename, withoutPackage(content));
    if (name === 'persisted-documents.json') files.set(filename, `${content.trimEnd()}\n`);
  }
  return files;
}

const imported = "from '@graphql-typed-document-node/core'";

/** The client must compile where only its own dependency is installed. */
function withoutPackage(content: string): string {
  if (!content.includes(imported)) throw new Error(`The preset no longer writes ${imported}.`);
  return content.replace(imported, "from '../typed-document.ts'");
}
