import { systemActor } from '../domain/actor.ts';
import type { Datasets } from '../services/datasets/datasets.ts';
import type { ModuleCatalogue } from '../services/modules/module-catalogue.ts';

/** Fills the catalogue and, once, registers the reference data sets that the modules bring along. */
export async function seed(
  modules: ModuleCatalogue,
  datasets: Datasets,
  withData: boolean,
): Promise<void> {
  await modules.refresh(systemActor);
  if (!withData) return;
  // Imported when needed: decoding them costs memory that a running server has no use for.
  const references = await Promise.all([
    import('../modules/data/digits.ts'),
    import('../modules/data/fashion.ts'),
    import('../modules/data/iris.ts'),
  ]);
  for (const reference of references) {
    const { name, title, licence, source, format, target, files } = reference;
    await datasets.seedDataset({
      name,
      title,
      licence,
      description: `Source: ${source}.`,
      format,
      target,
      files: () => files(),
    });
  }
}
