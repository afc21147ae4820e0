/**
 * Node's side of the keeper process: asks for workers, interrupts and kills them, and hears how each
 * ended. The twin of `keeper.py`. Never sees a run.
 */
import { execa } from 'execa'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Writable } from 'node:stream'
import { z } from 'zod'
import { EngineError, StartError } from '../../errors.js'
import type { Exit as FullExit } from '../engine.js'
import { outsidePid } from './namespaces.js'
import type { WorkerFolder } from './worker-file.js'

/** How a process ended, as far as its parent can tell. */
export type Exit = Omit<FullExit, 'traceback' | 'limit'>

const keeperEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('hello') }),
  z.object({ event: z.literal('answer') }),
  z.object({ event: z.literal('spawned'), id: z.string(), pid: z.number() }),
  z.object({
    event: z.literal('template'),
    id: z.string(),
    threads: z.array(z.string()),
    failed: z.array(z.string()),
  }),
  z.object({
    event: z.literal('checkpoint'),
    id: z.string(),
    worker: z.string(),
    run: z.number(),
    number: z.number(),
    pid: z.number(),
  }),
  z.object({ event: z.literal('stuck'), id: z.string() }),
  z.object({ event: z.literal('settled'), id: z.string() }),
  z.object({ event: z.literal('interrupted'), id: z.string() }),
  z.object({ event: z.literal('failed'), id: z.string().optional(), message: z.string() }),
  z.object({
    event: z.literal('exited'),
    id: z.string(),
    code: z.number().nullable(),
    signal: z.string().nullable(),
  }),
])

type KeeperEvent = z.infer<typeof keeperEvent>

/** What the keeper needs to start a worker. */
export interface SpawnCommand {
  readonly id: string
  readonly python: string
  readonly arguments: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** What the worker reads from its standard input. */
  readonly config: string
  /** What it says to be known by the keeper. */
  readonly secret: string
}

/** In place of a source: the process that waits inside of walls to become their first worker. */
export const WAITING = 'waiting'

/** A copy of a worker that sleeps. */
export interface Copy {
  readonly id: string
  readonly pid: number
  /** The last run of the worker before it. */
  readonly run: number
  /** Rises from each copy to the next, in the order in which they are made. */
  readonly number: number
}

/** Hears what becomes of a worker. */
export interface KeeperListener {
  /** Called once, when it has been reaped, after all that is said of its copies. */
  readonly onExited: (exit: Exit) => void
  readonly onCopy: (copy: Copy) => void
  /** A fork that it makes for a copy hangs. */
  readonly onStuck: () => void
}

/** Hears what becomes of a template. */
export interface TemplateListener {
  /** It has imported its modules; `threads` are left after a fork, and `failed` could not be. */
  readonly onReady: (threads: string[], failed: string[]) => void
  readonly onExited: (exit: Exit) => void
}

interface Child {
  pid: number | null
  readonly onTemplate: TemplateListener['onReady']
  readonly onSpawned: (pid: number) => void
  readonly onFailed: (error: Error) => void
  readonly onExited: (exit: Exit) => void
  readonly onCopy: (copy: Copy) => void
  readonly onStuck: () => void
  readonly onInterrupted: (() => void)[]
  readonly onSettled: (() => void)[]
}

const MAX_TROUBLE = 4000
/** What a keeper inside of walls may take to answer, in ms: one that takes longer hangs, or was stopped. */
const ANSWER_MS = 5_000

/** How Node speaks with a keeper. */
export interface KeeperLink {
  /** What is run, for who reads that it could not be. */
  readonly name: string
  readonly input: Writable
  readonly lines: Interface
  /** Resolves when the keeper has ended, with why if that was not asked for, or nothing. */
  readonly ended: Promise<string>
  /** The last that it wrote about what went wrong. */
  readonly trouble: () => string
  /** Has Node stay alive until it has ended. */
  readonly ref: () => void
  /** Kills a keeper inside of walls from outside, and so all that is in there with it. */
  readonly kill: () => void
  /** What the keeper is called here; null while it is not there. */
  readonly pid: () => number | null
  /** In how many PID namespaces it is that Node is not in. */
  readonly deep: number
}

