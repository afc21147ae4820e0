/** The shapes of what callers pass: the tools' inputs, a programmer's options, and their errors. */
import { normalize } from 'node:path'
import { z } from 'zod'
import type { Engine, OnInput } from '../engine/engine.js'
import type { ApproveHostTool } from '../host-tools/host-tools.js'
import { leavesRoot } from '../files/inside.js'
import { MAX_TIMEOUT_MS } from '../parse-options.js'
import type { AuditListener, Logger } from './audit.js'
import type { DetachedRunEndListener } from './options.js'
import type { OnOutput } from './output-listener.js'
import type { SecretValues } from './redaction.js'

const interpreterId = z
  .string()
  .describe('The interpreter to use, as answered by manage_interpreters. Default: your session.')

const timeoutMs = z.int().min(0).max(MAX_TIMEOUT_MS)

/** The input of `run_python_code`. Models like to say null where they mean nothing. */
export const runInput = z.strictObject({
  code: z.string().describe('Python source, of any number of lines. Top-level await works.'),
  result_var_name: z
    .string()
    .nullish()
    .describe('The name of a variable whose value is answered as JSON in `result`.'),
  interpreter_id: interpreterId.nullish(),
  timeout_ms: timeoutMs.nullish().describe('Time limit of this run in milliseconds; 0 for none.'),
  idle_timeout_ms: timeoutMs
    .nullish()
    .describe('Milliseconds that this run may show no output; 0, the default, for no such limit.'),
  on_timeout: z
    .enum(['interrupt', 'detach'])
    .nullish()
    .describe(
      'What happens at a limit. interrupt, the default: the run is stopped. detach: it goes on, and ' +
        'you look after it with manage_interpreters.',
    ),
})

/** The input of `manage_interpreters`. */
export const manageInput = z.strictObject({
  operation: z
    .enum([
      'create',
      'list',
      'delete',
      'restart',
      'interrupt',
      'checkpoint',
      'rollback',
      'branch',
      'drop',
      'peek',
      'wait',
      'stop',
      'variables',
    ])
    .describe(
      'create, list, delete, restart (forgets all variables), interrupt (stops a run), checkpoint ' +
        '(remembers all variables), rollback (undoes), branch (a copy that goes on), drop, or for a ' +
        'detached run peek (new output), wait (its result) or stop; or variables (lists them, with ' +
        'type, size and a preview).',
    ),
  interpreter_id: interpreterId.nullish(),
  name: z
    .string()
    .min(1)
    .max(100)
    .nullish()
    .describe('For checkpoint: a name to find it by. Optional.'),
  checkpoint: z
    .string()
    .nullish()
    .describe(
      'For rollback, branch and drop: the id or name of a checkpoint. Default: for rollback one ' +
        'from before the last run, for branch the present state.',
    ),
  reseed: z
    .boolean()
    .nullish()
    .describe('For branch: true for random numbers that differ from those of the original.'),
  execution_id: z
    .string()
    .nullish()
    .describe('For peek, wait and stop: the detached run. Default: the last one of the session.'),
  timeout_ms: timeoutMs
    .nullish()
    .describe('For wait: how long, in milliseconds; 0 for as long as it takes.'),
})

const isFunction = (value: unknown) => typeof value === 'function'
const onOutput = z.custom<OnOutput>(isFunction, 'must be a function').optional()
const onInput = z.custom<OnInput>(isFunction, 'must be a function').optional()

/** What an agent's adapter passes beside a tool's input; frameworks add fields of their own. */
export const toolContext = z.object({
  client_id: z.string().min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onOutput,
  onInput,
})

/** Any object at all. */
export const anyObject = z.looseObject({})

function isEngine(value: unknown): value is Engine {
  if (typeof value !== 'object' || value === null) return false
  return ['start', 'close'].every((name) => typeof Reflect.get(value, name) === 'function')
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null

const LOG_LEVELS = ['debug', 'info', 'warn', 'error']

function isLogger(value: unknown): value is Logger {
  if (typeof value !== 'object' || value === null) return false
  return LOG_LEVELS.every((level) => typeof Reflect.get(value, level) === 'function')
}

const limit = z.int().min(1)
const MIN_MEMORY = 64 * 2 ** 20 // of which Python and the worker use the half
const MIN_OPEN_FILES = 64 // of which the worker needs some 20

const limits = z.strictObject({
  memory: z.int().min(MIN_MEMORY).optional(),
  cpus: limit.optional(),
  cpuSeconds: z.number().positive().optional(),
  processes: limit.optional(),
  fileSize: limit.optional(),
  openFiles: z.int().min(MIN_OPEN_FILES).optional(),
  diskBytes: limit.optional(),
  outputBytes: limit.optional(),
  wallMs: timeoutMs.min(1).optional(),
  bestEffort: z.boolean().optional(),
})

const record = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object with values by name',
)
const echo = z.enum(['all', 'last', 'none'])
const clientId = z.string().min(1)

