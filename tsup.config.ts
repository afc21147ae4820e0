import { defineConfig, type Options } from 'tsup'

const library: Options = {
  entry: {
    index: 'src/index.ts',
    mcp: 'src/mcp/index.ts',
    'ai-sdk': 'src/adapters/ai-sdk.ts',
    langchain: 'src/adapters/langchain.ts',
    'openai-agents': 'src/adapters/openai-agents.ts',
    mastra: 'src/adapters/mastra.ts',
    anthropic: 'src/adapters/anthropic.ts',
    'json-schema': 'src/adapters/json-schema.ts',
    agent: 'src/agent/index.ts',
    simulated: 'src/engine/simulated/index.ts',
  },
  // tsup sets `baseUrl` for its declaration build, which TypeScript 6 deprecates.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  target: 'node20.19',
  sourcemap: true,
  // `import.meta.url` locates the Python worker, in both module formats.
  shims: true,
}

export default defineConfig([
  { ...library, format: ['esm'] },
  // Loaders of TypeScript that stand in for `require` do not all load packages that are ESM only.
  { ...library, format: ['cjs'], noExternal: ['execa'] },
  {
    entry: { cli: 'src/cli/cli.ts' },
    format: ['esm'],
    target: 'node20.19',
    banner: { js: '#!/usr/bin/env node' },
  },
])