/** A keeper process: that of an engine, or that of walls. */
export class Keeper {
  /** Resolves when the keeper has made its folder and listens; rejects when it cannot start. */
  readonly ready: Promise<void>
  /** Resolves when the keeper has ended, and with it everything below it. */
  readonly ended: Promise<void>
  /** The private folder that it keeps, as it is called by those who are below it. */
  readonly folder: string
  #onHello: () => void = () => undefined
  readonly #link: KeeperLink
  readonly #children = new Map<string, Child>()
  readonly #isWalled: boolean
  /** Each runs until what was asked is answered, in the order in which that was asked. */
  readonly #patience: NodeJS.Timeout[] = []
  #hangs = false
  #gone = false

  /**
   * @param folder - the private folder that it keeps
   * @param isWalled - whether it is inside of walls, which have a PID namespace: then it ends with the
   *   last of its children
   */
  constructor(link: KeeperLink, folder: string, isWalled: boolean) {
    this.#link = link
    this.folder = folder
    this.#isWalled = isWalled
    let greeted = false
    let before = '' // of a wrapper, or of no Python at all
    link.lines.on('line', (line) => {
      const event = eventIn(line)
      if (event !== null) this.#hear(event)
      if (event?.event === 'hello') greeted = true
      else if (event === null && !greeted) before = `${before}${line}\n`.slice(-MAX_TROUBLE)
    })
    // A pipe whose reader has gone; how the keeper ended says more.
    link.input.on('error', () => undefined)
    const hello = new Promise<void>((resolve) => (this.#onHello = resolve))
    this.ended = link.ended.then((reason) => {
      this.#gone = true
      for (const timer of this.#patience) clearTimeout(timer)
      this.#loseAll(reason)
    })
    this.ready = Promise.race([
      hello,
      this.ended.then(() => {
        throw new StartError(`${link.name} could not be started. ${before}${link.trouble()}`.trim())
      }),
    ])
    this.ready.catch(() => undefined)
  }

  /**
   * Starts a keeper.
   *
   * @param python - the Python that runs the keeper; workers that name the same one run on what it
   *   resolves to, which spares them a wrapper script's detour
   * @param folder - its private folder, made by the keeper and removed when it ends
   * @param wall - the command that runs it inside of walls, which show it the folder; empty for none
   */
  static start(
    python: string,
    script: string,
    folder: string,
    wall: readonly string[] = [],
  ): Keeper {
    const command = [...wall, python, '-I', '-S', script, folder, python]
    const isWalled = wall.length > 0
    return new Keeper(startKeeper(python, command, isWalled ? 1 : 0), folder, isWalled)
  }

  /**
   * A worker's part of the folder, as it is seen from here.
   *
   * @throws EngineError where walls, with all that they show, are gone
   */
  workerFolder(id: string): WorkerFolder {
    if (!this.#isWalled) return { path: join(this.folder, id), device: null }
    try {
      const folder = `/proc/${this.#link.pid() ?? 0}/root${this.folder}`
      return { path: join(folder, id), device: statSync(folder).dev }
    } catch (error) {
      throw new EngineError('The keeper process has ended.', { cause: error })
    }
  }

  /** Removes that part when the worker has ended. */
  removeFolder(id: string): void {
    // Code inside of walls could make Node follow a link out of them.
    if (this.#isWalled) this.#tell({ do: 'remove', id })
    else removeFolder(join(this.folder, id))
  }

  /** Whether the keeper can be asked for anything. */
  get alive(): boolean {
    return !this.#gone
  }

  /**
   * Starts a worker, by forking the template or checkpoint with this id or, if null, a program;
   * resolves with its pid.
   */
  spawn(command: SpawnCommand, source: string | null, listener: KeeperListener): Promise<number> {
    const { id, cwd, config, secret } = command
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(new EngineError('The keeper process has ended.'))
        return
      }
      const onFailed = (error: Error) => {
        reject(source === null ? error : new EngineError(error.message, { cause: error }))
      }
      const child = newChild({
        onSpawned: resolve,
        onFailed,
        ...listener,
        // One that never was there has failed, and not ended.
        onExited: (exit) => {
          if (child.pid !== null) listener.onExited(exit)
        },
      })
      this.#children.set(id, child)
      if (source === null) this.#tell({ do: 'spawn', ...command })
      else if (source === WAITING) this.#tell({ do: 'adopt', id, cwd, config, secret })
      else this.#tell({ do: 'fork', id, source, cwd, config, secret })
    })
  }

  /** Starts a template, from which workers can be forked once it is ready. */
  startTemplate(
    command: Omit<SpawnCommand, 'secret'>,
    { onReady, onExited }: TemplateListener,
  ): void {
    if (this.#gone) {
      onExited({ code: null, signal: null, description: 'was ended with its keeper process' })
      return
    }
    this.#children.set(command.id, newChild({ onTemplate: onReady, onExited }))
    this.#tell({ do: 'template', ...command })
  }

  /**
   * Has a template build walls around one of its forks, whose keeper connects to Node and says the
   * secret; resolves with its pid.
   */
  forkWall(
    wall: { readonly id: string; readonly secret: string },
    source: string,
    onExited: () => void,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(new EngineError('The keeper process has ended.'))
        return
      }
      const onFailed = (error: Error) => reject(new EngineError(error.message, { cause: error }))
      this.#children.set(
        wall.id,
        newChild({ onSpawned: resolve, onFailed, onExited: () => onExited() }),
      )
      this.#tell({ do: 'wall', ...wall, source })
    })
  }

  /** Hears of a copy that a worker is going to make under this id, if that fails. */
  expectCopy(id: string, onFailed: (error: Error) => void): void {
    this.#children.set(id, newChild({ onFailed, onExited: () => undefined }))
    this.#requireAnswer()
  }

  /** Stops to expect a copy that has not been begun. */
  unexpectCopy(id: string): void {
    if (this.#children.get(id)?.pid === null) this.#children.delete(id)
    this.#closeIfEmpty()
  }

  /** Hears when a copy has ended. */
  watchCopy({ id, pid }: Copy, onExited: () => void): void {
    this.#children.set(id, { ...newChild({ onExited }), pid })
  }

  /** Says that Node reads the worker's output now. */
  attached(id: string): void {
    this.#tell({ do: 'attached', id })
  }

  /** Sends SIGINT to the worker and its group; resolves when it is sent, or cannot be any more. */
  interrupt(id: string): Promise<void> {
    const child = this.#children.get(id)
    if (child === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      child.onInterrupted.push(resolve)
      this.#tell({ do: 'interrupt', id })
      this.#requireAnswer()
    })
  }

  /** Resolves when each copy that the worker has begun to make of itself is there, or has failed. */
  settle(id: string): Promise<void> {
    const child = this.#children.get(id)
    if (child === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      child.onSettled.push(resolve)
      this.#tell({ do: 'settle', id })
      this.#requireAnswer()
    })
  }

  /** Sends SIGKILL to the worker and its group, for somebody who waits for that. */
  kill(id: string): void {
    this.drop(id)
    this.#requireAnswer()
  }

  /** The same for what nobody waits for. */
  drop(id: string): void {
    this.#tell({ do: 'kill', id })
  }

  /** Has the keeper end itself and everything below it; {@link ended} tells when. */
  close(): void {
    this.#link.ref()
    this.#link.input.end()
    this.#giveTime()
  }

  /** For what is waited for: where this keeper hangs, that ends with the walls that it is in. */
  #requireAnswer(): void {
    // Who would kill an engine's own keeper could not end what that keeps.
    if (this.#isWalled) this.#tell({ do: 'answer' })
    this.#giveTime()
  }

  #giveTime(): void {
    if (!this.#isWalled || this.#gone) return
    const giveUp = () => {
      if (this.#gone || !this.#patience.includes(timer)) return
      this.#hangs = true
      this.#link.kill()
    }
    // If Node itself was busy all the time, the answer is there and is heard now.
    const timer = setTimeout(() => setImmediate(giveUp), ANSWER_MS).unref()
    this.#patience.push(timer)
  }

  #tell(command: object): void {
    if (!this.#gone) this.#link.input.write(JSON.stringify(command) + '\n')
  }

  #hear(said: KeeperEvent): void {
    const event = this.#isWalled ? this.#seenFromOutside(said) : said
    if (event.event === 'hello') this.#onHello()
    if (event.event === 'answer') clearTimeout(this.#patience.shift())
    if (event.event === 'hello' || event.event === 'answer' || event.id === undefined) return
    if (event.event === 'checkpoint') {
      this.#children.get(event.worker)?.onCopy(event)
      return
    }
    const child = this.#children.get(event.id)
    if (child === undefined) return
    if (event.event === 'spawned') {
      child.pid = event.pid
      child.onSpawned(event.pid)
    } else if (event.event === 'interrupted') child.onInterrupted.shift()?.()
    else if (event.event === 'settled') child.onSettled.shift()?.()
    else if (event.event === 'stuck') child.onStuck()
    else if (event.event === 'template') child.onTemplate(event.threads, event.failed)
    else if (event.event === 'failed') {
      child.onFailed(new StartError(event.message))
      if (child.pid === null) {
        this.#lose(event.id, { code: null, signal: null, description: 'could not be started' })
      }
    } else this.#lose(event.id, describeExit(event.code, event.signal))
  }

  /** With what Node calls the process, as far as it is still there. */
  #seenFromOutside<T extends KeeperEvent>(event: T): T {
    if (!('pid' in event)) return event
    return { ...event, pid: outsidePid(this.#link.pid() ?? 0, event.pid, this.#link.deep) ?? 0 }
  }

  #lose(id: string, exit: Exit): void {
    const child = this.#children.get(id)
    this.#children.delete(id)
    if (child === undefined) return
    for (const resolve of [...child.onInterrupted, ...child.onSettled]) resolve()
    child.onFailed(new StartError(`The Python process ${exit.description}.`))
    child.onExited(exit)
    this.#closeIfEmpty()
  }

  /** Walls are for one session: without a process or a checkpoint that could go on, it has none. */
  #closeIfEmpty(): void {
    if (this.#isWalled && this.#children.size === 0) this.close()
  }

  #loseAll(reason: string): void {
    const description = `was ended with its keeper process${reason === '' ? '' : `, which failed: ${reason}`}`
    const exit = this.#hangs ? HUNG : { code: null, signal: null, description }
    for (const [id, child] of this.#children) {
      // Walls take all that is inside along; and what was said of pids there is not to be relied on.
      if (!this.#isWalled) killGroup(child.pid)
      this.#lose(id, exit)
    }
  }
}

