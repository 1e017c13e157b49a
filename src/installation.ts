import { fileURLToPath } from 'node:url';

/** The folder berth is installed in. This file and the bundle made of it lie equally deep: dist/src/ and dist/bundle/. */
export const installationFolder = fileURLToPath(new URL('../../', import.meta.url));

declare const bundleIdentity: string | undefined;

/** Of this very code; undefined: it was not bundled, and may be a mixture. */
export const codeIdentity = typeof bundleIdentity === 'string' ? bundleIdentity : undefined;
