/**
 * The toolset: the two tools, as methods for programmers and as definitions for agents. Knows no
 * processes and no sockets.
 */
import { basename, join, relative, resolve } from 'node:path'
import {
  CheckpointError,
  ClosedError,
  InvalidOptionError,
  PythonInterpreterError,
} from '../errors.js'
import type { Engine, FigureFormat, ModuleRules, OnInput, Sandbox } from '../engine/engine.js'
import { isEngineFolder, LocalEngine } from '../engine/local/local-engine.js'
import { HostTools } from '../host-tools/host-tools.js'
import { LiveStream } from '../live-stream.js'
import { WorkdirFiles } from '../files/workdir-files.js'
import { WorkdirWatch } from '../files/workdir-watch.js'
import { Audit, type AuditedRun } from './audit.js'
import { MANAGE_DESCRIPTION, runDescription } from './descriptions.js'
import type { Interpreter } from '../interpreter/interpreter.js'
import type { FinishedRun } from '../interpreter/run.js'
import type { Secrets } from '../interpreter/secrets.js'
import { meantRun, peek, stop, wait } from './control.js'
import type {
  ExecutionOptions,
  MeantRun,
  PeekAnswer,
  StopAnswer,
  WaitAnswer,
  WaitOptions,
} from './control.js'
import { Interpreters, type InterpreterOptions } from './interpreters.js'
import type { JsValue } from '../values/decode.js'
import { resourceLimits, runLimits, shorter, toolsetLimits, type ToolsetLimits } from './limits.js'
import {
  manage,
  type BranchOptions,
  type CheckpointAnswer,
  type CheckpointOptions,
  type DropOptions,
  type ManageOptions,
  type ManageResult,
  type RollbackOptions,
} from './manage.js'
import { moduleRules } from './modules.js'
import type { JsRunOptions, PythonInterpreterToolSetOptions, RunOptions } from './options.js'
import { parse } from '../parse-options.js'
import { toModelText, type ToolAnswer } from './model-text.js'
import { OutputListener } from './output-listener.js'
import {
  runResult,
  type RefusedRun,
  type ResultSettings,
  type RunResult,
  type RunStream,
} from './result.js'
import { redacted, redactError, secretsOf } from './redaction.js'
import {
  anyObject,
  executionOptions,
  manageInput,
  manageOptions,
  runInput,
  runOptions,
  toolContext,
  toolsetOptions,
  variableArguments,
  variableOptions,
  waitOptions,
  type RunRequest,
  type ToolsetSettings,
} from './schemas.js'
import type { Tool, ToolSet } from './tool.js'
import {
  getVariables,
  inputsOf,
  jsForm,
  listVariables,
  setVariables,
  withJsValue,
  type SetVariables,
  type VariableInfo,
  type VariableOptions,
} from './variables.js'

const DEFAULT_CLIENT = 'default'
const CONSTRUCTOR = 'new PythonInterpreterToolSet()'
const CALL = 'runPythonCode()'
const CONTEXT = "The tool's context"
const DEFAULT_FIGURE_FOLDER = '.matplotlib_figs'
/** Where output goes that is too long for a result, relative to the workdir. */
const OUTPUT_FOLDER = '.outputs'

/**
 * The default `initCode`: has matplotlib, also that of child processes, draw into memory. It does
 * not import matplotlib, which would cost every session half a second.
 */
export const DEFAULT_INIT_CODE = `__import__("os").environ.setdefault("MPLBACKEND", "agg")`

/** Code, where it is one of the options. */
interface WithCode {
  readonly code: string
}

/** Gives an agent Python: the tools `run_python_code` and `manage_interpreters`. */
export class PythonInterpreterToolSet implements ToolSet, AsyncDisposable {
  readonly name: string
  /** Absolute path of the workdir. */
  readonly workdir: string
  /** Reads, writes and lists the files of the workdir. */
  readonly files: WorkdirFiles
  readonly #settings: ToolsetSettings
  readonly #engine: Engine
  readonly #ownsEngine: boolean
  readonly #interpreters: Interpreters
  readonly #limits: ToolsetLimits
  readonly #secrets: Secrets | null
  readonly #results: ResultSettings
  readonly #modules: ModuleRules | null
  readonly #hostTools: HostTools
  readonly #watch: WorkdirWatch
  readonly #audit: Audit
  #closed = false

