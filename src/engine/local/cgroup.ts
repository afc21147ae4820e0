/** The control group of one session: its processes, what these start, and its checkpoints. */
import { closeSync, existsSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { v4 as uuid } from 'uuid'
import { delegatedCgroup, type Controller } from '../../environment/delegated-cgroup.js'
import { StartError } from '../../errors.js'
import type { LimitName, ResourceLimits } from '../engine.js'

const PREFIX = 'python-interpreter-'
const CPU_PERIOD_US = 100_000
/** What a worker has beside what its code starts: itself, threads of ZeroMQ, and its checkpoints. */
const OWN_TASKS = 9
const MAX_FILE_BYTES = 4096
const REMOVE_PAUSE_MS = 20
const MOST_TRIES = 100

/** How often a group's limits have been reached. */
export interface Counts {
  /** Its memory was used up. */
  readonly outOfMemory: number
  /** A process was killed for lack of memory, be it for that of others. */
  readonly killed: number
  /** It was refused a process. */
  readonly refused: number
}

/** A group with the limits of a session, removed when all that hold it have let go. */
export class Cgroup {
  readonly name = PREFIX + uuid()
  /** Resolves when it is gone, or cannot be removed. */
  readonly removed: Promise<void>
  readonly #folder: string
  readonly #tasks: number | null = null
  /** Files that are read for each run. */
  readonly #memoryEvents: number | null = null
  readonly #taskEvents: number | null = null
  #holders = 0
  #onRemoved: () => void = () => undefined

  private constructor(
    parent: string,
    controllers: ReadonlySet<Controller>,
    { memory, processes, cpus }: ResourceLimits,
  ) {
    this.#folder = join(parent, this.name)
    this.removed = new Promise((resolve) => (this.#onRemoved = resolve))
    mkdirSync(this.#folder)
    if (memory !== undefined && controllers.has('memory')) {
      this.#write('memory.max', memory)
      // Or what does not fit into memory would go there. Not every system has any.
      if (existsSync(join(this.#folder, 'memory.swap.max'))) this.#write('memory.swap.max', 0)
      this.#memoryEvents = openSync(join(this.#folder, 'memory.events'), 'r')
    }
    if (processes !== undefined && controllers.has('pids')) {
      this.#tasks = processes
      this.#write('pids.max', processes + OWN_TASKS)
      this.#taskEvents = openSync(join(this.#folder, 'pids.events'), 'r')
    }
    if (cpus !== undefined && controllers.has('cpu')) {
      this.#write('cpu.max', `${cpus * CPU_PERIOD_US} ${CPU_PERIOD_US}`)
    }
  }

  /**
   * Makes a group; null where none is delegated, or nothing is limited that a group can hold.
   *
   * @throws StartError
   */
  static make(limits: ResourceLimits): Cgroup | null {
    const delegated = delegatedCgroup()
    if (delegated.folder === null) return null
    const { memory, processes, cpus } = limits
    if ((memory ?? processes ?? cpus) === undefined) return null
    try {
      return new Cgroup(delegated.folder, delegated.controllers, limits)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new StartError(`No control group can be made for the session: ${why}`, { cause: error })
    }
  }

  /** Whether it is what holds `processes`. */
  get limitsTasks(): boolean {
    return this.#tasks !== null
  }

  /** Moves a process into it, and with that all that the process will start. */
  add(pid: number): void {
    // Zero would be this process itself.
    if (pid <= 0) throw new StartError('The process cannot be put into its control group.')
    try {
      this.#write('cgroup.procs', pid)
    } catch (error) {
      // One that has ended already is told of elsewhere.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** To be called by each that has processes in it; answers what lets go of it, once. */
  hold(): () => void {
    let isHeld = true
    this.#holders += 1
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holders -= 1
      if (this.#holders === 0) void this.#remove()
    }
  }

  /** What to compare with later. */
  counts(): Counts {
    const memory = this.#read(this.#memoryEvents)
    return {
      outOfMemory: countIn(memory, 'oom'),
      killed: countIn(memory, 'oom_kill'),
      refused: countIn(this.#read(this.#taskEvents), 'max'),
    }
  }

  /** The limit that it has gone over since; null for none that is known. */
  exceededSince(before: Counts): LimitName | null {
    const now = this.counts()
    // Both: a group around it may have run out of memory, and this one be killed in.
    if (now.outOfMemory > before.outOfMemory && now.killed > before.killed) return 'memory'
    // Groups around it refuse processes, too: then it has none to spare itself.
    return now.refused > before.refused && this.#isFull() ? 'processes' : null
  }

  #isFull(): boolean {
    if (this.#tasks === null) return false
    const file = openSync(join(this.#folder, 'pids.current'), 'r')
    try {
      return Number(this.#read(file)) >= this.#tasks
    } finally {
      closeSync(file)
    }
  }

  #write(file: string, value: number | string): void {
    writeFileSync(join(this.#folder, file), String(value))
  }

  #read(file: number | null): string {
    if (file === null) return ''
    const bytes = Buffer.alloc(MAX_FILE_BYTES)
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, MAX_FILE_BYTES, 0))
  }

  /** Ends what is left in it, and removes it. */
  async #remove(): Promise<void> {
    for (const file of [this.#memoryEvents, this.#taskEvents]) if (file !== null) closeSync(file)
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      try {
        await rmdir(this.#folder)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') break
      }
      try {
        this.#write('cgroup.kill', 1)
      } catch {
        // Linux has that since 5.14.
      }
      await setTimeout(REMOVE_PAUSE_MS)
    }
    this.#onRemoved()
  }
}

function countIn(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}