/** What a programmer can pass to `runPythonCode`. */
export const runOptions = runInput.extend({
  client_id: clientId.optional(),
  echo: echo.optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onOutput,
  onInput,
  inputs: record.optional(),
  resultAs: z.enum(['json', 'js']).optional(),
})

/** Those options as they were passed. */
export type RunRequest = z.output<typeof runOptions>

/** What a programmer can pass to the methods for variables. */
export const variableOptions = z.strictObject({
  interpreter_id: interpreterId.nullish(),
  client_id: clientId.optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

/** The arguments of `setVariables` and `getVariables`. */
export const variableArguments = z.object({
  variables: record.default({}),
  names: z.array(z.string()).default([]),
})

/** What a programmer can pass to `manageInterpreters`. */
export const manageOptions = manageInput.extend({
  client_id: clientId.optional(),
  new_client_id: clientId.optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

/** What a programmer can pass to `peek` and `stop`. */
export const executionOptions = manageInput
  .pick({ interpreter_id: true, execution_id: true })
  .extend({ client_id: clientId.optional() })

/** What a programmer can pass to `wait`. */
export const waitOptions = executionOptions.extend({
  timeout_ms: timeoutMs.nullish(),
  signal: z.instanceof(AbortSignal).optional(),
})

/** What can be passed to the toolset's constructor. */
export const toolsetOptions = z.strictObject({
  name: z.string().min(1).default('python'),
  workdir: z.string().min(1).optional(),
  initCode: z.string().nullable().optional(),
  engine: z
    .custom<Engine>(isEngine, 'must be an Engine, with the methods start and close')
    .optional(),
  python: z.string().min(1).optional(),
  env: z.record(z.string(), z.string()).default({}),
  inheritEnv: z.union([z.boolean(), z.array(z.string())]).default(false),
  echo: echo.default('all'),
  timeoutMs: timeoutMs.optional(),
  idleTimeoutMs: timeoutMs.default(0),
  maxTimeoutMs: timeoutMs.default(0),
  onDetachedRunEnd: z
    .custom<DetachedRunEndListener>((value) => typeof value === 'function', 'must be a function')
    .optional(),
  modules: z
    .strictObject({ deny: z.array(z.string()).optional(), allow: z.array(z.string()).optional() })
    .optional(),
  hostTools: record.default({}),
  hostToolRules: z
    .strictObject({
      approve: z.custom<ApproveHostTool>(isFunction, 'must be a function').optional(),
      timeoutMs: timeoutMs.optional(),
      maxCallsPerRun: limit.max(100_000).optional(),
      maxConcurrent: limit.optional(),
    })
    .default({}),
  secrets: z
    .custom<SecretValues>(isObject, 'must be a list of texts, or an object of them')
    .optional(),
  onAudit: z.custom<AuditListener>(isFunction, 'must be a function').optional(),
  logger: z
    .custom<Logger>(isLogger, 'must have the methods debug, info, warn and error')
    .optional(),
  sessionIdleMs: timeoutMs.default(0),
  maxSessions: z.int().min(0).default(0),
  whenFull: z.enum(['refuse', 'evict']).default('refuse'),
  maxRunsPerSession: z.int().min(0).default(0),
  limits: limits.default({}),
  tier: z.enum(['small', 'medium', 'large']).optional(),
  interruptGraceMs: timeoutMs.default(5_000),
  maxOutputBytes: z.int().min(2).default(1_000_000),
  checkpoint: z.enum(['auto', 'always', 'off']).default('auto'),
  checkpoints: z.int().min(1).max(100).default(2),
  sandbox: z
    .union([
      z.boolean(),
      z.strictObject({
        read: z.array(z.string().min(1)).optional(),
        write: z.array(z.string().min(1)).optional(),
      }),
    ])
    .default(false),
  figures: z
    .union([
      z.boolean(),
      z.strictObject({
        folder: z
          .string()
          .min(1)
          .refine((folder) => !leavesRoot(normalize(folder)) && !folder.includes('\0'), {
            error: 'must lead to a folder in the workdir',
          })
          .optional(),
        format: z.enum(['png', 'svg']).optional(),
        dpi: z.number().positive().optional(),
      }),
    ])
    .default(true),
})

/** The options with their defaults, but for the engine. */
export type ToolsetSettings = Omit<z.output<typeof toolsetOptions>, 'engine'>
