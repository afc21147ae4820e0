/** The version of this package. */
import { createRequire } from 'node:module'

/** As in its package.json. */
export function packageVersion(): string {
  // By the package's own name, because the way to package.json is not the same once it is built.
  const manifest: unknown = createRequire(import.meta.url)(
    'python-interpreter-toolset/package.json',
  )
  return (manifest as { version: string }).version
}
