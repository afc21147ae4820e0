/**
 * What the rest of the toolset needs of whatever runs the code: local processes, a cluster, or a
 * model that simulates them. Knows no tools and no sessions.
 */

/** Which expression statements of a run show their value. */
export type EchoMode = 'all' | 'last' | 'none'

/** When checkpoints are made by themselves: after runs, as far as that is cheap; after each; never. */
export type CheckpointPolicy = 'auto' | 'always' | 'off'

/** Which modules the `import` statements of runs may name: a guide for models, no wall. */
export interface ModuleRules {
  /** Top-level modules that they may not. */
  readonly deny: readonly string[]
  /** Those that they may, beside the standard library; null: all others. */
  readonly allow: readonly string[] | null
  /** The same as a sentence. */
  readonly hint: string
}

/** What can be limited. */
export const LIMIT_NAMES = [
  'memory',
  'cpus',
  'cpuSeconds',
  'processes',
  'fileSize',
  'openFiles',
  'diskBytes',
  'outputBytes',
  'wallMs',
] as const

export type LimitName = (typeof LIMIT_NAMES)[number]

/** What an interpreter and its runs may use; what is absent is not limited. docs/limits.md tells more. */
export interface ResourceLimits {
  /** Bytes of address space of each process; in a control group also of memory, of the session. */
  readonly memory?: number | undefined
  /** CPUs that are used at once. */
  readonly cpus?: number | undefined
  /** Seconds of CPU time of one run, of each process. */
  readonly cpuSeconds?: number | undefined
  /** Processes and threads that code starts. */
  readonly processes?: number | undefined
  /** Bytes of each file that is written. */
  readonly fileSize?: number | undefined
  /** Open files and sockets of each process. */
  readonly openFiles?: number | undefined
  /** Bytes of all files in the workdir, looked at while a run goes on. */
  readonly diskBytes?: number | undefined
  /** Bytes that one run writes to stdout and stderr in all. */
  readonly outputBytes?: number | undefined
  /** Milliseconds of one run, whatever time limit it asks for. */
  readonly wallMs?: number | undefined
  /** Whether limits that cannot be enforced here are left out, rather than refused. */
  readonly bestEffort?: boolean | undefined
}

/** Limits that are not enforced, and why: completes "because". */
export type UnenforcedLimits = Readonly<Partial<Record<LimitName, string>>>

/** A tool of the host as code sees it: a function of Python. */
export interface HostFunction {
  readonly name: string
  /** Its definition in Python, without anything that it does. */
  readonly source: string
  /** Parameters that the tool has by another name: that by the parameter's. */
  readonly renamed: Readonly<Record<string, string>>
  /** Parameters for which None is a value; for all others that can be left out it means that. */
  readonly nullable: readonly string[]
}

/** A call of such a function. */
export interface HostCall {
  readonly tool: string
  /** The arguments by name. */
  readonly input: JsonValue
  /** Aborted when the code does not wait for the answer any more. */
  readonly signal: AbortSignal
}

/** Answers a call: the value by the name `answer`. What it throws is raised in the code. */
export type OnCall = (call: HostCall) => Promise<Inputs>

/** What an interpreter is made with; the same for each process that serves it in turn. */
export interface InterpreterSpec {
  /** An executable or a virtual environment; undefined: found as `docs/environment.md` tells. */
  readonly python: string | undefined
  /** Absolute path: where the interpreter starts, and where relative paths are relative to. */
  readonly workdir: string
  /** Environment variables that Python sees beside the fixed list. */
  readonly env: Readonly<Record<string, string>>
  /** Host variables that Python sees too: all, or those named. */
  readonly inheritEnv: boolean | readonly string[]
  /** Code that every new process runs before the first run; null for none. */
  readonly initCode: string | null
  /** What code may import after that; null: all. */
  readonly modules: ModuleRules | null
  /** What of the host its code can call while runs go on. */
  readonly hostFunctions: readonly HostFunction[]
  /** How figures are captured; null: not at all. */
  readonly figures: FigureFormat | null
  readonly checkpoint: CheckpointPolicy
  readonly limits: ResourceLimits
  /** The walls around each session; null: none. */
  readonly sandbox: Sandbox | null
}

