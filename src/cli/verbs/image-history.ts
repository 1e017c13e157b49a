import { imageHistory } from '../../containerizer/image/history.js';
import { megabytes } from '../image-progress.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

const widest = 60;

export const verb: Verb = {
  summary: 'Show how an image came to be, newest first',
  example: 'berth image history debian:bookworm',
  declare(command) {
    command
      .argument('<image>', 'a name or id')
      .option('--no-trunc', 'show commands in full')
      .option('-q, --quiet', 'the diff ids of the layers alone');
  },
  run(context, [reference = ''], { trunc, quiet }) {
    const history = imageHistory(context.roots, reference);
    if (context.json) {
      const told = history.map((step) => ({
        diff_id: step.diffId ?? null,
        created: step.created ?? null,
        created_by: step.createdBy,
        author: step.author,
        comment: step.comment,
        size: step.size,
      }));
      context.out(`${JSON.stringify({ history: told })}\n`);
      return 0;
    }
    if (quiet === true) {
      context.out(history.flatMap(({ diffId }) => (diffId === undefined ? [] : [`${diffId}\n`])).join(''));
      return 0;
    }
    const rows = history.map((step) => [
      step.diffId?.slice(7, 19) ?? '-',
      step.created?.slice(0, 19).replace('T', ' ') ?? '-',
      trunc === false ? step.createdBy : shortened(step.createdBy),
      megabytes(step.size),
      step.comment,
    ]);
    context.out(table(columns, rows));
    return 0;
  },
};

const columns: Column[] = [
  { header: 'LAYER' },
  { header: 'CREATED' },
  { header: 'CREATED BY' },
  { header: 'SIZE', align: 'right' },
  { header: 'COMMENT' },
];

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= widest ? text : `${characters.slice(0, widest - 1).join('')}…`;
}
