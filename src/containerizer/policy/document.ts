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

/** Files, or the content of some. */
export type KeySource = { files: string[] } | { datas: Buffer[] };

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

/** A file or several, or the content of one or several: exactly one of these must be there. */
function sourceOf(
  [path, paths, data, datas]: readonly [
    path?: string | undefined,
    paths?: string[] | undefined,
    data?: string | undefined,
    datas?: string[] | undefined,
  ],
  at: string,
  expected: string,
): KeySource {
  if ([path, paths, data, datas].filter((each) => each !== undefined).length !== 1)
    throw new ShapeError(at, expected);
  const contents = datas ?? (data === undefined ? undefined : [data]);
  if (contents !== undefined) return { datas: contents.map((text) => Buffer.from(text, 'base64')) };
  return { files: paths ?? [path ?? ''] };
}

interface StatedKeys {
  keyPath?: string;
  keyPaths?: string[];
  keyData?: string;
  keyDatas?: string[];
}

function keysOf({ keyPath, keyPaths, keyData, keyDatas }: StatedKeys, at: string): KeySource {
  const expected = 'with one of keyPath, keyPaths, keyData and keyDatas';
  return sourceOf([keyPath, keyPaths, keyData, keyDatas], at, expected);
}

/** A certificate is good for minutes: without a log nobody knows whether the signature was made in them. */
function personOf(
  given: StatedKeys & { fulcio?: ReturnType<typeof fulcio> },
  log: KeySource | undefined,
  at: string,
): { authorities: KeySource } & Signer {
  const { fulcio: stated, keyPath, keyPaths, keyData, keyDatas } = given;
  if (stated === undefined || (keyPath ?? keyPaths ?? keyData ?? keyDatas) !== undefined)
    throw new ShapeError(at, 'with either a key or fulcio');
  if (log === undefined)
    throw new ShapeError(
      at,
      'with rekorPublicKeyPath, rekorPublicKeyPaths, rekorPublicKeyData or rekorPublicKeyDatas, as fulcio needs',
    );
  const { oidcIssuer, subjectEmail, caPath, caData } = stated;
  const authorities = sourceOf([caPath, undefined, caData], `${at}.fulcio`, 'with one of caPath and caData');
  return { authorities, oidcIssuer, subjectEmail };
}

const files = list(file, 100);
const contents = list(base64, 100);

const sigstoreMembers = {
  ...{
    keyPath: file,
    keyPaths: files,
    keyData: base64,
    keyDatas: contents,
    signedIdentity: identity,
    fulcio,
  },
  ...{ rekorPublicKeyPath: file, rekorPublicKeyPaths: files },
  ...{ rekorPublicKeyData: base64, rekorPublicKeyDatas: contents },
};

interface StatedLog {
  rekorPublicKeyPath?: string;
  rekorPublicKeyPaths?: string[];
  rekorPublicKeyData?: string;
  rekorPublicKeyDatas?: string[];
}

function logOf(stated: StatedLog, at: string): KeySource | undefined {
  const { rekorPublicKeyPath, rekorPublicKeyPaths, rekorPublicKeyData, rekorPublicKeyDatas } = stated;
  const given = [rekorPublicKeyPath, rekorPublicKeyPaths, rekorPublicKeyData, rekorPublicKeyDatas] as const;
  if (given.every((each) => each === undefined)) return undefined;
  return sourceOf(given, `${at}, the key of Rekor`, 'stated once, as paths or as data');
}

const requirement: Shape<Requirement> = (value, at) => {
  const { type } = typed(value, at);
  if (type === 'insecureAcceptAnything' || type === 'reject')
    return strict(object({ type: constant(type) }, {}), ['type'])(value, at) as Requirement;
  if (type === 'signedBy') {
    const members = object(
      { keyType: constant('GPGKeys') },
      { keyPath: file, keyPaths: files, keyData: base64, signedIdentity: identity },
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
    const given = strict(object({}, sigstoreMembers), ['type', ...Object.keys(sigstoreMembers)])(value, at);
    const log = logOf(given, at);
    return {
      type,
      signer: given.fulcio === undefined ? { keys: keysOf(given, at) } : personOf(given, log, at),
      log,
      identity: given.signedIdentity ?? { type: 'matchRepoDigestOrExact' },
    };
  }
  throw new ShapeError(`${at}.type ${JSON.stringify(type.slice(0, 50))}`, 'a requirement that berth knows');
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
