import { defineConfig } from 'tsup'

export default defineConfig([
  {
    entry: { index: 'src/index.ts' },
    format: ['esm', 'cjs'],
    // tsup sets `baseUrl` for its declaration build, which TypeScript 6 deprecates.
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    target: 'node20.19',
    sourcemap: true,
    // `import.meta.url` locates the Python worker, in both module formats.
    shims: true,
  },
  {
    entry: { cli: 'src/cli/cli.ts' },
    format: ['esm'],
    target: 'node20.19',
    banner: { js: '#!/usr/bin/env node' },
  },
])