/** What a sandboxed session can see beside its workdir and what programs need; absolute paths. */
export interface Sandbox {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** What images of figures are like. */
export interface FigureFormat {
  readonly format: 'png' | 'svg'
  /** Dots per inch; null: as each figure has it. */
  readonly dpi: number | null
}

/**
 * How values are answered: as JSON; or as JSON with tags and binary frames, for `src/values` to decode,
 * in which tables are their columns or Arrow IPC streams.
 */
export type ValueForm = 'json' | 'columns' | 'arrow'

/** Variables that are to be set, as `src/values` encodes them. */
export interface Inputs {
  readonly json: string
  readonly frames: readonly Uint8Array[]
}

/** What code asks in the middle of its run, by `input()` or `getpass.getpass()`. */
export interface Question {
  readonly prompt: string
  /** The answer is a secret, and is not shown in the output. */
  readonly password: boolean
}

/** Answers what code asks; the code waits for it. What it throws is raised in the code. */
export type OnInput = (question: Question) => string | Promise<string>

/** One run, as a worker is asked to execute it. */
export interface RunRequest {
  /** The run's number in its interpreter; `<run N>` in tracebacks. */
  readonly executionCount: number
  readonly code: string
  readonly echo: EchoMode
  /** The variable whose value the reply carries; null for none. */
  readonly resultVarName: string | null
  readonly resultForm: ValueForm
  /** Set before the code runs; null for none. */
  readonly inputs: Inputs | null
  /** Null: nobody can be asked. */
  readonly onInput: OnInput | null
  /** Answers calls of the host's functions; null where there are none. */
  readonly onCall: OnCall | null
}

/** What is asked about variables between two runs. The reply carries the answer; nothing changes. */
export interface VariablesRequest {
  /** The number of the last run. */
  readonly executionCount: number
  /** The variables whose values are asked for; null: what variables there are. */
  readonly names: readonly string[] | null
  readonly form: ValueForm
}

/** Python's error, as a traceback ends with it. */
export interface RunError {
  /** The exception's class name, e.g. `ZeroDivisionError`. */
  readonly name: string
  readonly value: string
  /** As Python prints it, without frames of the worker. */
  readonly traceback: string
}

/** Anything that JSON can say. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** What a run has used of the machine. Where its process died, only the time is known. */
export interface RunUsage {
  /** From the start of its code to its end. */
  wall_ms: number
  /**
   * Processor time of the whole process meanwhile, and of child processes that it has waited for since the
   * run before.
   */
  cpu_ms?: number | undefined
  /**
   * The most resident memory that the Python process has had, since it started: if a run takes it higher
   * than the run before did, it is the run's own; else the run's own was no more than that.
   */
  process_peak_memory_bytes?: number | undefined
}

/** What a worker says at the end of a run, or about variables. */
export interface RunReply {
  /** Whether the code itself ran to its end. */
  readonly completed: boolean
  /** What went wrong, in the code or afterwards with its value. */
  readonly error: RunError | null
  /** What would mend the error, where the worker knows it. */
  readonly hint?: string
  /** The value asked for, and the name of its Python type; about variables, the answer. */
  readonly value?: JsonValue
  readonly valueType?: string
  /** What the value refers to, unless it is plain JSON. */
  readonly frames: readonly Uint8Array[]
  /** Whether an interrupt reached the code, whatever it made of that. */
  readonly interrupted: boolean
  /** Sentences about what did not work although the code did, e.g. a figure that cannot be drawn. */
  readonly notices: readonly string[]
  /** Processes that the run started and an interrupt did not end. */
  readonly survivors: readonly string[]
  readonly usage: RunUsage
  /** The limit that the run has gone over, as far as the worker knows; null where it knows of none. */
  readonly limit: LimitName | null
}

/** A value in several formats. */
export interface MimeBundle {
  /** MIME type to content: text as it is, binary as base64, JSON as a value. */
  readonly data: Readonly<Record<string, JsonValue>>
  readonly metadata: Readonly<Record<string, JsonValue>>
}

/** Text that was printed. */
export interface StreamOutput {
  readonly type: 'stream'
  readonly name: 'stdout' | 'stderr'
  readonly text: string
}

/** A figure, or what else was displayed; a later update may name its `display_id`. */
export interface DisplayOutput extends MimeBundle {
  readonly type: 'display_data'
  readonly display_id?: string | undefined
}

/** Something new in place of each display with this id. */
export interface DisplayUpdate extends MimeBundle {
  readonly type: 'update_display_data'
  readonly display_id: string
}

/** The value of an expression. */
export interface ResultOutput extends MimeBundle {
  readonly type: 'execute_result'
}

/** What the run has shown so far is to be cleared: now or, with `wait`, when it shows more. */
export interface ClearOutput {
  readonly type: 'clear_output'
  readonly wait: boolean
}

/** One thing that a run emits, in Jupyter's terms. */
export type Output = StreamOutput | DisplayOutput | DisplayUpdate | ResultOutput | ClearOutput

/** An output and the run that it belongs to, which may have ended before. */
export interface OutputEvent {
  readonly executionCount: number
  readonly output: Output
}

/** How a process ended: an exit code or a signal, or neither where that is not known. */
export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  /** A sentence part such as "was killed by SIGSEGV". */
  readonly description: string
  /** Where its code was, for a signal such as SIGSEGV; empty where unknown. */
  readonly traceback: string
  /** The limit for which the system has ended it, where that is known. */
  readonly limit?: LimitName | null
}

/** How a run went: to its reply, or to the death of the process that ran it. */
export type RunOutcome =
  | { readonly type: 'reply'; readonly reply: RunReply }
  | {
      readonly type: 'died'
      readonly exit: Exit
      /** Whether any of the code may have run; if not, it can be run elsewhere. */
      readonly started: boolean
    }

