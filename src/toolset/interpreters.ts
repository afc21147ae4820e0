/** The interpreters of a toolset, which client each belongs to, and how many there may be. */
import { v4 as uuid } from 'uuid'
import { TooManySessionsError, UnknownInterpreterError } from '../errors.js'
import type { Checkpoint, Engine, InterpreterSpec } from '../engine/engine.js'
import { Interpreter, type InterpreterSettings } from '../interpreter/interpreter.js'
import { Expiry } from './expiry.js'
import { Recent } from './recent.js'

/** Which interpreter is meant. */
export interface InterpreterOptions {
  /** Default: the client's session. */
  readonly interpreter_id?: string | null | undefined
  /** Restricts the call to this client's interpreters. */
  readonly client_id?: string | undefined
}

/** What there is to do if there are as many interpreters as there may be. */
export type WhenFull = 'refuse' | 'evict'

/** How many interpreters there may be, and for how long. */
export interface SessionLimits {
  /** How long one may be idle, in ms; 0: for ever. */
  readonly sessionIdleMs: number
  /** 0: any number. */
  readonly maxSessions: number
  readonly whenFull: WhenFull
}

/** Hears of interpreters that are made, and of those that are ended and not on request. */
export interface LifeListener {
  made(interpreter: Interpreter): void
  ended(interpreter: Interpreter, reason: string): void
}

/** Makes, finds and ends interpreters. */
export class Interpreters {
  readonly #engine: Engine
  readonly #spec: InterpreterSpec
  readonly #settings: InterpreterSettings
  readonly #limits: SessionLimits
  readonly #listener: LifeListener
  readonly #byId = new Map<string, Interpreter>()
  /** The interpreter that a client's runs use when they name none. */
  readonly #sessions = new Map<string, Interpreter>()
  readonly #expiry: Expiry
  /** Those that are being ended, and not on request. */
  readonly #ending = new Set<Promise<void>>()
  /** How sessions were ended whose clients have not been told of it yet, by client. */
  readonly #endedSessions = new Recent<string>()
  /** How interpreters were ended, by id. */
  readonly #endedIds = new Recent<{ readonly clientId: string; readonly reason: string }>()

  constructor(
    engine: Engine,
    spec: InterpreterSpec,
    settings: InterpreterSettings,
    limits: SessionLimits,
    listener: LifeListener,
  ) {
    this.#engine = engine
    this.#spec = spec
    this.#settings = settings
    this.#limits = limits
    this.#listener = listener
    const { sessionIdleMs } = limits
    const idle = `was ended because the session had been idle for ${duration(sessionIdleMs)}`
    this.#expiry = new Expiry(
      sessionIdleMs,
      () => [...this.#byId.values()],
      (interpreter) => this.#end(interpreter, idle),
    )
  }

  /**
   * The client's session, made on first use; its process starts with its first run.
   *
   * @throws TooManySessionsError
   */
  session(clientId: string): Interpreter {
    const existing = this.existingSession(clientId)
    if (existing !== undefined) return existing
    const interpreter = this.#make(clientId, null, this.#endedSessions.get(clientId))
    this.#beSession(interpreter)
    return interpreter
  }

  /** The client's session, if it has one. */
  existingSession(clientId: string): Interpreter | undefined {
    return this.#sessions.get(clientId)
  }

  /** How the session ended that this client had, if it has not been told of it yet. */
  howSessionEnded(clientId: string): string | undefined {
    return this.#endedSessions.get(clientId)
  }

  /** When an interpreter will be ended, if it stays idle; null while it is busy, or if it never is. */
  expiresAt(interpreter: Interpreter): Date | null {
    return this.#expiry.expiresAt(interpreter)
  }

  /** An interpreter by its id; `only` hides those of other clients. */
  get(id: string, only: string | undefined): Interpreter {
    const mayBeSeen = ({ clientId }: { clientId: string }) =>
      only === undefined || clientId === only
    const interpreter = this.#byId.get(id)
    if (interpreter !== undefined && mayBeSeen(interpreter)) return interpreter
    const ended = this.#endedIds.get(id)
    throw new UnknownInterpreterError(id, ended && mayBeSeen(ended) ? ended.reason : '')
  }

