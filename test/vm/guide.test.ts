// docs/guides/cluster.md, typed line by line: each prints what the page says, but for ids and figures.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unlessRoot } from '../container/stage.js';
import { projectFolder } from '../source-files.js';
import { Hosts } from './hosts.js';

interface Step {
  /** 0: this host. */
  hosts: number[];
  command: string;
  prints: string[];
}

/** What is typed in the page's sessions, and what is printed then. */
function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, session = ''] of page.matchAll(/```console\n(.*?)```/gs)) {
    let open: string | undefined;
    for (const line of session.trimEnd().split('\n')) {
      const [, where, command = ''] = /^((?:vm\d,?)+|host)# (.*)$/.exec(line) ?? [];
      const step = steps.at(-1);
      if (open !== undefined && step !== undefined) {
        step.command += `\n${line}`;
        if (line === open) open = undefined;
      } else if (where === undefined) step?.prints.push(line);
      else {
        const hosts = where === 'host' ? [0] : where.split(',').map((name) => Number(name.slice(2)));
        steps.push({ hosts, command, prints: [] });
        open = /<<'(\w+)'/.exec(command)?.[1];
      }
    }
  }
  return steps;
}

/** Without ids and figures, in an order of its own. */
function alike(lines: string[]): string[] {
  return lines
    .map((line) =>
      line
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
        .replace(/sha256:[0-9a-f]{64}|\b[0-9a-f]{12}\b/g, 'DIGEST')
        .replace(/(^|\s)(<?[\d.]+[%BKMGs]?|-)(?=\s|$)/g, ' N')
        .replace(/(^|\s)(<?[\d.]+[%BKMGs]?|-)(?=\s|$)/g, ' N')
        .replace(/\d+(\.\d+)?[MK]?/g, 'N')
        .replace(/sleeping/g, 'running')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .sort();
}

t.test('the guide to a cluster', unlessRoot, async (t) => {
  const folder = `/var/tmp/berth-test-guide-${process.pid}`;
  process.env.PATH = `${path.join(projectFolder, 'bin')}:${process.env.PATH}`;
  process.env.BERTH_ROOT = '/var/tmp/berth';
  delete process.env.BERTH_STATE;
  const hosts = new Hosts(folder);
  t.teardown(() => {
    hosts.cluster('down');
    rmSync(folder, { recursive: true, force: true });
  });
  const steps = stepsOf(readFileSync(path.join(projectFolder, 'docs/guides/cluster.md'), 'utf8'));
  t.ok(steps.length > 20, `${steps.length} steps`);
  let environment = ':';
  for (const { hosts: where, command, prints } of steps) {
    const [words = ''] = command.split('\n');
    if (where[0] === 0) {
      const verb = /^\.\/dev cluster (.*)$/.exec(command)?.[1];
      if (verb !== undefined) hosts.cluster(...verb.split(' '));
      continue;
    }
    if (command.startsWith('export ')) environment = command;
    // What is under way may take its time; what has an effect is typed once.
    const looks = /^(berth (node|task) (ls|logs)|berth ps|cat )/.test(command) && prints.length > 0;
    for (const host of where) {
      let printed: string[] = [];
      const type = () => {
        const said = hosts.attempt(['run', String(host), '--', 'bash', '-c', `${environment}\n${command}`]);
        printed = said.stdout.split('\n').filter((line) => line !== '');
        return said.status === 0 && JSON.stringify(alike(printed)) === JSON.stringify(alike(prints));
      };
      if (!type() && looks) await hosts.until(words, type).catch(() => {});
      t.strictSame(alike(printed), alike(prints), `vm${host}# ${words}: ${printed.join('\n')}`);
    }
  }
});
