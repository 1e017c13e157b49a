import { fileURLToPath } from 'node:url';

/** The folder berth is installed in. This file and the bundle made of it lie equally deep: dist/src/ and dist/bundle/. */
export const installationFolder = fileURLToPath(new URL('../../', import.meta.url));
