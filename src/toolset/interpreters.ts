/** The interpreters of a toolset, and which client each belongs to. */
import { v4 as uuid } from 'uuid'
import { UnknownInterpreterError } from '../errors.js'
import type { Checkpoint, Engine, InterpreterSpec } from '../engine/engine.js'
import { Interpreter, type InterpreterSettings } from '../interpreter/interpreter.js'

/** Which interpreter is meant. */
export interface InterpreterOptions {
  /** Default: the client's session. */
  readonly interpreter_id?: string | null | undefined
  /** Restricts the call to this client's interpreters. */
  readonly client_id?: string | undefined
}

/** Makes, finds and ends interpreters. */
export class Interpreters {
  readonly #engine: Engine
  readonly #spec: InterpreterSpec
  readonly #settings: InterpreterSettings
  readonly #byId = new Map<string, Interpreter>()
  /** The interpreter that a client's runs use when they name none. */
  readonly #sessions = new Map<string, Interpreter>()

  constructor(engine: Engine, spec: InterpreterSpec, settings: InterpreterSettings) {
    this.#engine = engine
    this.#spec = spec
    this.#settings = settings
  }

  /** The client's session, made on first use; its process starts with its first run. */
  session(clientId: string): Interpreter {
    const existing = this.existingSession(clientId)
    if (existing !== undefined) return existing
    const interpreter = this.#make(clientId)
    this.#sessions.set(clientId, interpreter)
    return interpreter
  }

  /** The client's session, if it has one. */
  existingSession(clientId: string): Interpreter | undefined {
    return this.#sessions.get(clientId)
  }

  /** An interpreter by its id; `only` hides those of other clients. */
  get(id: string, only: string | undefined): Interpreter {
    const interpreter = this.#byId.get(id)
    if (interpreter === undefined || (only !== undefined && interpreter.clientId !== only)) {
      throw new UnknownInterpreterError(id)
    }
    return interpreter
  }

  /** All interpreters, or those of one client, oldest first. */
  all(only: string | undefined): Interpreter[] {
    const all = [...this.#byId.values()]
    return only === undefined ? all : all.filter(({ clientId }) => clientId === only)
  }

  /** Makes an interpreter beside the client's session, and starts it. */
  async create(clientId: string): Promise<Interpreter> {
    const interpreter = this.#make(clientId)
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
   */
  async branch(checkpoint: Checkpoint, clientId: string, reseed: boolean): Promise<Interpreter> {
    const interpreter = this.#make(clientId)
    if (!this.#sessions.has(clientId)) this.#sessions.set(clientId, interpreter)
    try {
      await interpreter.startFrom(checkpoint, reseed)
    } catch (error) {
      await this.delete(interpreter)
      throw error
    }
    return interpreter
  }

  async close(): Promise<void> {
    // Again, for one that is closing may be in the middle of a branch.
    while (this.#byId.size > 0) {
      await Promise.all(this.all(undefined).map((interpreter) => this.delete(interpreter)))
    }
  }

  #make(clientId: string): Interpreter {
    const interpreter = new Interpreter(uuid(), clientId, this.#engine, this.#spec, this.#settings)
    this.#byId.set(interpreter.id, interpreter)
    return interpreter
  }
}
