import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { map, type Of, object, ShapeError, text } from '../../oci-spec/shape.js';
import { writeWhole } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';

/** containers-auth.json(5), and Docker's config.json, which has the same members among others. */
const authShape = object(
  {},
  {
    auths: map(object({}, { auth: text(), identitytoken: text() })),
    credHelpers: map(text()),
    credsStore: text(),
  },
);

export type AuthDocument = Of<typeof authShape>;
export type AuthEntry = NonNullable<AuthDocument['auths']>[string];

export interface AuthPlaces {
  authFile?: string | undefined;
  environment: NodeJS.ProcessEnv;
}

/** Files to look for credentials in, the first that has some counts. One that was named is the only one. */
export function authFiles({ authFile, environment }: AuthPlaces): string[] {
  const stated = authFile ?? (environment.REGISTRY_AUTH_FILE || undefined);
  if (stated !== undefined) return [path.resolve(stated)];
  const home = environment.HOME || '/root';
  return [
    volatileFile(environment),
    path.join(environment.XDG_CONFIG_HOME || path.join(home, '.config'), 'containers/auth.json'),
    path.join(environment.DOCKER_CONFIG || path.join(home, '.docker'), 'config.json'),
  ];
}

/** The file that a login is written to: the same as podman's, skopeo's and buildah's. It does not survive a restart of the host. */
export function loginFile(places: AuthPlaces): string {
  return authFiles(places)[0] as string;
}

function volatileFile(environment: NodeJS.ProcessEnv): string {
  const folder = environment.XDG_RUNTIME_DIR;
  return path.join(
    folder || `/run/containers/${process.getuid?.() ?? 0}`,
    folder ? 'containers/auth.json' : 'auth.json',
  );
}

/** Undefined: there is no such file. */
export function readAuthFile(file: string): AuthDocument | undefined {
  const whole = readRaw(file);
  if (whole === undefined) return undefined;
  try {
    return authShape(whole, '');
  } catch (error) {
    if (error instanceof ShapeError) throw invalid(file, error.message, error);
    throw error;
  }
}

function readRaw(file: string): Record<string, unknown> | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw invalid(file, `it cannot be read (${code})`, error);
  }
  if (content.trim() === '') return {};
  try {
    return JSON.parse(content) as Record<string, unknown>;
  } catch {
    // The parser's own message would show what is in the file.
    throw invalid(file, 'it is not JSON');
  }
}

/** Changes the entries of a file, and nothing else in it. It is written whole, for its owner alone. */
export async function changeAuthFile(
  file: string,
  change: (auths: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = await FileLock.take(path.join(folder, `.${path.basename(file)}.berth-lock`));
  try {
    const whole = readRaw(file) ?? {};
    const document = readAuthFile(file) ?? {};
    const auths = change(document.auths === undefined ? {} : (whole.auths as Record<string, unknown>));
    // What is a link stays one.
    writeWhole(realOf(file), `${JSON.stringify({ ...whole, auths }, null, '\t')}\n`);
  } finally {
    lock.discard();
  }
}

function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return file;
    throw error;
  }
}

function invalid(file: string, why: string, cause?: unknown): BerthError {
  return new BerthError('CREDENTIALS_INVALID', {
    what: file,
    why,
    mend: 'See containers-auth.json(5), or move it away and log in again: berth login REGISTRY.',
    cause,
  });
}
