/**
 * The process that serves an interpreter, whichever it is now: starts it, has another take the place
 * of one that has died, with as much of its state as there is, and remembers what that cost until a
 * result tells of it. Knows runs by their number only.
 */
import { CheckpointError, type ClosedError } from '../errors.js'
import type {
  Checkpoint,
  Engine,
  InterpreterSpec,
  ResumeOptions,
  Worker,
  WorkerListener,
} from '../engine/engine.js'
import { Checkpoints } from './checkpoints.js'
import type { Restart, SetBack } from './run.js'
import { KILL_REASONS } from './stop.js'

/** What a process is started with. */
export interface ProcessSettings {
  readonly engine: Engine
  readonly spec: InterpreterSpec
  /** Hears whichever process serves now. */
  readonly listener: Pick<WorkerListener, 'onStart' | 'onOutput'>
  /** Checkpoints kept of those that are made by themselves. */
  readonly checkpoints: number
  /** Aborted when no process is needed any more. */
  readonly unneeded: AbortSignal
  /** What to say then. */
  readonly closedError: () => ClosedError
  /** What became of the process that its client had before, to be told; null if there was none. */
  readonly predecessor: string | null
}

/** What results tell of, once each. */
export interface Losses {
  /** Another process serves, or is to; null: it is the same. */
  readonly restart: Restart | null
  /** What that cost; null: nothing, or it is not known yet. */
  readonly setBack: SetBack | null
}

export class LiveProcess {
  readonly checkpoints: Checkpoints
  /** The last run that the present state knows of. */
  stateOf = 0
  readonly #settings: ProcessSettings
  #worker: Worker | null = null
  #starting: Promise<Worker> | null = null
  #restart: Restart | null = null
  /** What that cost, as long as no result has told of it. */
  #setBack: SetBack | null = null
  /** The process that is to be replaced. */
  #dead: Worker | null = null

  constructor(settings: ProcessSettings) {
    this.#settings = settings
    this.checkpoints = new Checkpoints(settings.checkpoints)
    if (settings.predecessor !== null) this.#restart = planned(settings.predecessor)
  }

  /** Null while there is none. */
  get worker(): Worker | null {
    return this.#worker
  }

  get isStarting(): boolean {
    return this.#starting !== null
  }

  /** Whether its end would be a loss: it has a state, or one to go back to. */
  get hasState(): boolean {
    return this.#worker !== null || this.#restart !== null
  }

  /** Why the present state has no checkpoint: completes "because"; empty where it has one. */
  async noCheckpointReason(): Promise<string> {
    const newest = this.checkpoints.newestFirst()[0]
    if (newest?.executionCount === this.stateOf) return ''
    if (this.#worker === null) return 'it has no process now'
    const trouble = await this.#worker.checkpointTrouble()
    if (trouble !== '') return trouble
    const isOff = this.#settings.spec.checkpoint === 'off'
    return isOff ? "checkpoint: 'off' was asked for" : 'none is due yet'
  }

  /** The process, started unless it is there. */
  async live(): Promise<Worker> {
    if (this.#worker !== null) return this.#worker
    return this.#adopt((listener) =>
      this.#restart === null ? this.#start(listener) : this.#replacement(listener),
    )
  }

  /**
   * Starts as a branch of another interpreter.
   *
   * @throws CheckpointError
   */
  async startFrom(checkpoint: Checkpoint, reseed: boolean): Promise<void> {
    await this.#adopt((listener) => this.#resume(checkpoint, { branch: true, reseed }, listener))
  }

  /**
   * Goes back to a checkpoint, by its id or name, or, for null, to the newest from before the last
   * run. The process that is left ends.
   *
   * @throws CheckpointError
   */
  async goBack(idOrName: string | null): Promise<Checkpoint> {
    await this.#worker?.checkpointsSettled()
    const checkpoint =
      idOrName === null ? this.#checkpointBefore() : this.checkpoints.find(idOrName)
    const old = this.#worker
    await this.#adopt((listener) => this.#resume(checkpoint, IN_ITS_PLACE, listener))
    this.checkpoints.goBackTo(checkpoint)
    this.#forgetLosses()
    await old?.kill('was ended because its interpreter went back to a checkpoint')
    return checkpoint
  }

  /** Notes that the process has died. */
  noteDeath(reason: string): void {
    this.#dead = this.#worker ?? this.#dead
    this.#worker = null
    this.#restart = { reason, restarted: !this.#settings.unneeded.aborted }
  }

  /** Starts the next process, so that the result can say whether one serves. */
  async revive(): Promise<void> {
    const restart = this.#restart
    await this.live().catch((error: unknown) => {
      this.#restart = { reason: restart?.reason ?? '', restarted: false, trouble: String(error) }
    })
  }

  /** Ends the process on purpose: no restart to tell of. */
  async end(reason: string): Promise<void> {
    await this.#worker?.kill(reason)
    this.#worker = null
  }

  /** Puts a fresh process in the place of `old`, unless that has been done already. */
  async restart(old: Worker | null): Promise<void> {
    if (this.#worker === old) await this.end(KILL_REASONS.restart)
    this.checkpoints.startAfresh()
    this.#forgetLosses()
    this.stateOf = 0
    await this.live()
  }

  /** Ends the process, with all that there is to go back to: what comes next starts afresh. */
  async useUp(reason: string): Promise<void> {
    await this.end(reason)
    this.checkpoints.dropAll()
    this.#forgetLosses()
    this.#restart = planned(reason)
    this.stateOf = 0
  }

  /**
   * What no result has told of yet.
   *
   * @param told - whether one is about to tell of it
   */
  losses(told: boolean): Losses {
    const losses = { restart: this.#restart, setBack: this.#setBack }
    const { restart } = losses
    if (told) this.#forgetLosses()
    // Where no new process could be started yet, the result after the next start tells of that.
    if (restart?.restarted === false) this.#restart = { reason: restart.reason, restarted: true }
    return losses
  }

  #forgetLosses(): void {
    this.#restart = null
    this.#setBack = null
    this.#dead = null
  }

  #start(listener: WorkerListener): Promise<Worker> {
    const { engine, spec, unneeded } = this.#settings
    return engine.start(spec, listener, unneeded)
  }

  /** Starts the process that takes the place of one that has died. */
  async #replacement(listener: WorkerListener): Promise<Worker> {
    const from = this.stateOf
    for (const checkpoint of this.checkpoints.newestFirst()) {
      try {
        const worker = await this.#resume(checkpoint, IN_ITS_PLACE, listener)
        this.checkpoints.goBackTo(checkpoint)
        this.#noteSetBack({
          state: 'restored',
          to: checkpoint.executionCount,
          from,
          restored: worker.restored,
        })
        return worker
      } catch (error) {
        // An older one may do. This one is given up only with what the session gives up for that.
        if (this.#settings.unneeded.aborted || !(error instanceof CheckpointError)) throw error
      }
    }
    this.checkpoints.startAfresh()
    this.stateOf = 0
    const worker = await this.#start(listener)
    const noCheckpoint = (await this.#dead?.checkpointTrouble()) ?? ''
    this.#noteSetBack({ state: 'lost', noCheckpoint })
    return worker
  }

