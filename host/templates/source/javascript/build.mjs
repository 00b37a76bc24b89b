// Builds the component: `npm run build`.

import { mkdir, writeFile } from 'node:fs/promises';

import { componentize } from '@bytecodealliance/componentize-js';

const { component } = await componentize({
  sourcePath: 'source.js',
  witPath: 'wit',
  worldName: 'source',
  // What the host does not offer to a source.
  disableFeatures: ['http', 'fetch-event'],
});
await mkdir('build', { recursive: true });
await writeFile('build/my-source.wasm', component);
console.log(`build/my-source.wasm: ${component.length} bytes`);
