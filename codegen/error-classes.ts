import { type ErrorCode, errorTable } from '../domain/errors.ts';

/** TypeScript: one subclass of `FathomApiError` for each code of the error table, and the table code → class. */
export function errorClasses(): string {
  const codes = Object.keys(errorTable) as ErrorCode[];
  const classes = codes.map(
    (code) => `
/** ${errorTable[code].text}${errorTable[code].retryable ? ' Trying again may help.' : ''} */
export class ${className(code)} extends FathomApiError {
  declare readonly code: '${code}';
}`,
  );
  return `/* Written by \`npm run codegen\` from the error table. */
import { FathomApiError } from '../errors.ts';
${classes.join('\n')}

export const errorClasses = {
${codes.map((code) => `  ${code}: ${className(code)},`).join('\n')}
} as const;

/** Every code that this client knows. */
export type ErrorCode = keyof typeof errorClasses;
`;
}

function className(code: ErrorCode): string {
  const words = code.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase());
  return `${words.join('')}Error`;
}
