/** What a programmer passes to the toolset and its calls. */
import type {
  CheckpointPolicy,
  EchoMode,
  Engine,
  OnInput,
  ResourceLimits,
} from '../engine/engine.js'
import type { FrameworkTool, HostTool } from '../host-tools/host-tool.js'
import type { HostToolRules } from '../host-tools/host-tools.js'
import type { OnTimeout } from '../interpreter/run.js'
import type { AuditListener, Logger } from './audit.js'
import type { WhenFull } from './interpreters.js'
import type { ModulesOption } from './modules.js'
import type { OnOutput } from './output-listener.js'
import type { SecretValues } from './redaction.js'
import type { RunResult } from './result.js'

/** Options of {@link PythonInterpreterToolSet}. */
export interface PythonInterpreterToolSetOptions {
  /** The toolset's name. @default 'python' */
  readonly name?: string
  /** Where code runs, and where figures are saved. @default the current directory */
  readonly workdir?: string
  /** What runs the code; closing it is the caller's. @default a LocalEngine of its own */
  readonly engine?: Engine
  /** Code that every new Python process runs first; null for none. @default matplotlib set-up */
  readonly initCode?: string | null
  /**
   * A Python executable or the folder of a virtual environment.
   * @default `$VIRTUAL_ENV`, else `<workdir>/.venv`, else `python3` on the PATH
   */
  readonly python?: string
  /** Environment variables for Python. */
  readonly env?: Readonly<Record<string, string>>
  /** Host variables that Python sees beside the fixed list: all, or those named. @default false */
  readonly inheritEnv?: boolean | readonly string[]
  /** Which top-level expressions show their value. @default 'all' */
  readonly echo?: EchoMode
  /**
   * Time limit of a run in ms from when its code starts, not counting its wait in the queue; 0 for
   * none. @default 120000, or `maxTimeoutMs` if that is less
   */
  readonly timeoutMs?: number
  /** How long a run may show no output, in ms; 0 for no such limit. @default 0 */
  readonly idleTimeoutMs?: number
  /**
   * The longest limit that a run can have, in ms, and the end of runs that were detached; a call that
   * asks for more is refused. 0 for none. @default 0
   */
  readonly maxTimeoutMs?: number
  /**
   * What each interpreter and its runs may use; one that cannot be enforced here is refused, unless
   * with `bestEffort`. docs/limits.md says what each holds. @default none
   */
  readonly limits?: ResourceLimits
  /**
   * Usual `limits`, where those name no others: `small`, 1 CPU and 2 GB of memory; `medium`, 2 and
   * 4 GB; `large`, 4 and 16 GB. @default none
   */
  readonly tier?: Tier
  /** Hears once of each detached run that has ended; what it throws is not caught. */
  readonly onDetachedRunEnd?: DetachedRunEndListener
  /**
   * Which top-level modules the code of runs may import: all but those in `deny` or, with `allow`, those
   * and the standard library. A guide for models, no wall. @default all
   */
  readonly modules?: ModulesOption
  /**
   * Functions of TypeScript that Python code can call by these names, plainly or, as `name.aio`,
   * awaitable: those of {@link hostTool}, or tools of an agent framework. @default none
   */
  readonly hostTools?: Readonly<Record<string, HostTool | FrameworkTool>>
  /** Who decides about their calls, and what bounds them. */
  readonly hostToolRules?: HostToolRules
  /**
   * Values of at least 4 characters that are replaced by `[redacted]` in all that code says and results
   * tell. docs/sessions.md lists what is not redacted.
   */
  readonly secrets?: SecretValues
  /**
   * Hears of each run that was asked for, when it has ended or will never begin; is not waited for. What
   * it throws breaks no run: it is logged, or without `logger` a warning of Node's.
   */
  readonly onAudit?: AuditListener
  /**
   * Gets a line of level info for each run, warn where a process was replaced, and error where none could
   * be started: a logger of pino's, an object with the same methods, or `console`.
   */
  readonly logger?: Logger
  /**
   * How long an interpreter may be idle before it is ended, with its checkpoints, in ms; the first result
   * of a client that comes back says so. 0 for as long as the toolset. @default 0
   */
  readonly sessionIdleMs?: number
  /** How many interpreters there may be, sessions and those made beside them; 0 for any number. @default 0 */
  readonly maxSessions?: number
  /**
   * What happens if one more is needed: it is refused with a {@link TooManySessionsError}, or takes the
   * place of the one that has been idle for longest, never of one in use. @default 'refuse'
   */
  readonly whenFull?: WhenFull
  /**
   * How many runs an interpreter may have: after the last one its process is ended, and the next one
   * starts afresh and says so. 0 for any number. @default 0
   */
  readonly maxRunsPerSession?: number
  /** How long an interrupted run may take to stop before its process is killed. @default 5000 */
  readonly interruptGraceMs?: number
  /**
   * Bytes kept of each output stream of a run: head and tail. What is longer is written as a whole to
   * a file in `<workdir>/.outputs`. @default 1000000
   */
  readonly maxOutputBytes?: number
  /**
   * When checkpoints are made, to which a session goes back if its process dies: after runs, as far
   * as they cost no more than a twentieth of the time; after each run; or only when asked for.
   * @default 'auto'
   */
  readonly checkpoint?: CheckpointPolicy
  /** How many of those are kept. @default 2 */
  readonly checkpoints?: number
  /**
   * Whether each session is inside of walls: its own processes, temporary files and network without any
   * way out, and of other files only those that programs need, read-only but for the workdir; `read`
   * and `write` name more, relative to the workdir. Linux with bubblewrap. @default false
   */
  readonly sandbox?:
    boolean | { readonly read?: readonly string[]; readonly write?: readonly string[] }
  /**
   * Whether matplotlib figures are captured, into which folder (relative to the workdir and below it,
   * default `.matplotlib_figs`), as what (default `png`) and with how many dots per inch (default: each
   * figure's own).
   */
  readonly figures?:
    boolean | { readonly folder?: string; readonly format?: 'png' | 'svg'; readonly dpi?: number }
}

