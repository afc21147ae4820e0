/**
 * Warm Python processes from which interpreters are forked: which there are, and which can be used.
 * Never sees a run.
 */
import { v4 as uuid } from 'uuid'
import type { Keeper } from './keeper.js'
import { pythonPackage } from './python-package.js'

/** What a template is made for; workers that differ in any of it need another one. */
export interface TemplateFor {
  readonly python: string
  readonly pyzmqPath: string | null
  readonly env: Readonly<Record<string, string>>
  /** Modules to import, as far as they are installed. */
  readonly preload: readonly string[]
  /** What the walls around each of its forks need; null: it has none. */
  readonly walls: ForkedWalls | null
}

/** What walls show of what the template sees. */
export interface ForkedWalls {
  /** The engine's private folder, of which they show nothing else. */
  readonly private: string
  /** Paths that stay even where temporary files are. */
  readonly kept: readonly string[]
  /** How much each of the folders for temporary files can have, and the home folder in one of them. */
  readonly temporary: { readonly bytes: number; readonly home: string }
  /** The folder for what Node reads, and how much it can have. */
  readonly session: { readonly folder: string; readonly bytes: number }
  /** What in `/proc` is to be read-only. */
  readonly settings: readonly string[]
  /** Where Node listens to keepers. */
  readonly socket: string
}

/** A template that can be forked from, or why there is none. */
export type TemplateState =
  { readonly fit: true; readonly id: string } | { readonly fit: false; readonly reason: string }

export const NOT_READY: TemplateState = { fit: false, reason: 'its template is not ready yet' }
/** So often one is made that dies while it imports modules, which may be why. */
const MOST_TRIES = 3

/** The templates of one keeper, made when first asked for. */
export class Templates {
  readonly #keeper: Keeper
  readonly #warming = new Map<string, Promise<TemplateState>>()
  readonly #states = new Map<string, TemplateState>()
  readonly #tries = new Map<string, number>()

  constructor(keeper: Keeper) {
    this.#keeper = keeper
  }

  /** What can be used at once. */
  now(wanted: TemplateFor): TemplateState {
    return this.#states.get(keyOf(wanted)) ?? NOT_READY
  }

  /** Makes the template unless there is one; resolves when it can be used, or cannot at all. */
  warm(wanted: TemplateFor): Promise<TemplateState> {
    const key = keyOf(wanted)
    let warming = this.#warming.get(key)
    if (warming === undefined) {
      warming = this.#make(key, wanted)
      this.#warming.set(key, warming)
    }
    return warming
  }

  async #make(
    key: string,
    { python, pyzmqPath, env, preload, walls }: TemplateFor,
  ): Promise<TemplateState> {
    const id = uuid()
    const config = JSON.stringify({ preload, pyzmq_path: pyzmqPath, walls })
    const command = { id, python, arguments: [pythonPackage], env, cwd: '/', config }
    const tries = (this.#tries.get(key) ?? 0) + 1
    this.#tries.set(key, tries)
    const [state, hasDied] = await new Promise<[TemplateState, boolean]>((resolve) => {
      this.#keeper.startTemplate(command, {
        onReady: (threads, failed) => resolve([judge(id, threads, failed), false]),
        onExited: ({ description }) => {
          const reason = `its template ${description} while it imported modules`
          resolve([{ fit: false, reason }, true])
          // The next session has a new one made; those forked from this one live on.
          if (this.#states.get(key)?.fit === true) this.#forget(key)
        },
      })
    })
    if (state.fit) this.#tries.delete(key)
    if (hasDied && tries < MOST_TRIES) this.#forget(key)
    else this.#states.set(key, state)
    return state
  }

  #forget(key: string): void {
    this.#states.delete(key)
    this.#warming.delete(key)
  }
}

function judge(id: string, threads: readonly string[], failed: readonly string[]): TemplateState {
  if (failed.length > 0) {
    return { fit: false, reason: `preloading failed: ${failed.join('; ')}` }
  }
  if (threads.length > 0) {
    const names = threads.join(', ')
    const reason = `forking is not safe: its modules leave ${threads.length} threads running (${names})`
    return { fit: false, reason }
  }
  return { fit: true, id }
}

function keyOf({ python, pyzmqPath, env, preload, walls }: TemplateFor): string {
  const variables = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([python, pyzmqPath, variables, preload, walls])
}
