import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { policyShape } from '../../src/containerizer/policy/document.js';
import { SignatureSource } from '../../src/containerizer/policy/signatures.js';
import { judge } from '../../src/containerizer/policy/verify.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { digestOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { KeylessSigner, type Made } from '../fixtures/keyless-signer.js';
import { mutated, tries } from '../fixtures/tries.js';

const signer = new KeylessSigner(diskFolder(t));
const digest = digestOf('image');
const claim = { reference: 'example.com/team/app', digest };

/** What an image with these signatures is accepted by. */
function judged(signatures: Made[], requirement: object = signer.requirement()) {
  const policy = policyShape({ default: [requirement] }, '');
  const source = { transport: 'docker', scope: 'example.com/team/app:1' };
  const found = new SignatureSource({ simple: async () => [], sigstore: async () => signatures });
  return judge(policy, { source, digests: [digest] }, found, 'image app');
}

const good = signer.leaf();
const signed = signer.sign(claim, good);
const now = Math.floor(Date.now() / 1000);
const newer = `1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${signer.oidcIssuer}`;

t.test('who has signed is known by a certificate, and when by a log', async (t) => {
  t.match(await judged([signed]), [
    { requirement: 'sigstoreSigned', by: /anna@example.com, known to https/ },
  ]);
  const other = signer.sign({ ...claim, digest: digestOf('other') }, good);
  t.match(await judged([other, signed]), [{ identity: claim.reference }], "others may be anybody's");
  const both = signer.sign(claim, signer.leaf({ more: [newer] }));
  t.match(await judged([both]), [{ identity: claim.reference }], 'the issuer in both of its forms');
  const { chain: _chain, ...alone } = signer.sign(claim, signer.leaf({}, signer.root));
  t.match(await judged([alone]), [{ identity: claim.reference }], 'straight from the authority');
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const byKey = signer.requirement({ fulcio: undefined, keyData: Buffer.from(pem).toString('base64') });
  const own = signer.sign(claim, { ...good, pem, key: keys.privateKey });
  t.match(await judged([own], byKey), [{ by: 'keyData of policy.json' }], 'a key, and a log');
  await t.rejects(judged([{ payload: own.payload, signature: own.signature }], byKey), {
    message: /without the promise of a log/,
  });
});

t.test('whatever is forged is refused', async (t) => {
  const stranger = new KeylessSigner(path.dirname(signer.root.files.pem));
  const attacker = signer.leaf({ email: 'mallory@example.com' });
  const wide = signer.issue('wide', signer.root, [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign',
  ]);
  const far = signer.issue('far', wide, [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign',
  ]);
  const mails = signer.issue('mails', signer.root, [
    'basicConstraints=critical,CA:TRUE',
    'extendedKeyUsage=emailProtection',
  ]);
  const confined = signer.issue('confined', signer.root, [
    'basicConstraints=CA:TRUE',
    'nameConstraints=permitted;email:other.example',
  ]);
  const by = (leaf: ReturnType<typeof signer.leaf>, chain?: string): Made => {
    const whole = signer.sign(claim, leaf);
    return chain === undefined ? whole : { ...whole, chain };
  };
  const plain = signer.issue('plain', signer.root, ['basicConstraints=CA:FALSE']);
  const { Payload } = JSON.parse(signed.bundle ?? '') as { Payload: Record<string, unknown> };
  const changedBundle = (change: object) =>
    JSON.stringify({ ...(JSON.parse(signed.bundle ?? '') as object), Payload: { ...Payload, ...change } });
  const signature = Buffer.from(signed.signature);
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  const blind = signer.logged(signed.payload, signature, good.pem, now + 60, signer.log.privateKey);
  const cases: [string, Made, RegExp][] = [
    ['a log that looks at nothing', { ...signed, signature, bundle: blind }, /no key of the policy made it/],
    ['one who may issue nothing', by(signer.leaf({}, plain), plain.pem), /no authority/],
    [
      'another authority',
      stranger.sign(claim, stranger.leaf(), { log: signer.log.privateKey }),
      /no authority of the policy vouches/,
    ],
    ['another log', signer.sign(claim, good, { log: stranger.log.privateKey }), /has not promised/],
    ['another person', by(attacker), /its signer is mallory@example.com, not anna@example.com/],
    [
      'another issuer',
      by(signer.leaf({ issuer: 'https://evil.example' })),
      /known to "https:\/\/evil.example"/,
    ],
    [
      'an issuer that begins the same',
      by(signer.leaf({ issuer: `${signer.oidcIssuer}.evil.example` })),
      /known to/,
    ],
    ['two issuers', by(signer.leaf({ issuer: 'https://evil.example', more: [newer] })), /known to undefined/],
    [
      'two people as one',
      by(signer.leaf({ email: 'anna@example.com.evil.example' })),
      /its signer is anna@example.com.evil/,
    ],
    [
      'a certificate of the signer as an authority',
      by(signer.leaf({}, good), good.pem + signer.middle.pem),
      /no authority/,
    ],
    ['an authority too far below', by(signer.leaf({}, far), far.pem + wide.pem), /no authority/],
    ['an authority for mail alone', by(signer.leaf({}, mails), mails.pem), /no authority/],
    ['an authority for other names', by(signer.leaf({}, confined), confined.pem), /no authority/],
    ['no authority in between', by(good, undefined as unknown as string), /./],
    ['a certificate for servers', by(signer.leaf({ usage: 'serverAuth' })), /not for signing at that time/],
    [
      'an unknown critical extension',
      by(signer.leaf({ more: ['1.2.3.4=critical,DER:05:00'] })),
      /not for signing/,
    ],
    ['after its time', signer.sign(claim, good, { at: now + 3 * 86_400 }), /not for signing at that time/],
    ['before its time', signer.sign(claim, good, { at: now - 86_400 }), /not for signing at that time/],
    [
      'another time than was promised',
      { ...signed, bundle: changedBundle({ integratedTime: now }) },
      /has not promised/,
    ],
    ['another promise', { ...signed, bundle: by(attacker).bundle ?? '' }, /holds is another signature/],
    [
      'a certificate that was not logged',
      { ...by(attacker), certificate: good.pem },
      /holds is another signature/,
    ],
    [
      'something more in the promise',
      { ...signed, bundle: changedBundle({ more: 1 }) },
      /members that are not known/,
    ],
    [
      'no certificate',
      { payload: signed.payload, signature: signed.signature, bundle: signed.bundle ?? '' },
      /without a certificate/,
    ],
    ['no promise', { ...signed, bundle: undefined as unknown as string }, /without the promise of a log/],
    ['another signature', { ...signed, signature }, /holds is another signature/],
    [
      'another statement',
      { ...signed, payload: Buffer.from(signed.payload.toString().replace('team', 'evil')) },
      /holds is another/,
    ],
    ['two certificates', { ...signed, certificate: signed.certificate + attacker.pem }, /./],
    ['no certificate at all', { ...signed, certificate: 'x' }, /signature is not good/],
    ['no JSON', { ...signed, bundle: '{' }, /signature is not good/],
    [
      'another image',
      signer.sign({ ...claim, digest: digestOf('other') }, good),
      /a signature is for sha256/,
    ],
    ['another repository', signer.sign({ ...claim, reference: 'example.com/evil' }, good), /is for the name/],
  ];
  for (const [what, made, message] of cases) {
    if (what === 'no authority in between') delete made.chain;
    await t.rejects(judged([made]), { code: 'SIGNATURE_REFUSED', message }, what);
  }
});

