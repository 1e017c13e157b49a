import { spawn } from 'node:child_process';
import { BerthError } from '../../errors/berth-error.js';
import type { Credentials } from './credentials.js';

/** A helper may ask somebody for a key. */
const patience = 120_000;
const mostBytes = 1 << 20;
/** Says that the secret is an identity token (docker-credential-helpers, credentials.go). */
const tokenUser = '<token>';

/** Asks `docker-credential-NAME`. What is secret goes through pipes alone. Undefined: it knows nobody for that server. */
export async function askHelper(
  name: string,
  server: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const { status, output } = await call(name, 'get', server, environment);
  if (status !== 0) {
    if (/credentials not found|no credentials|not found in native keychain/i.test(output)) return undefined;
    throw broken(name, 'get', status);
  }
  let answer: { Username?: unknown; Secret?: unknown };
  try {
    answer = JSON.parse(output) as typeof answer;
  } catch {
    throw invalid(name, 'what it answers is not JSON');
  }
  const { Username: user, Secret: secret } = answer;
  if (typeof user !== 'string' || typeof secret !== 'string')
    throw invalid(name, 'it answers without a Username and a Secret');
  if (user === '' && secret === '') return undefined;
  return user === tokenUser ? { kind: 'token', token: secret } : { kind: 'password', user, password: secret };
}

export async function storeWithHelper(
  name: string,
  server: string,
  credentials: Credentials & { kind: 'password' },
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const { user: Username, password: Secret } = credentials;
  const { status } = await call(
    name,
    'store',
    JSON.stringify({ ServerURL: server, Username, Secret }),
    environment,
  );
  if (status !== 0) throw broken(name, 'store', status);
}

export async function eraseFromHelper(
  name: string,
  server: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const { status } = await call(name, 'erase', server, environment);
  if (status !== 0) throw broken(name, 'erase', status);
}

function call(
  name: string,
  verb: string,
  input: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ status: number | null; output: string }> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw invalid(name, 'it is no name of a helper');
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, [verb], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(invalid(name, `it does not answer within ${patience / 1000} seconds`));
    }, patience);
    child.on('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const absent = cause.code === 'ENOENT';
      reject(invalid(name, absent ? `there is no docker-credential-${name} in PATH` : cause.message, cause));
    });
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part;
      if (output.length > mostBytes) child.kill('SIGKILL');
    });
    // It may end without reading what it is not interested in.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, output });
    });
  });
}

/** Not what it printed: that may be a secret. */
function broken(name: string, verb: string, status: number | null): BerthError {
  return invalid(name, `${verb} fails with status ${status ?? 'of a signal'}`);
}

function invalid(name: string, why: string, cause?: unknown): BerthError {
  return new BerthError('CREDENTIALS_INVALID', {
    what: `credential helper ${name}`,
    why,
    mend: 'Install it, or take it out of credHelpers and credsStore of the file of credentials.',
    cause,
  });
}