  /** Adds to what no result has told of yet: the worst of it is what the next one says. */
  #noteSetBack(setBack: SetBack): void {
    const before = this.#setBack
    if (before?.state === 'lost') return
    if (before?.state === 'restored' && setBack.state === 'restored') {
      const [to, from] = [Math.min(before.to, setBack.to), Math.max(before.from, setBack.from)]
      this.#setBack = { ...setBack, to, from }
    } else this.#setBack = setBack
  }

  async #resume(
    checkpoint: Checkpoint,
    options: ResumeOptions,
    listener: WorkerListener,
  ): Promise<Worker> {
    const { engine, spec, unneeded } = this.#settings
    const worker = await engine.resume(checkpoint, options, spec, listener, unneeded)
    this.stateOf = checkpoint.executionCount
    return worker
  }

  /** Makes what `start` starts the live process. */
  async #adopt(start: (listener: WorkerListener) => Promise<Worker>): Promise<Worker> {
    const { listener, unneeded, closedError } = this.#settings
    if (unneeded.aborted) throw closedError()
    let adopted: Worker | null = null
    // A worker's first checkpoint may be heard of before it is known to be ready.
    let early: Checkpoint[] | null = []
    this.#starting = start({
      ...listener,
      onCheckpoint: (checkpoint) => {
        if (early !== null) early.push(checkpoint)
        else if (adopted !== null && adopted === this.#worker) this.checkpoints.add(checkpoint)
        else checkpoint.drop()
      },
    })
    try {
      const worker = await this.#starting
      if (this.#settings.unneeded.aborted) {
        await worker.kill(KILL_REASONS.close)
        throw closedError()
      }
      adopted = this.#worker = worker
      for (const checkpoint of early.splice(0)) this.checkpoints.add(checkpoint)
      void worker.exited.then((exit) => {
        if (this.#worker === worker) this.noteDeath(exit.description)
      })
      return worker
    } finally {
      for (const checkpoint of early) checkpoint.drop()
      early = null
      this.#starting = null
    }
  }

  #checkpointBefore(): Checkpoint {
    const checkpoint = this.checkpoints.before(this.stateOf)
    if (checkpoint !== undefined) return checkpoint
    const isAlways = this.#settings.spec.checkpoint === 'always'
    const always = "The toolset's option checkpoint: 'always' makes one after every run."
    throw new CheckpointError(
      `There is no checkpoint from before run ${this.stateOf}, the last one. The operation ` +
        '"list" shows those that there are; make one before the next risky step ' +
        `(the operation "checkpoint").${isAlways ? '' : ` ${always}`}`,
    )
  }
}

function planned(reason: string): Restart {
  return { reason, restarted: true, isPlanned: true }
}

/** How a process goes on for one that is gone, or is to go. */
const IN_ITS_PLACE: ResumeOptions = { branch: false, reseed: false }