t.test('a policy that is not whole is refused', (t) => {
  const whole = signer.requirement();
  const fulcio = whole['fulcio'] as Record<string, unknown>;
  const wrong: [string, object][] = [
    ['no log', { ...whole, rekorPublicKeyData: undefined }],
    ['two logs', { ...whole, rekorPublicKeyPath: '/x' }],
    ['a key as well', { ...whole, keyPath: '/x' }],
    ['neither', { ...whole, fulcio: undefined }],
    ['no authority', { ...whole, fulcio: { ...fulcio, caData: undefined } }],
    ['two authorities', { ...whole, fulcio: { ...fulcio, caPath: '/x' } }],
    ['nobody', { ...whole, fulcio: { ...fulcio, subjectEmail: undefined } }],
    ['an empty name', { ...whole, fulcio: { ...fulcio, subjectEmail: '' } }],
    ['no issuer', { ...whole, fulcio: { ...fulcio, oidcIssuer: undefined } }],
    ['a member that is not known', { ...whole, fulcio: { ...fulcio, subjectemail: 'x' } }],
    ['keys twice', { type: 'sigstoreSigned', keyDatas: ['YQ=='], keyPath: '/x' }],
    ["certificates of one's own", { ...whole, pki: {} }],
  ];
  for (const [what, requirement] of wrong)
    t.throws(
      () => policyShape(JSON.parse(JSON.stringify({ default: [requirement] })) as unknown, ''),
      { name: 'ShapeError' },
      what,
    );
  t.end();
});

t.test('certificates and promises of which a byte is another are refused', async () => {
  const der = Buffer.from(good.pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const pem = (bytes: Buffer) =>
    `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
  const at = fc.nat(der.length - 1);
  const bundle = mutated(JSON.parse(signed.bundle ?? '')).map((value) => JSON.stringify(value));
  await fc.assert(
    fc.asyncProperty(
      at,
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      bundle,
      async (place, by, logged, other) => {
        const bytes = Buffer.from(der);
        bytes[place] = (bytes[place] ?? 0) ^ by;
        const certificate = pem(bytes);
        // The log may hold whatever somebody has sent it.
        const own = signer.logged(
          signed.payload,
          signed.signature,
          certificate,
          now + 60,
          signer.log.privateKey,
        );
        const made = logged ? { ...signed, certificate, bundle: own } : { ...signed, bundle: other };
        if (!logged && other === signed.bundle) return true;
        return judged([made]).then(
          () => false,
          (error: unknown) => error instanceof BerthError && error.code === 'SIGNATURE_REFUSED',
        );
      },
    ),
    tries(100),
  );
});
