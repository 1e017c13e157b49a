import { type HistoryEntry, imageHistory } from '../../containerizer/image/history.js';
import { dockerHistory, type StepTold, shortened } from '../format/docker-history.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { megabytes } from '../image-progress.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show how an image came to be, newest first',
  example: 'berth image history debian:bookworm',
  declare(command) {
    command
      .argument('<image>', 'a name or id')
      .option('--no-trunc', 'show commands in full')
      .option('-q, --quiet', 'the diff ids of the layers alone')
      .addOption(formatFlag());
  },
  run(context, [reference = ''], given) {
    const { trunc, quiet, format } = given as { trunc: boolean; quiet?: true; format?: Format };
    const history = imageHistory(context.roots, reference).map(stepJson);
    if (context.json || format === 'json') {
      context.out(`${JSON.stringify({ history })}\n`);
      return 0;
    }
    if (format !== undefined) {
      context.out(
        formatted(
          format,
          history.map((step) => dockerHistory(step, trunc)),
        ),
      );
      return 0;
    }
    if (quiet === true) {
      context.out(history.flatMap(({ diff_id: id }) => (id === null ? [] : [`${id}\n`])).join(''));
      return 0;
    }
    const rows = history.map((step) => [
      step.diff_id?.slice(7, 19) ?? '-',
      step.created?.slice(0, 19).replace('T', ' ') ?? '-',
      trunc ? shortened(step.created_by) : step.created_by,
      megabytes(step.size),
      step.comment,
    ]);
    context.out(table(columns, rows));
    return 0;
  },
};

function stepJson({ diffId, created, createdBy, author, comment, size }: HistoryEntry): StepTold {
  return {
    diff_id: diffId ?? null,
    created: created ?? null,
    created_by: createdBy,
    author,
    comment,
    size,
  };
}

const columns: Column[] = [
  { header: 'LAYER' },
  { header: 'CREATED' },
  { header: 'CREATED BY' },
  { header: 'SIZE', align: 'right' },
  { header: 'COMMENT' },
];
