import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import { places, type Roots } from '../../state/roots.js';
import { tellNamed } from '../events/tell.js';

/** `volume.json`. `format` counts incompatible changes. */
export interface VolumeDocument {
  format: 1;
  name: string;
  /** RFC 3339. */
  created_at: string;
  /** Made for one container, which gave it no name. */
  anonymous: boolean;
  labels: Record<string, string>;
}

export interface Volume {
  document: VolumeDocument;
  /** The folder that containers see. */
  data: string;
}

/** What is being made; it becomes a volume by getting its name. */
const unfinished = '.new-';

export function volumeFolder(roots: Roots, name: string): string {
  return path.join(places.volumes(roots), name);
}

export function volumeData(roots: Roots, name: string): string {
  return path.join(volumeFolder(roots, name), 'data');
}

export function isVolumeName(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(text);
}

/** Makes a volume: whole, or not at all. False: there is one of that name already. */
export function createVolume(
  roots: Roots,
  name: string,
  { anonymous = false, labels = {} }: { anonymous?: boolean; labels?: Record<string, string> } = {},
): boolean {
  if (!isVolumeName(name)) {
    throw new BerthError('USAGE', {
      what: `volume ${name}`,
      why: 'a name has 1 to 128 letters, digits, dots, dashes and underscores, and starts with a letter or digit',
    });
  }
  // The way to what belongs to users of containers is root's alone.
  mkdirSync(places.volumes(roots), { recursive: true, mode: 0o700 });
  const document: VolumeDocument = {
    format: 1,
    name,
    created_at: new Date().toISOString(),
    anonymous,
    labels,
  };
  const fresh = path.join(places.volumes(roots), `${unfinished}${randomBytes(6).toString('hex')}`);
  mkdirSync(fresh, { mode: 0o700 });
  try {
    mkdirSync(path.join(fresh, 'data'), { mode: 0o755 });
    writeWhole(path.join(fresh, 'volume.json'), JSON.stringify(document));
    renameSync(fresh, volumeFolder(roots, name));
    tellNamed(roots, 'volume', name, 'create');
    return true;
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined: there is none of that name. */
export function readVolume(roots: Roots, name: string): Volume | undefined {
  if (!isVolumeName(name)) return undefined;
  const document = readDocument<VolumeDocument>(path.join(volumeFolder(roots, name), 'volume.json'), 1);
  return document === undefined ? undefined : { document, data: volumeData(roots, name) };
}

export function findVolume(roots: Roots, name: string): Volume {
  const volume = readVolume(roots, name);
  if (volume !== undefined) return volume;
  throw new BerthError('VOLUME_NOT_FOUND', {
    what: `volume ${name}`,
    why: 'no volume has that name',
    mend: 'See berth volume ls.',
  });
}

/** Every volume by name. */
export function listVolumes(roots: Roots): Volume[] {
  return namesIn(places.volumes(roots))
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => readVolume(roots, name))
    .filter((volume) => volume !== undefined);
}

/** Takes a volume away with all that is in it; nobody may use it or be about to. Renames first, so that a crash half-way leaves only trash. */
export function discardVolume(roots: Roots, name: string): void {
  mkdirSync(places.trash(roots), { recursive: true, mode: 0o700 });
  const trash = path.join(places.trash(roots), `volume-${name}-${randomBytes(4).toString('hex')}`);
  try {
    renameSync(volumeFolder(roots, name), trash);
    tellNamed(roots, 'volume', name, 'destroy');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  rmSync(trash, { recursive: true, force: true });
}

/** Removes what makers and removers of volumes left that were killed, supervisors among them; nobody may be making one. */
export function removeVolumeDebris(roots: Roots): void {
  for (const name of namesIn(places.volumes(roots))) {
    if (name.startsWith(unfinished) || !existsSync(path.join(volumeFolder(roots, name), 'volume.json')))
      rmSync(volumeFolder(roots, name), { recursive: true, force: true });
  }
  for (const name of namesIn(places.trash(roots))) {
    if (name.startsWith('volume-'))
      rmSync(path.join(places.trash(roots), name), { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
