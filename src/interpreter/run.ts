/** One run as an interpreter is asked for it, and all that is known of it when its call is answered. */
import type { FileChanges, Recording } from '../files/recording.js'
import type {
  EchoMode,
  Exit,
  Inputs,
  OnCall,
  OnInput,
  Restored,
  RunReply,
  RunUsage,
  ValueForm,
  VariablesRequest,
} from '../engine/engine.js'
import type { Limit, RunLimits } from './clocks.js'
import type { DetachedRun } from './detached.js'
import type { Execution, LiveListener } from './execution.js'
import type { Exceeded } from './limit-watch.js'
import type { StopReason } from './stop.js'

/**
 * What became of the session's variables: they are as they were, as after an earlier run, or none
 * but those of `initCode`.
 */
export type SessionState = 'kept' | 'restored' | 'lost'

/** What happens to a run that reaches a limit: it is stopped, or goes on without its call. */
export type OnTimeout = 'interrupt' | 'detach'

/** One run as the toolset asks for it. Its limits begin when its code starts. */
export interface ExecuteRequest extends RunLimits {
  readonly code: string
  readonly echo: EchoMode
  readonly resultVarName: string | null
  readonly resultForm: ValueForm
  /** Encodes the variables that are set before the code runs; null for none. */
  readonly inputs: (() => Promise<Inputs>) | null
  /** Null: it is a run. Else it has no code, no number and no trace: it only asks about variables. */
  readonly asks: Omit<VariablesRequest, 'executionCount'> | null
  /** Whether its call answers a result. If not, what there is to tell is left for the next one. */
  readonly hasResult: boolean
  readonly onTimeout: OnTimeout
  readonly signal: AbortSignal | undefined
  /** Hears what the run emits until its call is answered; null: nobody does. */
  readonly onOutput: LiveListener | null
  /** Answers what the code asks; null: nobody can be asked. */
  readonly onInput: OnInput | null
  /** Answers calls of the host's functions; null where there are none. */
  readonly onCall: OnCall | null
  /** Hears what came of it, whatever its call is answered; null: nobody does. */
  readonly witness: RunWitness | null
  /** Follows which files it changes; null: nobody does. */
  readonly recording: Recording | null
}

/** Hears once what came of a run, when its session has done with it. */
export interface RunWitness {
  /** It has run; the call may have been answered or rejected before. */
  ended(run: FinishedRun): void
  /**
   * None of its code has run.
   *
   * @param executionCount - its number; null where its turn never came
   */
  failed(error: unknown, executionCount: number | null): void
}

/** A process was replaced by a new one. */
export interface Restart {
  /** What became of the old one: "was killed by SIGSEGV". */
  readonly reason: string
  /** Whether a new process serves now. */
  readonly restarted: boolean
  /** Why none does. */
  readonly trouble?: string
  /** It was no fault: the old one was ended by a limit of the toolset's sessions. */
  readonly isPlanned?: true
}

/** What a new process has of the variables of the old one. */
export type SetBack =
  | {
      readonly state: 'restored'
      /** The last run that the new process knows of; 0: only `initCode`. */
      readonly to: number
      /** The last run that the old one knew of. */
      readonly from: number
      readonly restored: Restored | null
    }
  | {
      readonly state: 'lost'
      /** Why there was no checkpoint: completes "because"; empty where that is not known. */
      readonly noCheckpoint: string
    }

/** All that is known of a run that has ended, or whose call is answered because it goes on detached. */
export interface FinishedRun {
  readonly execution: Execution
  readonly late: readonly Execution[]
  /** Null if the process died in this run, or if the run goes on. */
  readonly reply: RunReply | null
  readonly durationMs: number
  /** How many runs its session may have, if this was the last of them; else null. */
  readonly lastOf: number | null
  /** What it has used of the machine; null if it goes on, or none of its code has run. */
  readonly usage: RunUsage | null
  /** How long it waited for what its interpreter had to do before. */
  readonly queuedMs: number
  /** The files that it has changed; none yet if it goes on. */
  readonly files: FileChanges
  /** Its `execution_id`, if it was detached; null if it was not. */
  readonly executionId: string | null
  /** The limit at which it was detached, if it goes on; null if it has ended. */
  readonly goesOn: Limit | null
  /** Why the run was asked to stop before its end; null if it was not. */
  readonly stopped: StopReason | null
  /** The limit of its interpreter that it has gone over, as far as that is known; null: none. */
  readonly exceeded: Exceeded | null
  /** How the process died in this run; null if it did not. */
  readonly death: Exit | null
  /** A replaced process: in this run, or since the one before. */
  readonly restart: Restart | null
  /** What a replaced process cost; null if none was, or none has taken its place. */
  readonly setBack: SetBack | null
  /** Detached runs that have ended, which nobody has been told of yet. */
  readonly ended: readonly DetachedRun[]
}
