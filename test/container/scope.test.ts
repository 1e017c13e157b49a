import { constants } from 'node:os';
import t from 'tap';
import type { CgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import { holdScope, scopeGone, whileScopeGoes } from '../../src/containerizer/container/scope.js';

const { ENOENT, ENODEV, EBUSY } = constants.errno;
const scope = '/c/machine.slice/berth.scope';
const places: CgroupPlaces = {
  layout: 'unified',
  unified: `${scope}/berth-1a2b3c4d/0123456789ab`,
  supervisors: `${scope}/berth-1a2b3c4d/supervisors`,
  scope,
  unifiedControls: true,
  v1: {},
};

t.test('only what was removed below the scope means that it went away', async (t) => {
  t.match(scopeGone(places, ENOENT, places.unified ?? ''), { code: 'LAUNCH_FAILED', mend: /berth\.scope/ });
  t.ok(scopeGone(places, ENODEV, `${places.supervisors}`));
  t.equal(scopeGone(places, EBUSY, places.unified ?? ''), undefined);
  t.equal(scopeGone(places, ENOENT, '/c/machine.slice/berth.scopes/x'), undefined);
  t.equal(scopeGone(places, ENOENT), undefined);
  t.equal(scopeGone({ ...places, scope: null }, ENOENT, places.unified ?? ''), undefined);
});

t.test('a launch is made again while the scope goes away, and for nothing else', async (t) => {
  const gone = scopeGone(places, ENODEV, places.unified ?? '');
  const failing = (failures: unknown[]) => {
    let calls = 0;
    const launch = async () => {
      const failure = failures[calls++];
      if (failure !== undefined) throw failure;
      return calls;
    };
    return { launch, calls: () => calls };
  };
  t.equal(await whileScopeGoes(failing([gone, gone]).launch), 3);
  const other = failing([new Error('other')]);
  await t.rejects(whileScopeGoes(other.launch), { message: 'other' });
  t.equal(other.calls(), 1);
  const always = failing(Array(100).fill(gone));
  await t.rejects(whileScopeGoes(always.launch), { code: 'LAUNCH_FAILED' });
  t.equal(always.calls(), 20, 'not for ever');
});

t.test('where no scope is needed none is made', async (t) => {
  t.equal(await holdScope({ ...places, scope: null }), undefined);
});
