/** Which modules the code of runs may import, as a user says it. */
import type { ModuleRules } from '../engine/engine.js'
import { InvalidOptionError } from '../errors.js'

/** The option `modules`: names of top-level modules. */
export interface ModulesOption {
  /** Those that may not be imported. */
  readonly deny?: readonly string[] | undefined
  /** Those that may be, beside the standard library; without it, all may be that are not denied. */
  readonly allow?: readonly string[] | undefined
}

const TOP_LEVEL = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u

/**
 * The rules of a toolset; null where all modules may be imported.
 *
 * @throws InvalidOptionError for what is no name of a top-level module
 */
export function moduleRules(option: ModulesOption | undefined): ModuleRules | null {
  const { deny = [], allow } = option ?? {}
  const wrong = [...deny, ...(allow ?? [])].find((name) => !TOP_LEVEL.test(name))
  if (wrong !== undefined) {
    throw new InvalidOptionError(
      `modules: ${JSON.stringify(wrong)} is no name of a top-level module, such as "socket".`,
    )
  }
  if (deny.length === 0 && allow === undefined) return null
  return { deny, allow: allow ?? null, hint: hint(deny, allow) }
}

function hint(deny: readonly string[], allow: readonly string[] | undefined): string {
  if (allow === undefined) return `All modules can be imported but ${listed(deny)}.`
  const only = `Only ${listed(['the standard library', ...allow])} can be imported`
  return deny.length === 0 ? `${only}.` : `${only}, but not ${listed(deny)}.`
}

/** "a", "a and b", "a, b and c". */
function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}
