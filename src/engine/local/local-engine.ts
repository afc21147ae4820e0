/** The engine that runs CPython processes on this machine. */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { tmpName } from 'tmp-promise'
import { z } from 'zod'
import { Channel } from '../../channel/channel.js'
import { EXIT_NO_PYZMQ } from '../../channel/protocol.js'
import { findPython } from '../../environment/find-python.js'
import { requireEnforceable } from '../../environment/limit-enforcement.js'
import { probePython } from '../../environment/probe-python.js'
import { pythonEnvironment } from '../../environment/python-environment.js'
import { installPyzmq } from '../../environment/pyzmq.js'
import {
  CheckpointError,
  ClosedError,
  EngineError,
  SandboxError,
  StartError,
} from '../../errors.js'
import { requireFolder } from '../../environment/workdir.js'
import { MAX_TIMEOUT_MS, parse } from '../../parse-options.js'
import type {
  Checkpoint,
  Engine,
  InterpreterSpec,
  ResourceLimits,
  ResumeOptions,
  StartedBy,
  Worker,
  WorkerListener,
} from '../engine.js'
import { Cgroup } from './cgroup.js'
import { inTime } from './in-time.js'
import { Keeper, WAITING } from './keeper.js'
import { LocalCheckpoint } from './local-checkpoint.js'
import { limitVariables } from './limits.js'
import { EndedBeforeReady, LocalWorker, type WorkerStart } from './local-worker.js'
import { keeperScript } from './python-package.js'
import { requireSeparate, SANDBOXED_ENVIRONMENT } from './sandbox.js'
import { Templates, type TemplateFor, type TemplateState } from './templates.js'
import { Walls } from './walls.js'

const DEFAULT_START_TIMEOUT_MS = 60_000
/** What a checkpoint may take to go on; one that takes longer is no good. */
const RESUME_TIMEOUT_MS = 10_000

const FOLDER_PREFIX = 'python-interpreter'

/** Whether a folder, by its name, is the private one of an engine. */
export function isEngineFolder(name: string): boolean {
  return new RegExp(`^${FOLDER_PREFIX}-\\d+-\\w+$`).test(name) // as tmp makes it
}

/** The default of `preload`: what data-science sessions spend their first second on. */
export const DEFAULT_PRELOAD = ['numpy', 'pandas', 'matplotlib.pyplot'] as const

/** Options of {@link LocalEngine}. */
export interface LocalEngineOptions {
  /** How long a new process may take until it has run `initCode`, in ms. @default 60000 */
  readonly startTimeoutMs?: number
  /**
   * How processes are started: `fork` from a warm template, in milliseconds and with the `preload`
   * imported; `spawn` as a new program; `auto` forks as soon as a template is ready, where forking
   * is safe. @default 'auto'
   */
  readonly start?: 'auto' | 'fork' | 'spawn'
  /** Modules that templates import, as far as they are installed. @default DEFAULT_PRELOAD */
  readonly preload?: readonly string[]
}

const localEngineOptions = z.strictObject({
  startTimeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).default(DEFAULT_START_TIMEOUT_MS),
  start: z.enum(['auto', 'fork', 'spawn']).default('auto'),
  preload: z.array(z.string().min(1)).default([...DEFAULT_PRELOAD]),
})

/** What all workers of an engine share. */
interface Host {
  readonly folder: string
  readonly keeper: Keeper
  readonly channel: Channel
  readonly templates: Templates
  readonly walls: Walls
}

/** Where a session's processes are: directly below the engine's keeper, or inside of walls. */
interface Place {
  /** The template that can be used at once. */
  readonly now: () => TemplateState | Promise<TemplateState>
  /** The template, made unless there is one. */
  readonly warm: () => Promise<TemplateState>
  readonly fork: (template: string) => Promise<Seat>
  readonly spawn: () => Promise<Seat>
}

/** Who keeps a process that is to be started, and what it is forked from; null: a new program. */
interface Seat {
  readonly keeper: Keeper
  readonly source: string | null
}

interface StartDetails {
  readonly python: string
  readonly pyzmqPath: string | null
  readonly signal: AbortSignal
  readonly listener: WorkerListener
}

/** Starts one Python process per interpreter, under a keeper that ends them all when Node ends. */
export class LocalEngine implements Engine {
  readonly #options: Required<LocalEngineOptions>
  // By the Python that lacks pyzmq: the folder that has one for it.
  readonly #pyzmqPaths = new Map<string, Promise<string>>()
  readonly #cgroups = new Set<Cgroup>()
  #host: Promise<Host> | null = null
  #closed = false

  /** @throws InvalidOptionError for an option of the wrong type; nothing is started yet. */
  constructor(options: LocalEngineOptions = {}) {
    this.#options = parse(localEngineOptions, options, 'new LocalEngine()')
  }

