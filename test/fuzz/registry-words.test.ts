import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { policyShape } from '../../src/containerizer/policy/document.js';
import { identityFits } from '../../src/containerizer/policy/identity.js';
import { requirementsFor, sourceOf } from '../../src/containerizer/policy/scope.js';
import { readAuthFile } from '../../src/containerizer/registry/auth-file.js';
import { challengesOf } from '../../src/containerizer/registry/challenge.js';
import { nextPlace } from '../../src/containerizer/registry/next-place.js';
import { startOfPart, takenOf } from '../../src/containerizer/registry/range.js';
import { readRegistriesConf } from '../../src/containerizer/registry/registries-conf.js';
import { retryAfter } from '../../src/containerizer/registry/retry.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { ShapeError } from '../../src/oci-spec/shape.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { mutated, pieced, tries } from '../fixtures/tries.js';

/** Refused with that code or class, or done; anything else is a defect. */
function mayRefuse(kind: string | (new (...given: never[]) => Error), call: () => unknown): void {
  try {
    call();
  } catch (error) {
    const fits =
      typeof kind === 'string' ? error instanceof BerthError && error.code === kind : error instanceof kind;
    if (!fits) throw error;
  }
}

t.test('headers of registries: understood or passed over', async () => {
  const quoted = [
    'Bearer ',
    'Basic ',
    'realm=',
    '"',
    '\\',
    'https://a/t',
    'service=',
    'scope=',
    ',',
    ' ',
    '=',
  ];
  fc.assert(
    fc.property(pieced(...quoted), (text) =>
      challengesOf(text).every((each) => each.scheme === 'basic' || typeof each.realm === 'string'),
    ),
    tries(300),
  );
  const numbers = [
    '0',
    '1',
    '5',
    '10',
    '99',
    '-',
    '=',
    'bytes',
    ' ',
    '/',
    '*',
    ',',
    '0'.repeat(9),
    '9'.repeat(17),
  ];
  fc.assert(
    fc.property(pieced(...numbers), fc.nat(100), fc.nat(100), (text, from, length) => {
      const start = startOfPart(text);
      const taken = takenOf(text, from, from + length);
      return (
        (start === undefined || Number.isSafeInteger(start)) &&
        (taken === undefined || (taken >= from && taken <= from + length))
      );
    }),
    tries(300),
  );
  fc.assert(
    fc.property(pieced(...numbers, 'Mon, ', '01 Jan 2020 ', '00:00:00 GMT', 'T', 'Z', '+'), (text) => {
      const wait = retryAfter(text);
      return wait === undefined || (wait >= 0 && !Number.isNaN(wait));
    }),
    tries(300),
  );
  const places = [
    'http://',
    'https://',
    'file:',
    '//',
    '/',
    '..',
    'a.example',
    ':',
    '80',
    '@',
    '?',
    '#',
    '%2f',
    '[',
    ']',
    '::1',
    '\\',
  ];
  fc.assert(
    fc.property(
      pieced(...places),
      fc.constantFrom('http://a.example/v2/', 'https://a.example/v2/'),
      (text, from) => {
        mayRefuse('REGISTRY_FAILED', () => {
          const to = nextPlace(new URL(from), text, 'x');
          if (to.username !== '' || to.password !== '') throw new Error('it sends a password');
          if (from.startsWith('https') && to.protocol !== 'https:') throw new Error('it leaves TLS');
        });
      },
    ),
    tries(300),
  );
});

t.test('registries.conf and credentials: understood or refused', async (t) => {
  const file = path.join(diskFolder(t), 'file');
  const toml = pieced(
    ...[
      '[[registry]]\n',
      '[[registry.mirror]]\n',
      'prefix = ',
      'location = ',
      '"a.example/b"',
      '"*.example"',
      '\n',
    ],
    ...[
      'insecure = true\n',
      'unqualified-search-registries = ["a"]\n',
      '[',
      ']',
      '=',
      '"""',
      "'",
      '#',
      '.',
      '1',
    ],
    ...['pull-from-mirror = "all"\n', '{', '}', '1979-05-27T07:32:00Z', '__proto__'],
  );
  await fc.assert(
    fc.asyncProperty(toml, async (text) => {
      writeFileSync(file, text);
      try {
        await readRegistriesConf({ CONTAINERS_REGISTRIES_CONF: file });
      } catch (error) {
        if (!(error instanceof BerthError) || error.code !== 'REGISTRIES_INVALID') throw error;
      }
    }),
    tries(60),
  );
  const auth = {
    auths: { 'a.example': { auth: 'YTpi', identitytoken: 'x' } },
    credHelpers: { b: 'c' },
    credsStore: 'd',
  };
  const texts = fc.oneof(
    mutated(auth).map((value) => JSON.stringify(value) ?? ''),
    fc.string(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      writeFileSync(file, text);
      mayRefuse('CREDENTIALS_INVALID', () => readAuthFile(file));
    }),
    tries(60),
  );
});

t.test('policies: refused, or every image is judged by one of their lists', async () => {
  const key = { type: 'sigstoreSigned', keyPath: '/k', signedIdentity: { type: 'matchRepository' } };
  const signed = { type: 'signedBy', keyType: 'GPGKeys', keyData: 'YQ==' };
  const keyless = {
    ...{ type: 'sigstoreSigned', rekorPublicKeyPath: '/r' },
    fulcio: { caPath: '/c', oidcIssuer: 'https://a', subjectEmail: 'b@c' },
  };
  const remap = { type: 'remapIdentity', prefix: 'a.example', signedPrefix: 'b.example/c' };
  const policy = {
    default: [{ type: 'reject' }],
    transports: {
      docker: {
        '': [{ type: 'insecureAcceptAnything' }],
        'a.example/b': [key, { ...signed, signedIdentity: remap }],
        '*.example': [{ ...signed, signedIdentity: { type: 'exactReference', dockerReference: 'c:1' } }],
      },
      'oci-archive': { '': [keyless] },
      oci: { '/srv': [{ ...key, keyPath: undefined, keyPaths: ['/k', '/l'] }] },
    },
  };
  const names = pieced(
    'a.example',
    'docker:',
    'oci:',
    '/',
    ':',
    '5000',
    '@sha256:',
    'b',
    'c',
    '*.',
    '.',
    'x.y',
    '__proto__',
  );
  fc.assert(
    fc.property(fc.oneof(mutated(policy), fc.jsonValue()), names, names, (value, image, claimed) => {
      mayRefuse(ShapeError, () => {
        const read = policyShape(value, '');
        const lists = [
          read.default,
          ...Object.values(read.transports).flatMap((scopes) => Object.values(scopes)),
        ];
        const found = requirementsFor(read, sourceOf(image));
        if (!lists.includes(found) || found.length === 0)
          throw new Error('nobody has stated these requirements');
        for (const each of found) {
          if (!('identity' in each)) continue;
          const fits = identityFits(each.identity, claimed, image);
          // A signature for one repository never counts for another, unless the policy names that.
          const own = ['matchExact', 'matchRepository', 'matchRepoDigestOrExact'].includes(
            each.identity.type,
          );
          if (own && fits && !sameRepository(claimed, image))
            throw new Error('it counts for another repository');
        }
      });
    }),
    tries(300),
  );
});

/** As far as one who knows only the grammar can tell: what stands last is the same. */
function sameRepository(a: string, b: string): boolean {
  const last = (text: string) => text.split('@')[0]?.split('/').at(-1)?.split(':')[0];
  return last(a) === last(b);
}
