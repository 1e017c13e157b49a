import { BerthError } from '../../errors/berth-error.js';

/**
 * Which of the tags of a layout or an archive is meant. They may be bare (`latest`) or whole names (`localhost/web:latest`); either is
 * found by the other's wording if only one fits. Undefined: it has none, and none was asked for.
 */
export function chooseTag(
  tags: readonly string[],
  wanted: string | undefined,
  what: string,
): string | undefined {
  if (wanted === undefined && tags.length <= 1) return tags[0];
  const exact = tags.find((tag) => tag === (wanted ?? 'latest'));
  if (exact !== undefined) return exact;
  const asked = wanted ?? 'latest';
  const fitting = tags.filter(
    (tag) => tag.endsWith(`:${asked}`) || tag.endsWith(`/${asked}`) || tag === `${asked}:latest`,
  );
  const [only, ...more] = fitting;
  if (only !== undefined && more.length === 0) return only;
  throw new BerthError('IMAGE_NOT_FOUND', {
    what,
    why:
      wanted === undefined
        ? 'it has several images and none is tagged latest'
        : `it has ${more.length > 0 ? 'several images' : 'no image'} tagged ${wanted}`,
    mend:
      tags.length === 0 ? 'It has no tags: leave the tag out.' : `It has: ${tags.slice(0, 20).join(', ')}.`,
  });
}