  async start(
    spec: InterpreterSpec,
    listener: WorkerListener,
    signal: AbortSignal,
  ): Promise<Worker> {
    if (process.platform === 'win32') {
      throw new StartError('LocalEngine does not run on Windows yet. Use it inside of WSL 2.')
    }
    await requireFolder(spec.workdir)
    requireEnforceable(spec.limits)
    const { workdir, sandbox } = spec
    const python = await findPython({ python: spec.python, workdir })
    if (sandbox !== null) requireSeparate({ python, workdir, sandbox })
    const start = async (pyzmqPath: string | null): Promise<Worker> => {
      const host = await this.#liveHost(python)
      const details = { python, pyzmqPath, signal, listener }
      return this.#startWorker(host, spec, details).catch(async (error: unknown) => {
        // Its keeper has ended meanwhile; another one can do it.
        if (signal.aborted || host.keeper.alive) throw error
        return this.#startWorker(await this.#liveHost(python), spec, details)
      })
    }
    const pyzmqPath = (await this.#pyzmqPaths.get(python)) ?? null
    try {
      return await start(pyzmqPath)
    } catch (error) {
      if (signal.aborted || !(error instanceof EndedBeforeReady || error instanceof StartError)) {
        throw error
      }
      if (error instanceof EndedBeforeReady && error.exit.code === EXIT_NO_PYZMQ && !pyzmqPath) {
        return start(await this.#installPyzmq(python))
      }
      await probePython(python) // says what is wrong with the Python itself, if anything is
      throw error instanceof StartError ? error : new StartError(error.message, { cause: error })
    }
  }

  async resume(
    checkpoint: Checkpoint,
    resume: ResumeOptions,
    spec: InterpreterSpec,
    listener: WorkerListener,
    signal: AbortSignal,
  ): Promise<Worker> {
    const host = await this.#host
    if (
      !(checkpoint instanceof LocalCheckpoint) ||
      host === null ||
      !checkpoint.keeper.alive ||
      checkpoint.gone
    ) {
      throw new CheckpointError(`The checkpoint ${checkpoint.id} is gone.`)
    }
    const start: Omit<WorkerStart, 'cgroup'> = {
      ...host,
      ...spec,
      keeper: checkpoint.keeper,
      source: checkpoint.id,
      resume,
      startedBy: { method: 'checkpoint', reason: '' },
      unenforcedLimits: requireEnforceable(spec.limits),
      // These it has already.
      python: '',
      pyzmqPath: null,
      env: {},
      timeoutMs: RESUME_TIMEOUT_MS,
      signal,
    }
    const begin = () => {
      const cgroup = resume.branch ? this.#makeCgroup(spec.limits) : checkpoint.cgroup
      return LocalWorker.start({ ...start, cgroup }, listener)
    }
    try {
      return await begin().catch((error: unknown) => {
        // Whatever has ended it need not be the checkpoint's fault, which is there yet.
        if (signal.aborted || checkpoint.gone || !(error instanceof EndedBeforeReady)) throw error
        return begin()
      })
    } catch (error) {
      if (signal.aborted || error instanceof ClosedError) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new CheckpointError(`The checkpoint ${checkpoint.id} cannot go on: ${why}`, {
        cause: error,
      })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const host = await this.#host?.catch(() => null)
    if (host == null) return
    await host.walls.close()
    host.keeper.close()
    await host.keeper.ended
    // The keeper does this itself, unless it was killed.
    await rm(host.folder, { recursive: true, force: true })
    host.channel.close()
    await Promise.all([...this.#cgroups].map(({ removed }) => removed))
  }

  /** The control group of a new session, removed with the last of its processes. */
  #makeCgroup(limits: ResourceLimits): Cgroup | null {
    const cgroup = Cgroup.make(limits)
    if (cgroup === null) return null
    this.#cgroups.add(cgroup)
    void cgroup.removed.then(() => this.#cgroups.delete(cgroup))
    return cgroup
  }

  /** Forks where that is wanted and possible, else spawns. */
  async #startWorker(host: Host, spec: InterpreterSpec, details: StartDetails): Promise<Worker> {
    const { python, pyzmqPath, signal, listener } = details
    const { startTimeoutMs: timeoutMs, start: wanted, preload } = this.#options
    const variables = { ...limitVariables(spec.limits), ...spec.env }
    const env = {
      ...pythonEnvironment(python, variables, spec.inheritEnv),
      ...(spec.sandbox === null ? {} : SANDBOXED_ENVIRONMENT),
    }
    const unenforcedLimits = requireEnforceable(spec.limits)
    const place = placeOf(host, spec, { python, pyzmqPath, env, preload, walls: null })
    const start = async ({ keeper, source }: Seat, startedBy: StartedBy) => {
      const { channel } = host
      const cgroup = this.#makeCgroup(spec.limits)
      const own = { channel, keeper, source, startedBy, resume: null, cgroup }
      const worker = {
        ...spec,
        unenforcedLimits,
        ...own,
        python,
        pyzmqPath,
        env,
        timeoutMs,
        signal,
      }
      return LocalWorker.start(worker, listener).catch((error: unknown) => {
        if (keeper !== host.keeper) keeper.close()
        throw error
      })
    }
    const state = await this.#template(place, signal)
    if (state.fit) {
      try {
        return await start(await place.fork(state.id), { method: 'fork', reason: '' })
      } catch (error) {
        if (signal.aborted || !(error instanceof EngineError)) throw error
      }
    } else if (wanted === 'fork') {
      throw new StartError(`Python cannot be forked: ${state.reason}. Use start: 'auto'.`)
    }
    const reason = state.fit ? 'its template could not be forked' : state.reason
    const worker = await start(await place.spawn(), { method: 'spawn', reason })
    // Not earlier: importing the modules would slow down the first session's start.
    if (wanted === 'auto') void place.warm().catch(() => undefined)
    return worker
  }

  /** The template to fork from, or why there is none. */
  async #template(place: Place, signal: AbortSignal): Promise<TemplateState> {
    const { start, startTimeoutMs } = this.#options
    if (start === 'spawn') return { fit: false, reason: "start: 'spawn' was asked for" }
    if (process.platform !== 'linux') return { fit: false, reason: 'only Linux has subreapers' }
    if (start === 'auto') return place.now()
    const reason = `its template was not ready within ${startTimeoutMs} ms (startTimeoutMs)`
    let abandon: () => void = () => undefined
    const abandoned = new Promise<never>((_, reject) => {
      abandon = () => reject(signal.reason as Error)
    })
    signal.addEventListener('abort', abandon)
    if (signal.aborted) abandon()
    const warm = Promise.race([place.warm(), abandoned])
    return inTime(warm, startTimeoutMs, () => new StartError(reason))
      .catch((error: unknown) => {
        if (error instanceof SandboxError) throw error
        return { fit: false, reason } as const
      })
      .finally(() => signal.removeEventListener('abort', abandon))
  }

  async #liveHost(python: string): Promise<Host> {
    if (this.#closed) throw new ClosedError('The engine')
    this.#host ??= openHost(python)
    const opening = this.#host
    const host = await opening.catch((error: unknown) => {
      if (this.#host === opening) this.#host = null
      throw error
    })
    if (host.keeper.alive) return host
    if (this.#host === opening) {
      const renewed = withNewKeeper(host, python)
      this.#host = renewed.catch(() => host) // who needs it next tries again
      await renewed
    }
    return this.#liveHost(python)
  }

  #installPyzmq(python: string): Promise<string> {
    const installed = this.#pyzmqPaths.get(python) ?? installPyzmq(python)
    this.#pyzmqPaths.set(python, installed)
    installed.catch(() => this.#pyzmqPaths.delete(python))
    return installed
  }
}

function placeOf(
  { keeper, templates, walls }: Host,
  { workdir, sandbox }: InterpreterSpec,
  template: TemplateFor,
): Place {
  if (sandbox === null) {
    return {
      now: () => templates.now(template),
      warm: () => templates.warm(template),
      fork: (source) => Promise.resolve({ keeper, source }),
      spawn: () => Promise.resolve({ keeper, source: null }),
    }
  }
  const { python, pyzmqPath } = template
  const inside = { python, pyzmqPath, workdir, sandbox }
  return {
    now: () => walls.now(inside, template),
    warm: () => walls.warm(inside, template),
    fork: async (source) => ({ keeper: await walls.fork(inside, source), source: WAITING }),
    spawn: async () => ({ keeper: await walls.build(inside), source: null }),
  }
}

async function openHost(python: string): Promise<Host> {
  const folder = await tmpName({ prefix: FOLDER_PREFIX })
  const keeper = Keeper.start(python, keeperScript, folder)
  try {
    await keeper.ready
    const socket = join(folder, 'channel')
    const channel = await Channel.bind(`ipc://${socket}`)
    const templates = new Templates(keeper)
    return { folder, keeper, channel, templates, walls: new Walls(folder, socket) }
  } catch (error) {
    keeper.close()
    await keeper.ended
    await rm(folder, { recursive: true, force: true })
    if (error instanceof StartError) throw error
    throw new StartError(
      `No socket can be made in the folder for temporary files, ${dirname(folder)}: ` +
        `${error instanceof Error ? error.message : String(error)}. ` +
        'Set TMPDIR to a folder that can be written and has a short path.',
      { cause: error },
    )
  }
}

/** Goes on where the keeper was killed: sessions inside of walls have keepers of their own, and live. */
async function withNewKeeper(host: Host, python: string): Promise<Host> {
  const keeper = Keeper.start(python, keeperScript, host.folder)
  await keeper.ready
  return { ...host, keeper, templates: new Templates(keeper) }
}
