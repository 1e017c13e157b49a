import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { native } from '../../src/native/index.js';

t.test('each range is claimed once, until its claim is closed', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-test-ids-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const ranges = { file: path.join(folder, 'ids'), first: 1_000_000, size: 65_536, count: 3 };
  const claim = () => native().claimIdRange(ranges);

  const claims = [claim(), claim(), claim()];
  t.strictSame(claims.map(({ first }) => first).sort(), [1_000_000, 1_065_536, 1_131_072]);
  t.throws(claim, { name: 'NativeError', code: 'ENOSPC' }, 'all are taken');

  const [freed, ...held] = claims;
  closeSync(freed?.fd ?? -1);
  const again = claim();
  t.equal(again.first, freed?.first, 'the one whose claim was closed');
  for (const { fd } of [again, ...held]) closeSync(fd);
});
