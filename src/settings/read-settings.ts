import { readFileSync, statSync } from 'node:fs';
import { BerthError } from '../errors/berth-error.js';
import { parseCommented } from './comments.js';
import { misfit, type Schema } from './schema.js';
import { type Setting, type Settings, variableOf } from './setting.js';

/** Reads a configuration file. One with secrets must be its owner's alone; what is not understood is refused, not passed over. */
export function readSettings<Config>(file: string, settings: Settings<Config>): Partial<Config> {
  const refuse = (why: string, mend?: string) =>
    new BerthError('USAGE', { what: `--config ${file}`, why, ...(mend !== undefined && { mend }) });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  return settingsOf(text, settings, refuse, () => statSync(file).mode, `Run chmod 600 ${file}.`);
}

/** The same of its text. `modeOf`: of the file that it is in. */
export function settingsOf<Config>(
  text: string,
  settings: Settings<Config>,
  refuse: (why: string, mend?: string) => BerthError,
  modeOf: () => number,
  mend: string,
): Partial<Config> {
  const document = parsed(text, refuse);
  const result: Partial<Config> = {};
  for (const [name, value] of Object.entries(document)) {
    if (name === '$schema') continue;
    const setting = settings.members.find((each) => each.name === name);
    if (setting === undefined)
      throw refuse(`there is no member ${JSON.stringify(name)}`, nearest(name, settings));
    const found = misfit(setting.schema, value, name);
    if (found !== undefined) throw refuse(`${found.path} must be ${found.wanted}`);
    if (setting.secret === true && (modeOf() & 0o077) !== 0)
      throw refuse(`it holds ${name}, and others can read it`, mend);
    Object.assign(result, setting.take(value));
  }
  return result;
}

function parsed(text: string, refuse: (why: string) => BerthError): object {
  let document: unknown;
  try {
    document = parseCommented(text);
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document;
  throw refuse('it is not a JSON object');
}

/** All that there are, since a name is soon misspelled. */
function nearest<Config>(name: string, { members }: Settings<Config>): string {
  const like = members.filter((each) => each.name.startsWith(name.slice(0, 3))).map((each) => each.name);
  return `There ${like.length > 0 ? `is ${like.join(', ')}; and there ` : ''}are ${members.map((each) => each.name).join(', ')}.`;
}

/** What the environment says of a daemon. */
export function environmentSettings<Config>(
  settings: Settings<Config>,
  environment: NodeJS.ProcessEnv,
): Partial<Config> {
  const result: Partial<Config> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !name.startsWith(settings.prefix) || settings.foreign.includes(name)) continue;
    const refuse = (why: string, mend?: string) =>
      new BerthError('USAGE', { what: name, why, ...(mend !== undefined && { mend }) });
    const setting = settings.members.find((each) => variableOf(settings, each) === name);
    if (setting === undefined)
      throw refuse(
        `berth ${settings.daemon} knows no such variable`,
        `It knows ${inEnvironment(settings).join(', ')}.`,
      );
    if (setting.secret === true)
      throw refuse(
        'a secret does not belong into the environment',
        `Write ${setting.name} into the file of --config.`,
      );
    const value = readText(setting.schema, text);
    if (misfit(setting.schema, value) !== undefined)
      throw refuse(`${JSON.stringify(text)} is not ${setting.schema.description}`);
    Object.assign(result, setting.take(value));
  }
  return result;
}

const inEnvironment = <Config>(settings: Settings<Config>) =>
  settings.members.filter(readable).map((each) => variableOf(settings, each));

const readable = <Config>({ secret }: Setting<Config>) => secret !== true;

/** Numbers and truths as JSON has them, lists with commas. */
function readText({ type }: Schema, text: string): unknown {
  if (type === 'array') return text === '' ? [] : text.split(',').map((each) => each.trim());
  if (type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    // It fits nothing then, and is refused as it was given.
    return undefined;
  }
}
