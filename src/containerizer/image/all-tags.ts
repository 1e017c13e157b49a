import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { readNames } from './names.js';
import { parseReference } from './reference.js';

/** Every tag that the store has of a name, and what each is called at `destination`, by default the same. */
export function allTags(
  roots: Roots,
  name: string,
  destination: string = name,
): { image: string; to: string }[] {
  const what = `image ${name}`;
  const [own, other] = [repositoryOf(name, what), repositoryOf(destination, `destination ${destination}`)];
  const found = Object.keys(readNames(roots).images)
    .filter((key) => key.startsWith(`${own}:`) && !key.slice(own.length + 1).includes('/'))
    .sort()
    .map((key) => ({ image: key, to: `${other}${key.slice(own.length)}` }));
  if (found.length > 0) return found;
  throw new BerthError('IMAGE_NOT_FOUND', {
    what,
    why: 'the store has no tag of it',
    mend: 'See berth image ls.',
  });
}

function repositoryOf(text: string, what: string): string {
  const parsed = parseReference(text);
  if (parsed.kind === 'stored' && parsed.digest === undefined && !/:[^/]*$/.test(text)) return parsed.name;
  throw new BerthError('REFERENCE_INVALID', {
    what,
    why: 'with --all-tags it is a name alone',
    mend: 'Leave out the tag.',
  });
}
