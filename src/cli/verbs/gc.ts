import { collectGarbage } from '../../containerizer/garbage/collect.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Find what was leaked (state, cgroups, ports, bridges, names) and heal it',
  example: 'berth gc --dry-run',
  declare(command) {
    command.option('--dry-run', 'only show what would be done');
  },
  async run({ roots, json, out, note }, _arguments, { dryRun }) {
    const leaks = await collectGarbage(roots, { dryRun: dryRun === true });
    if (json) {
      out(`${JSON.stringify({ dry_run: dryRun === true, leaks })}\n`);
    } else if (leaks.length === 0) {
      note('nothing is leaked');
    } else {
      const rows = leaks.map(({ kind, name, detail, healed }) => [
        kind,
        dryRun === true ? 'found' : healed ? 'healed' : 'still there',
        name,
        detail,
      ]);
      out(table(columns, rows));
    }
    return 0;
  },
};

const columns: Column[] = [{ header: 'KIND' }, { header: 'OUTCOME' }, { header: 'NAME' }, { header: 'WHY' }];
