import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedPages } from './pages.js';

for (const { file, content } of await generatedPages()) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}
