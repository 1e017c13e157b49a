import { fileURLToPath } from 'node:url';
import { agentSettings } from '../../agent/settings.js';
import { masterSettings } from '../../master-lite/settings.js';
import { fileSchema } from '../../settings/setting.js';
import { cliPage } from './cli-page.js';
import { configurationPage } from './configuration-page.js';
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
    { file: at('configuration.md'), content: configurationPage() },
    { file: at('agent.schema.json'), content: schemaPage(fileSchema(agentSettings)) },
    { file: at('master.schema.json'), content: schemaPage(fileSchema(masterSettings)) },
  ];
}

const schemaPage = (schema: object) => `${JSON.stringify(schema, undefined, 2)}\n`;