  /** @throws InvalidOptionError for an option of the wrong type; nothing is started yet. */
  constructor(options: PythonInterpreterToolSetOptions = {}) {
    const { engine, ...settings } = parse(toolsetOptions, options, CONSTRUCTOR)
    this.#settings = settings
    this.name = settings.name
    this.workdir = resolve(settings.workdir ?? '.')
    this.files = new WorkdirFiles(this.workdir)
    this.#engine = engine ?? new LocalEngine()
    this.#ownsEngine = engine === undefined
    this.#modules = moduleRules(settings.modules)
    this.#hostTools = new HostTools(settings.hostTools, settings.hostToolRules)
    const spec = {
      python: settings.python,
      workdir: this.workdir,
      env: settings.env,
      inheritEnv: settings.inheritEnv,
      initCode: settings.initCode === undefined ? DEFAULT_INIT_CODE : settings.initCode,
      modules: this.#modules,
      hostFunctions: this.#hostTools.functions,
      checkpoint: settings.checkpoint,
      limits: resourceLimits(settings),
      figures: figureFormat(settings),
      sandbox: sandboxOf(settings, this.workdir),
    }
    this.#limits = toolsetLimits(settings)
    this.#secrets = secretsOf(settings.secrets)
    this.#audit = new Audit(settings.onAudit, settings.logger, this.#secrets)
    const mostMs = shorter(settings.maxTimeoutMs, this.#limits.wallMs)
    const { folder = DEFAULT_FIGURE_FOLDER } = figureOptions(settings)
    const figures = relative(this.workdir, join(this.workdir, folder))
    this.#results = {
      workdir: this.workdir,
      folder: figures,
      secrets: this.#secrets,
      isSimulated: this.#engine.isSimulated === true,
      mostMs,
    }
    const interpreterSettings = {
      interruptGraceMs: settings.interruptGraceMs,
      maxOutputBytes: settings.maxOutputBytes,
      outputFolder: join(this.workdir, OUTPUT_FOLDER),
      checkpoints: settings.checkpoints,
      maxTimeoutMs: mostMs,
      maxRuns: settings.maxRunsPerSession,
      secrets: this.#secrets,
      onDetachedRunEnd: (interpreter: Interpreter, run: FinishedRun) =>
        this.#announceEnd(interpreter, run),
    }
    this.#interpreters = new Interpreters(
      this.#engine,
      spec,
      interpreterSettings,
      settings,
      this.#audit,
    )
    this.#watch = new WorkdirWatch(this.workdir, (path) => {
      return path === figures || isEngineFolder(basename(path))
    })
  }

  /**
   * Runs code in a client's session, after the runs that session was asked for before.
   *
   * Resolves whatever the code does. Rejects for misuse and for what no result can express.
   *
   * @throws InvalidOptionError, UnknownInterpreterError, BusyError, ClosedError, AbortedError
   * @throws ValueNotExpressibleError for `inputs` that Python has no counterpart of
   * @throws NoPythonError, NoPyzmqError, StartError, InitCodeError, LimitError when no process can be
   *   started
   */
  async runPythonCode(code: string, options: JsRunOptions): Promise<RunResult<JsValue>>
  async runPythonCode(code: string, options?: RunOptions): Promise<RunResult>
  async runPythonCode(request: JsRunOptions & WithCode): Promise<RunResult<JsValue>>
  async runPythonCode(request: RunOptions & WithCode): Promise<RunResult>
  async runPythonCode(
    first: string | ((RunOptions | JsRunOptions) & WithCode),
    options: RunOptions | JsRunOptions = {},
  ): Promise<RunResult<JsValue>> {
    return this.#answer(() => {
      const given = isObject(first) ? first : { ...parse(anyObject, options, CALL), code: first }
      return this.#run(parse(runOptions, given, CALL))
    })
  }

  /**
   * Runs code like {@link runPythonCode}, and gives what it says as it says it.
   *
   * @example
   * ```ts
   * for await (const output of tools.stream('print("hello")')) console.log(output)
   * ```
   */
  stream(code: string, options: Omit<RunOptions, 'onOutput'> = {}): RunStream {
    return new LiveStream((onOutput) => this.runPythonCode(code, { ...options, onOutput }))
  }

  /**
   * Sets variables of a client's session, or none of them, after the runs that it was asked for before.
   * Typed arrays are not copied: leave them as they are until this has settled.
   *
   * @throws ValueNotExpressibleError for what Python has no counterpart of
   * @throws VariablesError where the Python process died of it; and as {@link runPythonCode}
   */
  async setVariables(
    variables: Readonly<Record<string, unknown>>,
    options: VariableOptions = {},
  ): Promise<SetVariables> {
    return this.#answer(() => {
      const { variables: values } = parse(variableArguments, { variables }, 'setVariables()')
      const { interpreter, patience } = this.#asked(options, 'setVariables()')
      return setVariables(interpreter, values, patience)
    })
  }

  /**
   * Reads variables of a client's session, as JavaScript's own values, after the runs that it was
   * asked for before. It is no run, and changes nothing.
   *
   * @throws UnknownVariableError for a name that no variable has
   * @throws ValueNotExpressibleError for what JavaScript has no counterpart of
   * @throws VariablesError where it took too long; and as {@link runPythonCode}
   */
  async getVariables<Name extends string>(
    names: readonly Name[],
    options: VariableOptions = {},
  ): Promise<Record<Name, JsValue>> {
    return this.#answer(() => {
      const { names: asked } = parse(variableArguments, { names }, 'getVariables()')
      const { interpreter, patience } = this.#asked(options, 'getVariables()')
      return getVariables(interpreter, asked, patience)
    })
  }

  /**
   * Tells what variables a client's session has, with their types, sizes and a glimpse of each, after
   * the runs that it was asked for before. It runs no code, and changes nothing.
   *
   * @throws VariablesError where it took too long; and as {@link runPythonCode}
   */
  async variables(options: VariableOptions = {}): Promise<VariableInfo[]> {
    return this.#answer(async () => {
      const { interpreter, patience } = this.#asked(options, 'variables()')
      return redacted(await listVariables(interpreter, patience), this.#secrets)
    })
  }

  /**
   * Creates, lists, deletes, restarts or interrupts interpreters, or does what the methods below
   * do. Without `client_id` all are seen. What cannot be done is answered with a sentence.
   *
   * @throws InvalidOptionError for options of the wrong type, and AbortedError from a wait
   */
  async manageInterpreters(options: ManageOptions): Promise<ManageResult> {
    const request = parse(manageOptions, options, 'manageInterpreters()')
    const answer = await answerErrors(() => {
      this.#requireOpen()
      return this.#manage(request)
    })
    return answer.success ? answer : redacted(answer, this.#secrets)
  }

  /**
   * Remembers the state that an interpreter is in, until it is dropped.
   *
   * @throws CheckpointError where that cannot be copied, or too many are kept already
   */
  checkpoint(options: CheckpointOptions = {}): Promise<CheckpointAnswer> {
    return this.#onCheckpoints({ ...options, operation: 'checkpoint' })
  }

  /**
   * Takes an interpreter back to a checkpoint, which stays to be used again. Files and all else
   * outside of the process stay as they are.
   *
   * @throws CheckpointError where there is none
   */
  rollback(options: RollbackOptions = {}): Promise<CheckpointAnswer> {
    return this.#onCheckpoints({ ...options, operation: 'rollback' })
  }

  /**
   * Makes an interpreter that goes on from another's present state or checkpoint, in parallel.
   *
   * @throws CheckpointError where that cannot be copied, or there is none
   */
  branch(options: BranchOptions = {}): Promise<CheckpointAnswer> {
    return this.#onCheckpoints({ ...options, operation: 'branch' })
  }

  /**
   * Forgets a checkpoint and frees its memory.
   *
   * @throws CheckpointError where there is none
   */
  dropCheckpoint(options: DropOptions): Promise<CheckpointAnswer> {
    return this.#onCheckpoints({ ...options, operation: 'drop' })
  }

  /**
   * Answers what a detached run has emitted since the last look, and whether it still runs.
   *
   * @throws UnknownExecutionError where there is none
   */
  async peek(options: ExecutionOptions = {}): Promise<PeekAnswer> {
    return peek(this.#meantRun(parse(executionOptions, options, 'peek()')), this.#results)
  }

  /**
   * Waits for the end of a detached run, and answers its result; if it is not there in time, what
   * `peek` does.
   *
   * @throws UnknownExecutionError where there is none, AbortedError
   */
  async wait(options: WaitOptions = {}): Promise<WaitAnswer> {
    const { timeout_ms, signal, ...request } = parse(waitOptions, options, 'wait()')
    const timeoutMs = timeout_ms ?? this.#limits.timeoutMs
    return wait(this.#meantRun(request), { timeoutMs, signal }, this.#results)
  }

  /**
   * Ends what an interpreter runs, be it detached or not: interrupts it, and kills it if it does not
   * stop within the grace period. Answers what came of that.
   *
   * @throws UnknownExecutionError where nothing runs
   */
  async stop(options: ExecutionOptions = {}): Promise<StopAnswer> {
    return stop(this.#meantRun(parse(executionOptions, options, 'stop()')), this.#results)
  }

  /** The two tools, for an agent of any framework. */
  tools(): readonly Tool<ToolAnswer>[] {
    return [
      {
        name: 'run_python_code',
        description: runDescription(this.#modules, this.#hostTools.functions),
        inputSchema: runInput,
        execute: (input, context) => this.#runTool(input, context),
        toModelText: (answer) => toModelText(answer),
      },
      {
        name: 'manage_interpreters',
        description: MANAGE_DESCRIPTION,
        inputSchema: manageInput,
        execute: (input, context) => this.#manageTool(input, context),
        toModelText: (answer) => toModelText(answer),
      },
    ]
  }

  /** Ends all interpreters, with the runs that execute or wait. Later calls reject. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#interpreters.close()
    this.#watch.close()
    if (this.#ownsEngine) await this.#engine.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #run(request: RunRequest): Promise<RunResult<JsValue>> {
    const witness = this.#audit.run(request.client_id ?? DEFAULT_CLIENT, request.code)
    const { limits, inputs, interpreter } = this.#prepared(request, witness)
    const listener = request.onOutput && new OutputListener(request.onOutput)
    const run = await interpreter.execute({
      code: request.code,
      echo: request.echo ?? this.#settings.echo,
      resultVarName: request.result_var_name ?? null,
      resultForm: request.resultAs === 'js' ? jsForm() : 'json',
      inputs,
      asks: null,
      hasResult: true,
      ...limits,
      onTimeout: request.on_timeout ?? 'interrupt',
      signal: request.signal,
      onOutput: listener === undefined ? null : (output) => listener.hear(output),
      onInput: this.#asking(request.onInput),
      onCall: this.#hostTools.forRun({
        client_id: interpreter.clientId,
        interpreter_id: interpreter.id,
      }),
      witness,
      recording: this.#watch.recording(),
    })
    const json = await runResult(interpreter.id, run, this.#results)
    const result = request.resultAs === 'js' ? await withJsValue(json, run) : json
    if (listener !== undefined && !run.execution.isMuted) await tellEnd(listener, result)
    return result
  }

  async #runTool(input: unknown, context: unknown): Promise<RunResult | RefusedRun> {
    try {
      const request = parse(runInput, input, 'run_python_code')
      const { client_id = DEFAULT_CLIENT, ...rest } = parse(toolContext, context ?? {}, CONTEXT)
      return await this.runPythonCode({ ...request, client_id, ...rest })
    } catch (error) {
      if (!(error instanceof PythonInterpreterError) || error.code === 'ABORTED') throw error
      const refused = { name: error.name, value: error.message, traceback: '' }
      return { success: false, error: redacted(refused, this.#secrets) }
    }
  }

  #manageTool(input: unknown, context: unknown): Promise<ManageResult> {
    return answerErrors(() => {
      const request = parse(manageInput, input, 'manage_interpreters')
      const { client_id = DEFAULT_CLIENT, signal } = parse(toolContext, context ?? {}, CONTEXT)
      return this.manageInterpreters({ ...request, client_id, signal })
    })
  }

  async #manage({ client_id: only, signal, ...request }: ManageOptions): Promise<ManageResult> {
    const client = only ?? DEFAULT_CLIENT
    const { timeoutMs } = this.#limits
    const settings = { timeoutMs, results: this.#results }
    try {
      return await manage(this.#interpreters, request, { client, only, signal }, settings)
    } catch (error) {
      const { operation } = request
      const isToMake = operation === 'create' || operation === 'branch'
      if (isToMake) this.#audit.notMade(client, request, error)
      throw error
    }
  }

  /** Who is asked sees no secrets in the question. */
  #asking(onInput: OnInput | undefined): OnInput | null {
    const secrets = this.#secrets
    if (onInput === undefined || secrets === null) return onInput ?? null
    return ({ prompt, password }) => onInput({ prompt: secrets.redact(prompt), password })
  }

  #asked(options: VariableOptions, call: string) {
    const { signal, ...whose } = parse(variableOptions, options, call)
    this.#requireOpen()
    return {
      interpreter: this.#interpreter(whose),
      patience: { timeoutMs: this.#limits.timeoutMs, signal },
    }
  }

  /** What a run needs; of one that is refused, the witness hears. */
  #prepared(request: RunRequest, witness: AuditedRun | null) {
    try {
      this.#requireOpen()
      const limits = runLimits(request, this.#limits)
      if (request.resultAs === 'js' && request.on_timeout === 'detach') {
        throw new InvalidOptionError(
          `${CALL}: resultAs: 'js' is not for a run that may be detached.`,
        )
      }
      const inputs = request.inputs === undefined ? null : inputsOf(request.inputs, 'inputs')
      const interpreter = this.#interpreter(request)
      witness?.by(interpreter)
      return { limits, inputs, interpreter }
    } catch (error) {
      witness?.failed(error, null)
      throw error
    }
  }

  /** The one that is named, or the client's session. */
  #interpreter({ interpreter_id: id, client_id: client }: InterpreterOptions): Interpreter {
    return id == null
      ? this.#interpreters.session(client ?? DEFAULT_CLIENT)
      : this.#interpreters.get(id, client)
  }

  #meantRun({ client_id: client, ...request }: ExecutionOptions): MeantRun {
    this.#requireOpen()
    return meantRun(this.#interpreters, request, client ?? DEFAULT_CLIENT, client)
  }

  #announceEnd({ id, clientId }: Interpreter, run: FinishedRun): void {
    const listener = this.#settings.onDetachedRunEnd
    if (listener === undefined) return
    void runResult(id, run, this.#results).then((result) =>
      listener({ client_id: clientId, result }),
    )
  }

  #onCheckpoints(options: ManageOptions): Promise<CheckpointAnswer> {
    return this.#answer(async () => {
      const request = parse(manageOptions, options, options.operation)
      this.#requireOpen()
      const answer = await this.#manage(request)
      if (!answer.success) throw new CheckpointError(answer.error)
      const { interpreter_id = '', checkpoint_id = '', execution_count = 0 } = answer
      return { success: true, interpreter_id, checkpoint_id, execution_count }
    })
  }

  /** Answers what a call does; no error that it throws says a secret. */
  async #answer<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      redactError(error, this.#secrets)
      throw error
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedError('The toolset')
  }
}

async function answerErrors(operation: () => Promise<ManageResult>): Promise<ManageResult> {
  try {
    return await operation()
  } catch (error) {
    if (!(error instanceof PythonInterpreterError) || error.code === 'ABORTED') throw error
    return { success: false, error: error.message }
  }
}

/** Tells what is known only at the end of a run. */
async function tellEnd(
  listener: OutputListener,
  { notices, error }: RunResult<JsValue>,
): Promise<void> {
  for (const text of notices ?? []) await listener.hear({ type: 'notice', text })
  if (error !== undefined) await listener.hear({ type: 'error', ...error })
  listener.rethrow()
}

function sandboxOf({ sandbox }: ToolsetSettings, workdir: string): Sandbox | null {
  if (sandbox === false) return null
  const { read = [], write = [] } = sandbox === true ? {} : sandbox
  const absolute = (path: string) => resolve(workdir, path)
  return { read: read.map(absolute), write: write.map(absolute) }
}

function figureFormat(settings: ToolsetSettings): FigureFormat | null {
  if (settings.figures === false) return null
  const { format = 'png', dpi = null } = figureOptions(settings)
  return { format, dpi }
}

function figureOptions({ figures }: ToolsetSettings) {
  return typeof figures === 'object' ? figures : {}
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
