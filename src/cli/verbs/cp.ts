import { isatty } from 'node:tty';
import { copyFiles } from '../../containerizer/container/copy.js';
import { parseCopySide } from '../../containerizer/container/copy-paths.js';
import { copyNotes, copyProgress, copySummary } from '../copy-progress.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Copy files between a container and the host',
  example: 'berth cp web:/etc/nginx/. ./nginx',
  declare(command) {
    command
      .argument('<source>', 'CONTAINER:PATH, a path of the host, or - for a tar archive on stdin')
      .argument('<target>', 'the same; - writes a tar archive to stdout')
      .option('-a, --archive', 'keep owners, set-id bits and every attribute')
      .option('-L, --follow-link', 'copy what a link as source leads to, not the link')
      .option('-q, --quiet', 'no progress');
  },
  async run(context, [source = '', target = ''], { archive, followLink, quiet }) {
    const from = parseCopySide(source);
    const to = parseCopySide(target);
    if (to.kind === 'stream' && isatty(1)) {
      throw usageError('cp', 'standard output is a terminal', 'Send it to a file or pipe.');
    }
    if (from.kind === 'stream' && isatty(0)) {
      throw usageError('cp', 'standard input is a terminal', 'Take it from a file or pipe.');
    }
    const progress = copyProgress(quiet === true || !process.stderr.isTTY);
    const counts = await copyFiles(context.roots, from, to, {
      archive: archive === true,
      followLink: followLink === true,
      onProgress: progress.show,
    }).finally(progress.clear);
    for (const note of copyNotes(counts)) context.note(`berth: warning: ${note}`);
    if (to.kind === 'stream') return 0;
    if (context.json) context.out(`${JSON.stringify({ source, target, ...counts })}\n`);
    else if (quiet !== true && process.stderr.isTTY) context.note(copySummary(counts, target));
    return 0;
  },
};
