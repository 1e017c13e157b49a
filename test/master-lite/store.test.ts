import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { masterState } from '../../src/master-lite/master.js';
import { EmbeddedStore } from '../../src/state/store/embedded-store.js';
import type { OpenStore, Store } from '../../src/state/store/store.js';
import { bareNode } from '../cli/berth.js';
import { unlessRoot } from '../container/stage.js';
import { type Test, until } from './staged-master.js';

const failing = {
  owner: masterState,
  onFailure: (error: Error) => t.fail(`the store failed: ${error.message}`),
  onDefect: (error: unknown) => t.fail(`a callback has thrown: ${String(error)}`),
};
const flushed = (store: Store) => new Promise<void>((resolve) => store.flushed(resolve));

/** What every kind of store must do. `make` gives a way to open the same store again and again. */
function contract(name: string, make: (t: Test) => OpenStore): void {
  t.test(`${name}: what was put is there, what was deleted is not`, async (t) => {
    const open = make(t);
    const store = await open(failing);
    store.put('task', 'a/1', { text: 'Zürich "\n' });
    store.put('task', 'a/2', 1);
    store.put('task', 'a/2', 2);
    store.put('gone', 'x', {});
    store.delete('gone', 'x');
    store.delete('gone', 'never');
    t.strictSame([...store.recovered().keys()], ['task/a/1', 'task/a/2']);
    await store.close();
    const again = await open(failing);
    t.strictSame(
      [...again.recovered()],
      [
        ['task/a/1', { text: 'Zürich "\n' }],
        ['task/a/2', 2],
      ],
    );
    await again.close();
  });

  t.test(`${name}: calls come back in order, once all before them is durable`, async (t) => {
    const store = await make(t)(failing);
    const order: number[] = [];
    store.put('a', '1', 1);
    store.flushed(() => {
      order.push(1);
      store.put('a', '2', 2);
      store.flushed(() => order.push(3));
    });
    store.flushed(() => order.push(2));
    await flushed(store);
    while (order.length < 3) await flushed(store);
    t.strictSame(order, [1, 2, 3]);
    await store.close();
  });

  t.test(`${name}: one writer at a time`, async (t) => {
    const open = make(t);
    const store = await open(failing);
    await t.rejects(open(failing), { code: 'MASTER_STATE' });
    await store.close();
    await (await open(failing)).close();
  });

  t.test(`${name}: any history comes back`, async (t) => {
    const change = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.option(fc.json(), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 4 }), async (sessions) => {
        const open = make(t);
        const expected = new Map<string, unknown>();
        for (const changes of sessions) {
          const store = await open(failing);
          for (const { key, value } of changes) {
            if (value === undefined) store.delete('t', key);
            else store.put('t', key, value);
            if (value === undefined) expected.delete(`t/${key}`);
            else expected.set(`t/${key}`, value);
          }
          await store.close();
        }
        const store = await open(failing);
        const found = store.recovered();
        await store.close();
        t.strictSame(Object.fromEntries(found), Object.fromEntries(expected));
      }),
      { numRuns: 15 },
    );
  });
}

function folderFor(t: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

contract('embedded', (t) => {
  const folder = folderFor(t);
  return (options) => EmbeddedStore.open(folder, { ...options, owner: masterState });
});

const newest = (folder: string, kind: string) =>
  path.join(
    folder,
    readdirSync(folder)
      .filter((name) => name.startsWith(kind))
      .sort((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1]))
      .at(-1) ?? '',
  );

t.test('a callback that throws is told of, and the store goes on', async (t) => {
  const defects: unknown[] = [];
  const store = await EmbeddedStore.open(folderFor(t), {
    ...failing,
    onDefect: (error) => defects.push(error),
  });
  const wrong = () => {
    throw new Error('wrong');
  };
  await flushed(store);
  store.flushed(wrong);
  await flushed(store);
  store.put('t', '1', 1);
  store.flushed(wrong);
  await flushed(store);
  t.equal(defects.length, 2);
  await store.close();
});

