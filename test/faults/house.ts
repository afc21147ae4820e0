/** One engine with its keeper, and the sessions that share them. */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  LocalEngine,
  PythonInterpreterToolSet,
  type InterpreterInfo,
  type PythonInterpreterToolSetOptions,
} from '../../src/index.js'
import { eventually, isAlive, processesNaming } from '../helpers/processes.js'
import { childrenOf, hasInEnvironment, isOwnKeeper, parentOf, templatesOf } from './family.js'

/** An interrupted run gets this before its process is killed, in ms. */
const GRACE_MS = 150
const TEMPLATE_AND_SPARE = 2

/** How the processes of a house are started. */
export type Start = 'fork' | 'spawn'

/** A client of a house, with a toolset of its own. */
export interface Tenant {
  readonly tools: PythonInterpreterToolSet
  readonly policy: 'always' | 'auto'
}

export class House {
  /** How often its keeper has been killed. */
  keeperKills = 0
  /** How many of these are known to be dead. */
  keeperDeaths = 0
  readonly start: Start
  readonly tenants: Tenant[] = []
  readonly #engine: LocalEngine
  readonly #folder: string
  /** All that runs in this house has it in its environment. */
  readonly #mark: string
  readonly #keepers = new Set<number>()

  private constructor(start: Start, folder: string) {
    this.start = start
    this.#folder = folder
    this.#mark = `IN_HOUSE=${folder}`
    this.#engine = new LocalEngine({ start, preload: ['numpy'] })
  }

  static async build(start: Start): Promise<House> {
    return new House(start, await mkdtemp(join(tmpdir(), 'house-')))
  }

  async moveIn(python: string, policy: Tenant['policy'], figures = false): Promise<Tenant> {
    const workdir = join(this.#folder, `tenant-${this.tenants.length}`)
    await mkdir(workdir)
    const options: PythonInterpreterToolSetOptions = {
      python,
      workdir,
      engine: this.#engine,
      env: { IN_HOUSE: this.#folder },
      checkpoint: policy,
      interruptGraceMs: GRACE_MS,
      echo: 'none',
      figures,
    }
    const tenant = { tools: new PythonInterpreterToolSet(options), policy }
    this.tenants.push(tenant)
    return tenant
  }

  /** The keeper of some worker; null where there is none. */
  async keeper(): Promise<number | null> {
    const [pid] = (await this.#list()).flatMap((info) => info.pid ?? [])
    return pid === undefined ? null : this.keeperOf(pid)
  }

  /** The keeper of a worker; null where one of them has just ended. */
  keeperOf(pid: number): number | null {
    const keeper = parentOf(pid)
    if (keeper === null || !isOwnKeeper(keeper)) return null
    this.#keepers.add(keeper)
    return keeper
  }

  /** Sends SIGKILL to a process of this house, and to no other; answers whether it was there. */
  kill(pid: number): boolean {
    return hasInEnvironment(pid, this.#mark) && kill(pid)
  }

  /** Resolves when it is dead, and has taken its children along. */
  async killKeeper(keeper: number): Promise<void> {
    if (!isOwnKeeper(keeper)) return
    this.keeperKills += 1
    kill(keeper)
    await eventually('the keeper is dead', async () => !(await isAlive(keeper)))
    this.keeperDeaths += 1
  }

  /** The template and its spare; none where one of them is not there at the moment. */
  async templates(keeper: number): Promise<number[]> {
    const before = await this.#list()
    const [first, second] = this.#templates(keeper, before)
    // What goes on from a checkpoint looks the same for a moment, if that is not in the list yet.
    const again = this.#templates(keeper, await this.#list())
    return first !== undefined && second !== undefined && again.includes(first)
      ? [first, second]
      : []
  }

  /** Fails unless there are no more processes and folders than the sessions need. */
  async requireTidy(): Promise<void> {
    let state = ''
    await eventually(
      'there are only the processes and folders of the sessions',
      async () => {
        const infos = await this.#list()
        const pids = infos.flatMap(({ pid }) => pid ?? [])
        if (pids[0] === undefined) return true
        const checkpoints = infos.reduce((sum, info) => sum + info.checkpoints.length, 0)
        const keeper = this.keeperOf(pids[0])
        if (keeper === null) return false
        const others = childrenOf(keeper).length - pids.length - checkpoints
        const folders = await foldersOf(keeper)
        state = `${pids.length} workers, ${checkpoints} checkpoints, ${others} others, ${folders} folders`
        // A template that was killed is made again when it is needed.
        const areFit = others === 0 || (this.start === 'fork' && others === TEMPLATE_AND_SPARE)
        return areFit && folders === pids.length
      },
      10_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${state}`)
    })
  }

  /** Closes all, and fails if anything is left behind. */
  async close(): Promise<void> {
    await Promise.all(this.tenants.map(({ tools }) => tools.close()))
    await this.#engine.close()
    const left = await processesNaming(this.#mark)
    const keepers = [...this.#keepers]
    const alive = await Promise.all(keepers.map(isAlive))
    await rm(this.#folder, { recursive: true, force: true })
    if (left.length > 0) throw new Error(`Processes are left behind: ${left.join(', ')}`)
    if (alive.includes(true)) throw new Error(`A keeper is left behind: ${keepers.join(', ')}`)
  }

  #templates(keeper: number, infos: readonly InterpreterInfo[]): number[] {
    const pids = infos.flatMap(({ pid }) => pid ?? [])
    const checkpoints = infos.flatMap((info) => info.checkpoints.map(({ id }) => id))
    return templatesOf(keeper, pids, checkpoints)
  }

  async #list(): Promise<InterpreterInfo[]> {
    const answers = await Promise.all(
      this.tenants.map(({ tools }) => tools.manageInterpreters({ operation: 'list' })),
    )
    return answers.flatMap((answer) => (answer.success ? (answer.interpreters ?? []) : []))
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** How many folders of workers there are in the private folder of a keeper. */
async function foldersOf(keeper: number): Promise<number> {
  const command = (await readFile(`/proc/${keeper}/cmdline`, 'utf8')).split('\0')
  const folder = command.at(-3) ?? ''
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).length
}
