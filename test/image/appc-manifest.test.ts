import fc from 'fast-check';
import t from 'tap';
import { imageManifestShape } from '../../src/appc-spec/image-manifest.js';
import { parseQuantity, thousandths, wholeUnits } from '../../src/appc-spec/quantity.js';
import { configOf } from '../../src/containerizer/appc/app-config.js';
import { appOptions } from '../../src/containerizer/appc/app-options.js';
import { render } from '../../src/containerizer/appc/discovery.js';
import { discoveryTags } from '../../src/containerizer/appc/meta-tags.js';
import { defaultOptions } from '../../src/containerizer/container/options.js';
import { parseReference } from '../../src/containerizer/image/reference.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { ShapeError } from '../../src/oci-spec/shape.js';
import { mutated, tries } from '../fixtures/tries.js';

const whole = {
  acKind: 'ImageManifest',
  acVersion: '0.8.11',
  name: 'example.com/app',
  labels: [{ name: 'version', value: '1' }],
  app: {
    exec: ['/bin/app'],
    user: '0',
    group: '0',
    eventHandlers: [{ name: 'pre-start', exec: ['x'] }],
    environment: [{ name: 'A', value: 'b' }],
    isolators: [
      { name: 'resource/cpu', value: { request: '250m', limit: '500m' } },
      { name: 'os/linux/seccomp-retain-set', value: { set: ['read'], errno: 'ENOSYS' } },
      { name: 'os/linux/capabilities-remove-set', value: { set: ['CAP_KILL'] } },
    ],
    mountPoints: [{ name: 'data', path: '/data', readOnly: true }],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
  },
  dependencies: [{ imageName: 'example.com/base', imageID: `sha512-${'a'.repeat(128)}`, size: 1 }],
  pathWhitelist: ['/bin/app'],
  annotations: [{ name: 'created', value: '2020-01-01T00:00:00Z' }],
};

function changed(value: unknown, [key, ...rest]: readonly (string | number)[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = changed(copy[key], rest, by);
  return copy;
}

/** Read again, it is the same: what was let through is what the specification has. */
function readsOrRefuses(value: unknown): void {
  try {
    const manifest = imageManifestShape(value, '');
    const { config } = configOf(manifest);
    appOptions(
      { imageId: `sha512-${'a'.repeat(128)}`, manifest },
      { ...defaultOptions, command: [] },
      () => {},
    );
    if (config?.Env?.some((each) => !/^[^=]+=/.test(each))) throw new Error('a variable without a name');
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
  }
}

t.test('a manifest is read, or refused with its reason, whatever it holds', (t) => {
  imageManifestShape(whole, '');
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), readsOrRefuses), tries(200));
  fc.assert(fc.property(mutated(whole), readsOrRefuses), tries(1000));
  const without = (at: readonly (string | number)[]) =>
    t.throws(() => imageManifestShape(changed(whole, at, undefined), ''), ShapeError, at.join('.'));
  for (const at of [['acKind'], ['acVersion'], ['name'], ['app', 'user'], ['app', 'group']]) without(at);
  t.end();
});

t.test('quantities keep their value, whatever they are written in', (t) => {
  const units: [string, bigint][] = [
    ['', 1n],
    ['K', 1000n],
    ['M', 10n ** 6n],
    ['Gi', 2n ** 30n],
    ['Ei', 2n ** 60n],
  ];
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 70n }),
      fc.constantFrom(...units),
      (amount, [suffix, factor]) => {
        const found = parseQuantity(`${amount}${suffix}`);
        return found !== undefined && found.numerator === amount * factor * found.denominator;
      },
    ),
  );
  const value = (text: string) => {
    const found = parseQuantity(text);
    return found === undefined ? undefined : wholeUnits(found);
  };
  t.equal(value('128974848'), value('125952Ki'));
  t.equal(value('128974848'), value('123Mi'));
  t.equal(thousandths(parseQuantity('300m') ?? { numerator: 0n, denominator: 1n }), 0.3);
  t.equal(thousandths(parseQuantity('0.3') ?? { numerator: 0n, denominator: 1n }), 0.3);
  for (const text of ['', '-1', '1 G', '1Q', 'G', '1e3', '0x10', '1.', '.5', '1.5.2'])
    t.equal(parseQuantity(text), undefined, text);
  t.end();
});

t.test('references, pages and templates', (t) => {
  t.match(parseReference('x.aci'), { kind: 'aci' });
  t.match(parseReference('appc:/a/b.aci'), { kind: 'aci', file: '/a/b.aci', canonical: 'appc:/a/b.aci' });
  t.match(parseReference('appc:example.com/a:1.0,os=linux'), {
    kind: 'appc',
    name: 'example.com/a',
    labels: { version: '1.0', os: 'linux' },
    canonical: 'appc:example.com/a:1.0,os=linux',
  });
  for (const text of [
    'appc:',
    'appc:A',
    'appc:a:',
    'appc:a,b',
    'appc:a,name=b',
    'appc:a:1,version=2',
    'appc:a/../b',
  ])
    t.throws(() => parseReference(text), BerthError, text);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      try {
        const parsed = parseReference(`appc:${text}`);
        const again = parseReference(parsed.canonical);
        return again.canonical === parsed.canonical;
      } catch (error) {
        if (error instanceof BerthError) return true;
        throw error;
      }
    }),
    tries(500),
  );
  const parts = [
    '<meta ',
    'name=',
    '"',
    "'",
    'ac-discovery',
    ' content=',
    '>',
    '<!--',
    '-->',
    '<script>',
    '</script',
    'a b',
    '&amp;',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 200 }), (words) => {
      for (const { prefix, target } of discoveryTags(words.join('')))
        if (/\s/.test(prefix + target)) return false;
      return true;
    }),
    tries(300),
  );
  // No page takes long, however it is nested.
  t.strictSame(discoveryTags('<meta '.repeat(150_000)), []);
  t.strictSame(discoveryTags('<!--'.repeat(250_000)), []);
  const values = { name: 'example.com/a', version: '1/../2', ext: 'aci' };
  t.equal(render('https://{name}/{version}.{ext}', values)?.href, 'https://example.com/a/1%2F..%2F2.aci');
  t.equal(render('http://{name}.{ext}', values), undefined, 'https alone');
  t.equal(render('https://{name}-{os}.{ext}', values), undefined, 'nothing is left open');
  t.equal(render('https://user@{name}', values), undefined);
  t.end();
});