t.test(
  'a full disk: what must end can be kept, also by a store that is opened there',
  unlessRoot,
  async (t) => {
    const folder = folderFor(t);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'berth-store-test', folder]);
    t.after(() => execFileSync('umount', ['-l', folder]));
    const place = path.join(folder, 'store');
    const store = await EmbeddedStore.open(place, failing);
    await until('the first snapshot', () => readdirSync(place).includes('snapshot-1'));
    const fill = () => {
      const handle = openSync(path.join(folder, `filler-${readdirSync(folder).length}`), 'w');
      try {
        for (;;) writeSync(handle, Buffer.alloc(4096));
      } catch (error) {
        t.match(error, { code: 'ENOSPC' });
      } finally {
        closeSync(handle);
      }
    };
    fill();
    const text = 'x'.repeat(100_000);
    for (let i = 0; i < 5; i++) {
      store.put('t', `${i}`, { text });
      await flushed(store);
    }
    t.notOk(readdirSync(place).includes('spare'), 'its spare room is given up');
    await store.close();
    fill();
    // Room that was given back by nobody: what is opened here has to live on what there is.
    rmSync(path.join(folder, 'filler-2'));
    const handle = openSync(path.join(folder, 'filler-2'), 'w');
    writeSync(handle, Buffer.alloc(1024 * 1024));
    closeSync(handle);
    const again = await EmbeddedStore.open(place, failing);
    t.equal(again.recovered().size, 5);
    t.notOk(
      readdirSync(place).some((name) => name.startsWith('snapshot-2')),
      'no snapshot is tried without spare room',
    );
    again.delete('t', '0');
    await flushed(again);
    for (const name of readdirSync(folder)) if (name.startsWith('filler')) rmSync(path.join(folder, name));
    await again.close();
    const later = await EmbeddedStore.open(place, failing);
    t.equal(later.recovered().size, 4);
    t.ok(readdirSync(place).includes('spare'), 'and with room it holds some back again');
    await later.close();
  },
);

t.test('a torn end of the log is passed over, other damage is told', async (t) => {
  const folder = folderFor(t);
  const store = await EmbeddedStore.open(folder, failing);
  await until('the first snapshot', () => readdirSync(folder).includes('snapshot-1'));
  for (const key of ['1', '2', '3']) store.put('t', key, { key });
  await store.close();
  const log = newest(folder, 'log-');
  const text = readFileSync(log, 'utf8');
  truncateSync(log, text.length - 3);
  const torn = await EmbeddedStore.open(folder, failing);
  t.strictSame([...torn.recovered().keys()], ['t/1', 't/2']);
  torn.put('t', '4', 4);
  await torn.close();
  appendFileSync(newest(folder, 'log-'), 'half a li');
  const again = await EmbeddedStore.open(folder, failing);
  t.strictSame([...again.recovered().keys()], ['t/1', 't/2', 't/4']);
  await flushed(again);
  await again.close();
  const snapshot = newest(folder, 'snapshot-');
  writeFileSync(snapshot, readFileSync(snapshot, 'utf8').replace('"key"', '"kez"'));
  await t.rejects(EmbeddedStore.open(folder, failing), { code: 'STATE_DAMAGED', what: snapshot });
});

t.test('killed at any moment it has all that was called durable, and nothing out of order', async (t) => {
  const program = fileURLToPath(new URL('store-writer.js', import.meta.url));
  const folder = folderFor(t);
  const [file = '', ...rest] = bareNode;
  let last = 0;
  for (let round = 0; round < 6; round++) {
    const child = spawn(file, [...rest, program, folder, String(last)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.on('data', (part) => {
      told += part;
      // Each round a little later: in the middle of a write, or of a snapshot.
      if (told.length > 200 * (round + 1)) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.on('close', resolve));
    const durable = Number(told.split('\n').at(-2) ?? last);
    const store = await EmbeddedStore.open(folder, failing);
    const found = Number(store.recovered().get('t/number') ?? 0);
    const mirror = Number(store.recovered().get('t/mirror') ?? 0);
    await store.close();
    t.ok(found >= durable, `${durable} was durable, ${found} is there`);
    t.ok(mirror === found || mirror === found - 1, 'changes are there in their order');
    last = found;
  }
});