  /** All interpreters, or those of one client, oldest first. */
  all(only: string | undefined): Interpreter[] {
    const all = [...this.#byId.values()]
    return only === undefined ? all : all.filter(({ clientId }) => clientId === only)
  }

  /**
   * Makes an interpreter beside the client's session, and starts it.
   *
   * @throws TooManySessionsError
   */
  async create(clientId: string): Promise<Interpreter> {
    const interpreter = this.#make(clientId, null)
    try {
      await interpreter.start()
    } catch (error) {
      await this.delete(interpreter)
      throw error
    }
    return interpreter
  }

  /** Ends an interpreter; if it was a session, the client's next run makes a new one. */
  async delete(interpreter: Interpreter): Promise<void> {
    this.#byId.delete(interpreter.id)
    if (this.#sessions.get(interpreter.clientId) === interpreter) {
      this.#sessions.delete(interpreter.clientId)
    }
    await interpreter.close()
  }

  /**
   * Makes an interpreter that goes on from another's checkpoint, as the client's session if it has
   * none yet.
   *
   * @param source - the other
   * @throws TooManySessionsError
   */
  async branch(
    source: Interpreter,
    checkpoint: Checkpoint,
    clientId: string,
    reseed: boolean,
  ): Promise<Interpreter> {
    const interpreter = this.#make(clientId, source)
    if (!this.#sessions.has(clientId)) this.#beSession(interpreter)
    try {
      await interpreter.startFrom(checkpoint, reseed)
    } catch (error) {
      await this.delete(interpreter)
      throw error
    }
    return interpreter
  }

  async close(): Promise<void> {
    this.#expiry.close()
    // Again, for one that is closing may be in the middle of a branch.
    while (this.#byId.size > 0) {
      await Promise.all(this.all(undefined).map((interpreter) => this.delete(interpreter)))
    }
    await Promise.all(this.#ending)
  }

  /**
   * @param keep - not to be ended to make room
   * @param predecessor - how the session ended that it takes the place of
   */
  #make(
    clientId: string,
    keep: Interpreter | null,
    predecessor: string | null = null,
  ): Interpreter {
    this.#makeRoom(keep)
    const interpreter = new Interpreter(
      uuid(),
      clientId,
      this.#engine,
      this.#spec,
      this.#settings,
      predecessor,
    )
    this.#byId.set(interpreter.id, interpreter)
    this.#expiry.watch()
    this.#listener.made(interpreter)
    return interpreter
  }

  #beSession(interpreter: Interpreter): void {
    this.#sessions.set(interpreter.clientId, interpreter)
    this.#endedSessions.delete(interpreter.clientId)
  }

  #makeRoom(keep: Interpreter | null): void {
    const { maxSessions, whenFull } = this.#limits
    if (maxSessions === 0 || this.#byId.size < maxSessions) return
    if (whenFull === 'refuse') throw new TooManySessionsError(maxSessions, '')
    const idle = [...this.#byId.values()].filter((one) => one !== keep && one.idleSinceMs !== null)
    const [longest] = idle.sort((a, b) => (a.idleSinceMs ?? 0) - (b.idleSinceMs ?? 0))
    if (longest === undefined) {
      throw new TooManySessionsError(maxSessions, ', and all of them are in use')
    }
    const most = `there may be ${maxSessions} (maxSessions)`
    this.#end(
      longest,
      `was ended to make room for another: ${most}, and this one had been idle for longest`,
    )
  }

  /** Ends one that nobody has asked to end. Whoever comes back to it is told. */
  #end(interpreter: Interpreter, reason: string): void {
    const { id, clientId, hasState } = interpreter
    const isSession = this.#sessions.get(clientId) === interpreter
    if (isSession && hasState) this.#endedSessions.set(clientId, reason)
    this.#endedIds.set(id, { clientId, reason })
    this.#listener.ended(interpreter, reason)
    const ending = this.delete(interpreter).finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

/** In the largest unit of which there is one at least, rounded down. */
function duration(ms: number): string {
  if (ms < SECOND_MS) return `${ms} ms`
  const [unitMs, unit] = ms < MINUTE_MS ? [SECOND_MS, 'second'] : [MINUTE_MS, 'minute']
  const number = Math.floor(ms / unitMs)
  return `${number} ${unit}${number === 1 ? '' : 's'}`
}
