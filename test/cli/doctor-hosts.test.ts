// What doctor says of known hosts, to the letter. TAP_SNAPSHOT=1 writes what is expected anew.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { forPeople, statusOf } from '../../src/cli/verbs/doctor.js';
import { examineHost } from '../../src/containerizer/host/examine.js';
import { defaultRoots } from '../../src/state/roots.js';
import { hosts, viewOf } from '../fixtures/hosts.js';
import { projectFolder } from '../source-files.js';

const statuses = {
  hybrid: 0,
  'v2 with systemd': 0,
  'v2 without systemd': 0,
  'v2 without delegation': 1,
} as const;

function expected(file: string, found: string): string {
  const place = path.join(projectFolder, 'test/fixtures/doctor', file);
  if (process.env.TAP_SNAPSHOT === '1') writeFileSync(place, found);
  return readFileSync(place, 'utf8');
}

for (const [name, status] of Object.entries(statuses)) {
  t.test(name, async (t) => {
    const report = await examineHost(defaultRoots, viewOf(hosts[name as keyof typeof statuses]));
    const file = name.replaceAll(' ', '-');
    t.equal(statusOf(report), status);
    t.equal(forPeople(report), expected(`${file}.txt`, forPeople(report)));
    const document = `${JSON.stringify(report, null, 2)}\n`;
    t.strictSame(report, JSON.parse(expected(`${file}.json`, document)));
    for (const check of report.checks) {
      if (check.status === 'missing') t.type(check.mend, 'string', `${check.name}: a lack has its mend`);
      if (check.mend !== null) t.match(check.mend, /^[A-Z][^\n]*\.$/, 'one sentence');
    }
  });
}
