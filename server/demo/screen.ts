/** Where the demo speaks: lines for everybody, and on a terminal one more line that is drawn again and again. */
export class Screen {
  readonly #output: { readonly isTTY?: boolean; write(text: string): unknown };
  #drawn = false;

  constructor(output: { readonly isTTY?: boolean; write(text: string): unknown }) {
    this.#output = output;
  }

  heading(text: string): void {
    this.line(`\n${text}`);
  }

  line(text: string): void {
    this.#clear();
    this.#output.write(`${text}\n`);
  }

  /** `share` from 0 to 1. Draws nothing where the output is no terminal. */
  bar(share: number, text: string): void {
    if (this.#output.isTTY !== true) return;
    const width = 30;
    const full = Math.round(Math.min(1, Math.max(0, share)) * width);
    this.#clear();
    this.#output.write(`  ${'█'.repeat(full)}${'░'.repeat(width - full)} ${text}`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) this.#output.write('\r\u001b[2K');
    this.#drawn = false;
  }
}