/** How a process was started, and why so. */
export interface StartedBy {
  /**
   * `fork`: from a warm template, with its modules imported; `checkpoint`: going on from one;
   * `spawn`: as a new program.
   */
  readonly method: 'fork' | 'checkpoint' | 'spawn'
  /** Completes "it was spawned because"; empty but for that. */
  readonly reason: string
}

/** The state of a worker after one of its runs, from which any number of others can go on. */
export interface Checkpoint {
  readonly id: string
  /** The last run that it knows of; 0: only `initCode`. */
  readonly executionCount: number
  /** Higher than that of any that was made before it. */
  readonly number: number
  readonly createdAt: Date
  /** Whether it has been dropped or lost. */
  readonly gone: boolean
  /** Its share of memory in bytes (proportional set size); null where unknown. */
  memoryBytes(): Promise<number | null>
  drop(): void
}

/** What a worker that goes on from a checkpoint has, and has not. */
export interface Restored {
  /** The names that user code has given to its values: the first of them, and how many there are. */
  readonly variables: readonly string[]
  readonly variableCount: number
  /** The names of threads that did not survive. */
  readonly threads: readonly string[]
}

/** Hears what a worker does of itself. */
export interface WorkerListener {
  /** The code of a run starts: its time limits begin. */
  onStart(executionCount: number): void
  /**
   * Receives all output in order, late output between runs included. Until a promise that it
   * answers resolves, no more is emitted, and what writes is slowed down.
   */
  onOutput(event: OutputEvent): Promise<void> | undefined
  /** A checkpoint has been made, be it asked for or not. Whoever hears of it has to drop it. */
  onCheckpoint(checkpoint: Checkpoint): void
}

/** How a worker goes on from a checkpoint. */
export interface ResumeOptions {
  /** It continues beside the one that was copied, and not in its place. */
  readonly branch: boolean
  /** It gets random sequences of its own, rather than to repeat those of the other. */
  readonly reseed: boolean
}

/** One live process (or what plays one) that serves an interpreter until it ends. */
export interface Worker {
  /** The operating system's process id; null where there is none. */
  readonly pid: number | null
  /** Null where nothing is started. */
  readonly startedBy: StartedBy | null
  /** Null unless it goes on from a checkpoint. */
  readonly restored: Restored | null
  /** Settles when the process has ended and all it wrote was emitted; never rejects. */
  readonly exited: Promise<Exit>
  /**
   * Executes one run; one at a time. Every output of it is emitted before this resolves; it never
   * rejects.
   */
  run(request: RunRequest): Promise<RunOutcome>
  /** Answers what is asked about variables, as {@link run} executes a run. */
  variables(request: VariablesRequest): Promise<RunOutcome>
  /** Interrupts what runs now; resolves when no later run can be hit by it any more. */
  interrupt(): Promise<void>
  /**
   * Ends the process and all that its code has started; resolves with {@link exited}, whose
   * description is then `reason`, such as "was restarted on request".
   */
  kill(reason: string): Promise<Exit>
  /** Resident memory in bytes; null where unknown. */
  memoryBytes(): Promise<number | null>
  /** Seconds of CPU time that it has used so far; null where unknown. */
  cpuSeconds(): Promise<number | null>
  /** The limits of its spec that nothing holds, because `bestEffort` was asked for. */
  readonly unenforcedLimits: UnenforcedLimits
  /**
   * Makes a checkpoint of the state as it is between two runs.
   *
   * @throws {@link CheckpointError} where there cannot be one now
   */
  checkpoint(): Promise<Checkpoint>
  /** Resolves when each checkpoint that it has begun to make is there, or has failed. */
  checkpointsSettled(): Promise<void>
  /** Why the last state has no checkpoint: completes "because"; empty where nothing is wrong. */
  checkpointTrouble(): Promise<string>
}

/** Provides interpreters. */
export interface Engine {
  /** Nothing runs: a model plays Python. Results say so. @default false */
  readonly isSimulated?: boolean
  /**
   * Starts a process that has run `spec.initCode` and is ready for runs.
   *
   * @param signal - aborted when the process is not needed any more: the start is given up
   * @throws {@link PythonInterpreterError} where no process can be made ready
   */
  start(spec: InterpreterSpec, listener: WorkerListener, signal: AbortSignal): Promise<Worker>
  /**
   * Starts a process that goes on from a checkpoint of this engine, which stays as it is.
   *
   * @throws {@link PythonInterpreterError} where it cannot
   */
  resume(
    checkpoint: Checkpoint,
    options: ResumeOptions,
    spec: InterpreterSpec,
    listener: WorkerListener,
    signal: AbortSignal,
  ): Promise<Worker>
  /** Ends all processes and removes all temporary files. Calling it again does nothing. */
  close(): Promise<void>
}
