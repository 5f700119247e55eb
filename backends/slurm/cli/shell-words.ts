/** One word of a POSIX shell that means exactly `text`, whatever it holds (a NUL cannot be said). */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_/.,:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function shellCommand(argv: readonly string[]): string {
  return argv.map(shellWord).join(' ');
}
