import { BerthError } from '../../errors/berth-error.js';
import type { PackedEntry } from '../../native/index.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import { flag, list, map, type Of, object, type Shape, ShapeError, text } from '../../oci-spec/shape.js';

/** What an image is made of (docs/reference/image-recipe.md). */
export interface Recipe {
  /** References of images whose layers lie below, the lowest first; the configuration begins with the last one's. */
  from: string[];
  /** Lowest first. */
  layers: PackedEntry[][];
  settings: NonNullable<ImageConfig['config']>;
}

const mode = text({ pattern: /^[0-7]{3,4}$/, expected: 'a mode in octal digits: "0644"' });
const owner = text({
  pattern: /^\d{1,5}(:\d{1,5})?$/,
  expected: 'an owner in numbers: "1000" or "1000:1000"',
});
const imagePath = text({ pattern: /^\/.*$/s, expected: 'a path in the image, from its root' });

const entryShape = object(
  {},
  {
    copy: text(),
    to: imagePath,
    folder: imagePath,
    file: imagePath,
    text: text(),
    link: imagePath,
    target: text(),
    owner,
    mode,
    folder_mode: mode,
  },
);
type Entry = Of<typeof entryShape>;

const configShape = object(
  {},
  {
    user: text(),
    env: map(text()),
    entrypoint: list(text()),
    cmd: list(text()),
    workdir: text({ pattern: /^\//, expected: 'an absolute path' }),
    ports: list(
      text({ pattern: /^\d{1,5}\/(tcp|udp|sctp)$/, expected: 'a port with its protocol: "80/tcp"' }),
    ),
    volumes: list(imagePath),
    labels: map(text()),
    stop_signal: text(),
    /** Nothing of what the images below have set. */
    fresh: flag,
  },
);
type Config = Of<typeof configShape>;

const oneOrMore: Shape<string[]> = (value, at) =>
  typeof value === 'string' ? [text()(value, at)] : list(text(), 100)(value, at);

const recipeShape = object(
  { layers: list(list(entryShape, 100_000), 500) },
  { from: oneOrMore, config: configShape },
);

/** The kinds of entries: which members each must and may have. */
const kinds = [
  { kind: 'copy', must: ['copy', 'to'], may: ['owner', 'mode', 'folder_mode'] },
  { kind: 'folder', must: ['folder'], may: ['owner', 'mode'] },
  { kind: 'text', must: ['file', 'text'], may: ['owner', 'mode'] },
  { kind: 'link', must: ['link', 'target'], may: ['owner'] },
] as const;

/** Reads a recipe. `what` names it. */
export function readRecipe(content: string, what: string): Omit<Recipe, 'settings'> & { config: Config } {
  let value: unknown;
  try {
    value = JSON.parse(content);
    const recipe = recipeShape(value, '');
    mustKnow(value, Object.keys({ from: 0, layers: 0, config: 0 }), 'the recipe');
    mustKnow((value as { config?: unknown }).config ?? {}, Object.keys(allConfig), 'config');
    const layers = recipe.layers.map((entries, i) =>
      entries.map((entry, k) => packed(entry, (value as RawRecipe).layers[i]?.[k], `layers[${i}][${k}]`)),
    );
    return { from: recipe.from ?? [], layers, config: recipe.config ?? {} };
  } catch (error) {
    if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
    throw new BerthError('RECIPE_INVALID', { what, why: error.message, cause: error });
  }
}

interface RawRecipe {
  layers: unknown[][];
}

const allConfig: Record<keyof Config, true> = {
  ...{ user: true, env: true, entrypoint: true, cmd: true, workdir: true },
  ...{ ports: true, volumes: true, labels: true, stop_signal: true, fresh: true },
};

/** A member that nobody knows is a mistake in a recipe: it would have been meant to do something. */
function mustKnow(value: unknown, known: readonly string[], at: string): void {
  const stranger = Object.keys(value as object).find((key) => !known.includes(key));
  if (stranger !== undefined) throw new ShapeError(`${at}.${stranger}`, `one of ${known.join(', ')}`);
}

function packed(entry: Entry, raw: unknown, at: string): PackedEntry {
  const kind = kinds.find(({ must }) => must.every((member) => entry[member] !== undefined));
  if (kind === undefined) throw new ShapeError(at, 'copy and to, folder, file and text, or link and target');
  mustKnow(raw, [...kind.must, ...kind.may], at);
  const [uid = '0', gid = uid] = (entry.owner ?? '0').split(':');
  return {
    kind: kind.kind,
    to: cleanPath(entry.to ?? entry.folder ?? entry.file ?? entry.link ?? '', at),
    from: kind.kind === 'copy' ? cleanPath(entry.copy ?? '', at) : (entry.text ?? entry.target ?? ''),
    uid: idOf(uid, at),
    gid: idOf(gid, at),
    ...(entry.mode === undefined ? {} : { mode: Number.parseInt(entry.mode, 8) }),
    ...(entry.folder_mode === undefined ? {} : { folderMode: Number.parseInt(entry.folder_mode, 8) }),
  };
}

const mostIds = 65_536;

function idOf(digits: string, at: string): number {
  if (Number(digits) < mostIds) return Number(digits);
  throw new ShapeError(`${at}.owner`, `below ${mostIds}, as the ids of a container are`);
}

/** `a/b` of `/a//b/.`. */
function cleanPath(given: string, at: string): string {
  const parts = given.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new ShapeError(at, `without '..' in its paths`);
  if (parts.some((part) => part.startsWith('.wh.')))
    throw new ShapeError(at, 'free of names that begin with .wh.');
  return parts.join('/');
}

/** The settings that an image gets: those below, with what the recipe says. Variables and labels are added to, all else is replaced. */
export function settingsOf(config: Config, below: Recipe['settings']): Recipe['settings'] {
  const start = config.fresh === true ? {} : below;
  const named = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));
  const variables = new Map(
    (start.Env ?? []).map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
  );
  for (const [name, value] of Object.entries(config.env ?? {})) variables.set(name, value);
  return {
    ...start,
    ...(config.user === undefined ? {} : { User: config.user }),
    ...(variables.size === 0 ? {} : { Env: [...variables].map(([name, value]) => `${name}=${value}`) }),
    ...(config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint }),
    ...(config.cmd === undefined ? {} : { Cmd: config.cmd }),
    ...(config.workdir === undefined ? {} : { WorkingDir: config.workdir }),
    ...(config.ports === undefined ? {} : { ExposedPorts: named(config.ports) }),
    ...(config.volumes === undefined ? {} : { Volumes: named(config.volumes) }),
    ...(config.labels === undefined ? {} : { Labels: { ...start.Labels, ...config.labels } }),
    ...(config.stop_signal === undefined ? {} : { StopSignal: config.stop_signal }),
  };
}
