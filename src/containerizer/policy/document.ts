import { constant, list, map, object, type Shape, ShapeError, text } from '../../oci-spec/shape.js';
import type { Signer } from './fulcio.js';

/** containers-policy.json(5): what an image must have to be accepted. All requirements of the scope that fits best must hold. */
export type Requirement =
  | { type: 'insecureAcceptAnything' }
  | { type: 'reject' }
  | { type: 'signedBy'; keys: KeySource; identity: IdentityRule }
  | {
      type: 'sigstoreSigned';
      /** By a key, or by somebody to whom an authority has given a certificate for the one signature. */
      signer: { keys: KeySource } | ({ authorities: KeySource } & Signer);
      /** Of a log that must have promised to hold the signature. */
      log: KeySource | undefined;
      identity: IdentityRule;
    };

/** Files, or the content of one. */
export type KeySource = { files: string[] } | { data: Buffer };

export type IdentityRule =
  | { type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { type: 'exactReference'; reference: string }
  | { type: 'exactRepository'; repository: string }
  | { type: 'remapIdentity'; prefix: string; signedPrefix: string };

export interface Policy {
  default: Requirement[];
  /** By transport, then by scope; the empty scope is the transport's default. */
  transports: Record<string, Record<string, Requirement[]>>;
}

/** Unknown members are errors here: one that was misspelt would silently ask for less. */
function strict<T>(of: Shape<T>, members: readonly string[]): Shape<T> {
  return (value, at) => {
    const found = of(value, at);
    for (const name of Object.keys(value as object))
      if (!members.includes(name)) throw new ShapeError(`${at}.${name}`, 'a member that is known');
    return found;
  };
}

const typed = object({ type: text() }, {});

const identity: Shape<IdentityRule> = (value, at) => {
  const { type } = typed(value, at);
  switch (type) {
    case 'matchExact':
    case 'matchRepoDigestOrExact':
    case 'matchRepository':
      return strict(object({ type: constant(type) }, {}), ['type'])(value, at);
    case 'exactReference': {
      const members = object({ dockerReference: text() }, {});
      const { dockerReference } = strict(members, ['type', 'dockerReference'])(value, at);
      return { type, reference: dockerReference };
    }
    case 'exactRepository': {
      const members = object({ dockerRepository: text() }, {});
      const { dockerRepository } = strict(members, ['type', 'dockerRepository'])(value, at);
      return { type, repository: dockerRepository };
    }
    case 'remapIdentity': {
      const members = object({ prefix: text(), signedPrefix: text() }, {});
      return { type, ...strict(members, ['type', 'prefix', 'signedPrefix'])(value, at) };
    }
    default:
      throw new ShapeError(`${at}.type`, 'a rule that is known for signedIdentity');
  }
};

const base64 = text({ pattern: /^[A-Za-z0-9+/=\s]*$/, expected: 'base64', most: 1 << 22 });
const file = text({ pattern: /^\//, expected: 'an absolute path' });
const stated = text({ pattern: /./, expected: 'a text with something in it' });

const fulcio = strict(
  object({ oidcIssuer: stated, subjectEmail: stated }, { caPath: file, caData: base64 }),
  ['caPath', 'caData', 'oidcIssuer', 'subjectEmail'],
);

/** A file, or the content of one: one of the two must be there. */
function eitherOf(path: string | undefined, data: string | undefined, at: string): KeySource {
  if (path !== undefined && data === undefined) return { files: [path] };
  if (path === undefined && data !== undefined) return { data: Buffer.from(data, 'base64') };
  throw new ShapeError(at, 'stated once, as a path or as data');
}

/** Exactly one of them must be there. */
function keysOf(given: { keyPath?: string; keyPaths?: string[]; keyData?: string }, at: string): KeySource {
  const { keyPath, keyPaths, keyData } = given;
  if ([keyPath, keyPaths, keyData].filter((each) => each !== undefined).length !== 1)
    throw new ShapeError(at, 'with one of keyPath, keyPaths and keyData');
  if (keyData !== undefined) return { data: Buffer.from(keyData, 'base64') };
  return { files: keyPaths ?? [keyPath ?? ''] };
}

/** A certificate is good for minutes: without a log nobody knows whether the signature was made in them. */
function personOf(
  given: { fulcio?: ReturnType<typeof fulcio>; keyPath?: string; keyPaths?: string[]; keyData?: string },
  log: KeySource | undefined,
  at: string,
): { authorities: KeySource } & Signer {
  const { fulcio: stated, keyPath, keyPaths, keyData } = given;
  if (stated === undefined || (keyPath ?? keyPaths ?? keyData) !== undefined)
    throw new ShapeError(at, 'with either a key or fulcio');
  if (log === undefined)
    throw new ShapeError(at, 'with rekorPublicKeyPath or rekorPublicKeyData, as fulcio needs');
  const { oidcIssuer, subjectEmail, caPath, caData } = stated;
  return { authorities: eitherOf(caPath, caData, `${at}.fulcio, the CA`), oidcIssuer, subjectEmail };
}

const requirement: Shape<Requirement> = (value, at) => {
  const { type } = typed(value, at);
  if (type === 'insecureAcceptAnything' || type === 'reject')
    return strict(object({ type: constant(type) }, {}), ['type'])(value, at) as Requirement;
  if (type === 'signedBy') {
    const members = object(
      { keyType: constant('GPGKeys') },
      { keyPath: file, keyPaths: list(file, 100), keyData: base64, signedIdentity: identity },
    );
    const known = ['type', 'keyType', 'keyPath', 'keyPaths', 'keyData', 'signedIdentity'];
    const given = strict(members, known)(value, at);
    return {
      type,
      keys: keysOf(given, at),
      identity: given.signedIdentity ?? { type: 'matchRepoDigestOrExact' },
    };
  }
  if (type === 'sigstoreSigned') {
    const members = object(
      {},
      {
        ...{ keyPath: file, keyPaths: list(file, 100), keyData: base64, signedIdentity: identity },
        ...{ fulcio, rekorPublicKeyPath: file, rekorPublicKeyData: base64 },
      },
    );
    const known = ['type', 'keyPath', 'keyPaths', 'keyData', 'signedIdentity', 'fulcio'];
    const given = strict(members, [...known, 'rekorPublicKeyPath', 'rekorPublicKeyData'])(value, at);
    const { rekorPublicKeyPath, rekorPublicKeyData } = given;
    const log =
      rekorPublicKeyPath === undefined && rekorPublicKeyData === undefined
        ? undefined
        : eitherOf(rekorPublicKeyPath, rekorPublicKeyData, `${at}, the key of Rekor`);
    return {
      type,
      signer: given.fulcio === undefined ? { keys: keysOf(given, at) } : personOf(given, log, at),
      log,
      identity: given.signedIdentity ?? { type: 'matchRepoDigestOrExact' },
    };
  }
  throw new ShapeError(`${at}.type`, 'a requirement that berth knows');
};

const requirements: Shape<Requirement[]> = (value, at) => {
  const found = list(requirement, 1000)(value, at);
  if (found.length === 0) throw new ShapeError(at, 'a list with a requirement in it');
  return found;
};

const document = object({ default: requirements }, { transports: map(map(requirements)) });

export const policyShape: Shape<Policy> = (value, at) => {
  const { default: fallback, transports = {} } = strict(document, ['default', 'transports'])(value, at);
  return { default: fallback, transports };
};
