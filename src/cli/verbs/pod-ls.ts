import { shownState } from '../../containerizer/container/catalogue.js';
import { listPods } from '../../containerizer/pod/pods.js';
import { podJson } from '../pod-view.js';
import { report } from '../report.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List the pods that run, with their apps',
  example: 'berth pod ls -a',
  declare(command) {
    command.option('-a, --all', 'also those that have ended').option('-q, --quiet', 'only uuids');
  },
  run({ roots, json, out }, _args, { all, quiet }) {
    const pods = listPods(roots, (damage) => report(damage, 'pod ls')).filter(
      ({ state }) => all === true || state !== 'exited',
    );
    if (json) out(`${JSON.stringify({ pods: pods.map(podJson) })}\n`);
    else if (quiet === true) out(pods.map(({ uuid }) => `${uuid}\n`).join(''));
    else {
      const rows = pods.map(({ uuid, name, state, createdAt, apps }) => [
        ...[uuid, name, state, createdAt.slice(0, 19).replace('T', ' ')],
        apps.map((app) => `${app.document.pod?.app} (${told(app)})`).join(', ') || '-',
      ]);
      out(table(columns, rows));
    }
    return 0;
  },
};

function told(app: Parameters<typeof shownState>[0] & { exit: { status: number } | undefined }): string {
  return app.exit === undefined ? shownState(app) : `${shownState(app)} ${app.exit.status}`;
}

const columns: Column[] = [
  { header: 'UUID' },
  { header: 'NAME' },
  { header: 'STATE' },
  { header: 'CREATED' },
  { header: 'APPS' },
];
