import { fileURLToPath } from 'node:url';
import { cliPage } from './cli-page.js';
import { errorsPage } from './errors-page.js';

export interface Page {
  /** Absolute. */
  file: string;
  content: string;
}

/** The pages of the manual that are generated. */
export async function generatedPages(): Promise<Page[]> {
  const at = (name: string) => fileURLToPath(new URL(`../../../../docs/reference/${name}`, import.meta.url));
  return [
    { file: at('cli.md'), content: await cliPage() },
    { file: at('errors.md'), content: errorsPage() },
  ];
}