/** The name of usual limits. */
export type Tier = 'small' | 'medium' | 'large'

/** Hears of a detached run that has ended: its result, and whose it is. */
export type DetachedRunEndListener = (end: {
  readonly client_id: string
  readonly result: RunResult
}) => void

/** Options of one run; the snake_case ones are the tool's, the others a programmer's. */
export interface RunOptions {
  /** The variable whose value `result` carries. */
  readonly result_var_name?: string | null | undefined
  /** As what `result` comes: JSON, or with {@link JsRunOptions} JavaScript's own. @default 'json' */
  readonly resultAs?: 'json' | undefined
  /** Variables that are set before the code runs, by name. docs/values.md lists what can be one. */
  readonly inputs?: Readonly<Record<string, unknown>> | undefined
  /** An interpreter other than the client's session. */
  readonly interpreter_id?: string | null | undefined
  /** Whose session to use. @default 'default' */
  readonly client_id?: string | undefined
  /** Time limit of this run in ms from when its code starts; 0 for none. */
  readonly timeout_ms?: number | null | undefined
  /** How long this run may show no output, in ms; 0 for no such limit. */
  readonly idle_timeout_ms?: number | null | undefined
  /**
   * Whether a run that reaches a limit is stopped, or goes on while its call is answered.
   * @default 'interrupt'
   */
  readonly on_timeout?: OnTimeout | null | undefined
  /** Overrides the toolset's `echo` for this run. */
  readonly echo?: EchoMode | undefined
  /** Aborts the call; a run that executes is interrupted, and its session goes on. */
  readonly signal?: AbortSignal | undefined
  /**
   * Hears what the run says, as it says it. A promise that it answers slows the run down until it
   * resolves; what it throws is thrown by the call, when the run has ended.
   */
  readonly onOutput?: OnOutput | undefined
  /**
   * Answers what the code asks by `input()` or `getpass.getpass()`, which wait for it, within the
   * time limit; what it throws is raised in the code. @default input() is an error
   */
  readonly onInput?: OnInput | undefined
}

/** Options of a run whose `result` is JavaScript's own: typed arrays, dates, maps, Arrow tables. */
export interface JsRunOptions extends Omit<RunOptions, 'resultAs'> {
  readonly resultAs: 'js'
}
