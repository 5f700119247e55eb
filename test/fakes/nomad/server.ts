export interface FakeNomadOptions { folder: string; gpu: object }
export class FakeNomad {
  url = ''; token = '';
  static async start(_: object): Promise<FakeNomad> { return new FakeNomad(); }
  job(_: string): unknown { return null; }
  occupyAll(): () => void { return () => {}; }
  listing(): string { return ''; }
  async close(): Promise<void> {}
}
