import type { AppcDependency } from '../../appc-spec/image-manifest.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Session } from '../image/store.js';
import { type ReadAci, readAci, whitelistOf } from './read-aci.js';
import { fits } from './record.js';

/** An ACI in a file that nobody else can change. */
export interface FoundAci {
  file: string;
  /** Refuses one that may not be used; gives the fingerprint of the key that signed it, if that was verified. */
  accept(aci: ReadAci): Promise<string | undefined> | string | undefined;
}

export interface RenderedAci {
  /** Lowest first, itself last. */
  parts: ReadAci[];
  signedBy: string | undefined;
}

/** Finds the ACI of a dependency. */
export type Locate = (dependency: AppcDependency, what: string) => Promise<FoundAci>;

/** overlayfs takes 500 layers at most. */
const mostLayers = 500;
const deepest = 64;

/**
 * An ACI with all that it depends on, lowest first and itself last: each dependency with its own before it, in the order that they are listed
 * in, and one as often as it is depended on, since whoever depends on it may leave out other files each time (ace.md, "Filesystem Setup").
 */
export async function renderAci(
  session: Session,
  found: FoundAci,
  locate: Locate,
  what: string,
): Promise<RenderedAci> {
  const rendered: ReadAci[] = [];
  const add = async (
    { file, accept }: FoundAci,
    kept: ReadonlySet<string> | undefined,
    above: readonly ReadAci[],
  ): Promise<string | undefined> => {
    const about = above.length === 0 ? what : `${what}, dependency ${above.length}`;
    const aci = await readAci(session, file, kept, about);
    const signedBy = await accept(aci);
    if (above.some(({ id }) => id === aci.id)) throw refused(what, `${aci.manifest.name} depends on itself`);
    const own = whitelistOf(aci.manifest);
    const both = own === undefined || kept === undefined ? (own ?? kept) : intersection(own, kept);
    const path = [...above, aci];
    if (path.length > deepest) throw refused(what, `its dependencies are more than ${deepest} deep`);
    for (const dependency of aci.manifest.dependencies ?? []) {
      const part = await locate(dependency, `${what}, dependency ${dependency.imageName}`);
      const matching = (each: ReadAci) => {
        mustMatch(each, dependency, what);
        return part.accept(each);
      };
      await add({ file: part.file, accept: matching }, both, path);
    }
    rendered.push(aci);
    if (rendered.length > mostLayers)
      throw refused(what, `with its dependencies it has more than ${mostLayers} layers`);
    return signedBy;
  };
  const signedBy = await add(found, undefined, []);
  return { parts: rendered, signedBy };
}

/** aci.md, "Dependency Matching". */
export function mustMatch(
  { id, size, manifest }: ReadAci,
  dependency: AppcDependency,
  what: string,
  about = `${what}, dependency ${dependency.imageName}`,
): void {
  const { imageName, imageID, labels = [], size: stated } = dependency;
  const have = Object.fromEntries((manifest.labels ?? []).map(({ name, value }) => [name, value]));
  const wanted = Object.fromEntries(labels.map(({ name, value }) => [name, value]));
  if (!fits({ name: manifest.name, labels: have }, imageName, wanted)) {
    throw new BerthError('IMAGE_INVALID', {
      what: about,
      why: `what was found is ${manifest.name}, or has other labels than were asked for`,
    });
  }
  if (imageID !== undefined && imageID !== id) {
    throw new BerthError('IMAGE_CORRUPT', {
      what: about,
      why: `its image id should be ${imageID} and is ${id}`,
    });
  }
  if (stated !== undefined && stated !== size) {
    throw new BerthError('IMAGE_CORRUPT', {
      what: about,
      why: `it should have ${stated} bytes and has ${size}`,
    });
  }
}

function intersection(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a].filter((each) => b.has(each)));
}

function refused(what: string, why: string): BerthError {
  return new BerthError('IMAGE_HOSTILE', { what, why });
}
