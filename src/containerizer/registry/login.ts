import { BerthError } from '../../errors/berth-error.js';
import { type AuthPlaces, authFiles, changeAuthFile, loginFile, readAuthFile } from './auth-file.js';
import { askHelper, eraseFromHelper, storeWithHelper } from './credential-helper.js';
import { helperOf, keysOf, serverOf } from './credential-store.js';
import type { Credentials } from './credentials.js';
import { type RegistryOptions, RegistrySession } from './session.js';

export interface LoggedIn {
  /** The file, or the helper in words, that has the credentials now. */
  kept: string;
  /** The registry asked who it is; else it would take anybody. */
  asked: boolean;
}

const placesOf = ({ authFile, environment }: RegistryOptions): AuthPlaces => ({
  authFile,
  environment: environment ?? process.env,
});

/** Keeps credentials, after the registry has taken them. */
export async function login(
  registry: string,
  credentials: Credentials & { kind: 'password' },
  options: RegistryOptions,
): Promise<LoggedIn> {
  const asked = await verify(registry, credentials, options);
  const file = loginFile(placesOf(options));
  const document = readAuthFile(file) ?? {};
  const helper = helperOf(document, registry) ?? (document.credsStore || undefined);
  if (helper !== undefined) {
    await storeWithHelper(helper, serverOf(registry), credentials, placesOf(options).environment);
    return { kept: `docker-credential-${helper}`, asked };
  }
  const auth = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  await changeAuthFile(file, (auths) => ({ ...auths, [registry]: { auth } }));
  return { kept: file, asked };
}

/** Gives false when the registry asks nobody who it is. */
async function verify(
  registry: string,
  credentials: Credentials,
  options: RegistryOptions,
): Promise<boolean> {
  const session = await RegistrySession.open({ ...options, credentials });
  try {
    const location = { registry, repository: '' };
    const [candidate = { location, insecure: false, mirror: false }] = session
      .candidates(location, false)
      .filter(({ mirror }) => !mirror);
    const whole = await session.repository(candidate, 'pull');
    const answer = await whole.ask({ at: '', expect: [200], what: `registry ${registry}` });
    answer.body.destroy();
    return whole.asked;
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== 'REGISTRY_DENIED') throw error;
    throw new BerthError('REGISTRY_DENIED', {
      what: `registry ${registry}`,
      why: `it does not take that user name and password: ${error.why}`,
      mend: 'Nothing was kept. Some registries want a token in place of the password.',
      cause: error,
    });
  } finally {
    session.close();
  }
}

/**
 * Forgets credentials, wherever this user has them: in every file that a pull looks into, and with the helpers that those name. Gives the files and helpers that had some.
 * One that fails does not keep the others from forgetting.
 */
export async function logout(registry: string, options: RegistryOptions): Promise<string[]> {
  const places = placesOf(options);
  const forgotten: string[] = [];
  const failures: unknown[] = [];
  for (const file of authFiles(places)) {
    try {
      for (const each of await forgetIn(file, registry, places.environment)) forgotten.push(each);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return forgotten;
}

async function forgetIn(file: string, registry: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const document = readAuthFile(file);
  if (document === undefined) return [];
  const forgotten: string[] = [];
  const keys = keysOf(Object.keys(document.auths ?? {}), registry);
  if (keys.length > 0) {
    await changeAuthFile(file, (auths) =>
      Object.fromEntries(Object.entries(auths).filter(([key]) => !keys.includes(key))),
    );
    forgotten.push(file);
  }
  const helper = helperOf(document, registry) ?? (document.credsStore || undefined);
  const server = serverOf(registry);
  if (helper !== undefined && (await askHelper(helper, server, environment)) !== undefined) {
    await eraseFromHelper(helper, server, environment);
    forgotten.push(`docker-credential-${helper}`);
  }
  return forgotten;
}