const HUNG: Exit = {
  code: null,
  signal: 'SIGKILL',
  description: `was killed with its sandbox, whose keeper did not answer for ${ANSWER_MS} ms`,
}

/** Null for a line that is none of the keeper's: a wrapper around Python may print, too. */
function eventIn(line: string): z.infer<typeof keeperEvent> | null {
  try {
    return keeperEvent.parse(JSON.parse(line))
  } catch {
    return null
  }
}

function newChild(
  listeners: Partial<Omit<Child, 'onInterrupted' | 'onSettled' | 'pid'>> & Pick<Child, 'onExited'>,
): Child {
  const nothing = () => undefined
  return {
    pid: null,
    onTemplate: nothing,
    onSpawned: nothing,
    onFailed: nothing,
    onCopy: nothing,
    onStuck: nothing,
    onInterrupted: [],
    onSettled: [],
    ...listeners,
  }
}

function startKeeper(
  name: string,
  [file = '', ...args]: readonly string[],
  deep: number,
): KeeperLink {
  const keeper = execa(file, args, {
    detached: true, // its own session: what a terminal sends to Node does not reach Python
    cleanup: false,
    buffer: false,
    reject: false,
    extendEnv: false,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let errors = ''
  keeper.stderr.on(
    'data',
    (chunk: Buffer) => (errors = (errors + String(chunk)).slice(-MAX_TROUBLE)),
  )
  const trouble = () => errors.trim()
  let inner: number | null = null
  // Inside of walls it is the first process; what was started here is bubblewrap.
  const pid = () =>
    (inner ??= deep === 0 ? (keeper.pid ?? null) : outsidePid(keeper.pid ?? 0, 1, deep))
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout, keeper.stderr]) {
    ;(stream as unknown as { unref(): void }).unref()
  }
  return {
    name,
    input: keeper.stdin,
    lines: createInterface({ input: keeper.stdout }),
    ended: keeper.then(({ failed, signal, originalMessage }) => {
      if (!failed) return ''
      const lastWords = trouble().split('\n').at(-1) ?? ''
      return lastWords || (signal ?? originalMessage ?? '')
    }),
    trouble,
    ref: () => keeper.ref(),
    kill: () => {
      killProcess(pid())
      keeper.kill('SIGKILL')
    },
    pid,
    deep,
  }
}

/** Where its keeper has died, a worker dies with it (Linux), but not what its code started. */
function killGroup(pid: number | null): void {
  killProcess(pid === null ? null : -pid)
}

function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // Code has made folders in it that nobody may look into; nobody is to wait for that.
  }
}

function killProcess(pid: number | null): void {
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL')
  } catch {
    // nothing is left of it
  }
}

function describeExit(code: number | null, signal: string | null): Exit {
  if (signal === null) return { code, signal, description: `exited with code ${code ?? '?'}` }
  const memory = signal === 'SIGKILL' ? ' (by hand, or by the system when memory ran out)' : ''
  return { code, signal, description: `was killed by ${signal}${memory}` }
}
