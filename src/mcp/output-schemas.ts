/**
 * What a client is answered as data: what a model should read of an answer, and nothing that is long.
 * Each schema is checked against the type whose fields it has.
 */
import { z } from 'zod'
import { LIMIT_NAMES } from '../engine/engine.js'
import type { CheckpointInfo, InterpreterInfo, ManageResult } from '../toolset/manage.js'
import type { RunFields, RunResult } from '../toolset/result.js'
import type { VariableInfo } from '../toolset/variables.js'

/** A schema for some fields of a type. */
type SchemaOf<Fields> = { [Name in keyof Fields]-?: z.ZodType<Fields[Name]> }

const text = z.string()
const number = z.number()
const count = z.int().min(0)

const state = z
  .enum(['kept', 'restored', 'lost'])
  .describe("What became of the session's variables; restored: as after the run restored_to.")

const error = z.object({ name: text, value: text, traceback: text })

const figures = z.array(text).optional().describe('Figures, as files of the working directory.')
const notices = z
  .array(text)
  .optional()
  .describe('Sentences that a reader of the result should not miss.')

const file = z.object({
  path: text,
  change: z.enum(['created', 'changed']),
  size: count,
  mime_type: text,
})

const lateOutput = z.object({ execution_count: count, stdout: text, stderr: text })

type RunNames = Exclude<
  keyof RunFields,
  'outputs' | 'usage' | 'base64_uri' | 'charts' | 'hidden_to_model' | 'fig_storage_path' | 'result'
>

const runFields = {
  result_type: text.optional().describe('The Python type of result.'),
  stdout: text,
  stderr: text,
  interpreter_id: text,
  execution_count: count.describe('The number of the run: <run N> in tracebacks.'),
  duration_ms: number,
  queued_ms: number.optional(),
  simulated: z.literal(true).optional().describe('No code was run: a model made this up.'),
  timed_out: z.literal(true).optional(),
  limit: z.enum(LIMIT_NAMES).optional(),
  detached: z.literal(true).optional().describe('The run goes on: see manage_interpreters.'),
  execution_id: text.optional(),
  fig_storage_paths: figures,
  files: z.array(file).optional().describe('Files that were created or changed.'),
  interpreter_crashed: z.literal(true).optional(),
  interpreter_restarted: z.boolean().optional(),
  restart_reason: text.optional(),
  state,
  restored_to: count.optional(),
  late_outputs: z.array(lateOutput).optional(),
  survivors: z.array(text).optional().describe('Processes of the run that still run.'),
  hint: text.optional().describe('What would mend the error.'),
  notices,
} satisfies SchemaOf<Pick<RunFields, RunNames>>

const success = z.boolean().describe('Whether the code ran to its end.')
const result = z.unknown().optional().describe('The value of result_var_name, as JSON.')

/** What `run_python_code` answers; of code that was not run, `success` and `error` only. */
export const runOutput = z.object({
  success,
  error: (error satisfies z.ZodType<RunResult['error']>).optional(),
  result,
  ...z.object(runFields).partial().shape,
})

const checkpoint = z.object({
  id: text,
  name: text.exactOptional(),
  execution_count: count,
  created_at: text,
  memory_bytes: number.nullable(),
} satisfies SchemaOf<CheckpointInfo>)

const interpreter = z.object({
  id: text,
  status: z.enum(['starting', 'running', 'busy', 'dead']),
  execution_count: count,
  created_at: text,
  last_used_at: text,
  expires_at: text.optional(),
  memory_bytes: number.nullable(),
  started_by: z.enum(['fork', 'checkpoint', 'spawn']).nullable(),
  spawn_reason: text.optional(),
  checkpoints: z.array(checkpoint),
  no_checkpoint_reason: text.optional(),
} satisfies SchemaOf<Omit<InterpreterInfo, 'pid' | 'client_id' | 'unenforced_limits'>>)

const variable = z.object({
  name: text,
  type: text,
  length: number.optional(),
  size_bytes: number.optional(),
  shape: z.array(number).optional(),
  dtype: text.optional(),
  columns: z.array(z.object({ name: text, dtype: text })).optional(),
  preview: text.optional(),
} satisfies SchemaOf<VariableInfo>)

const emitted = z.object({ stdout: text, stderr: text, fig_storage_paths: figures, notices })

type Managed = Extract<ManageResult, { success: true }>

const managedFields = {
  interpreter_id: text.optional(),
  checkpoint_id: text.optional(),
  execution_id: text.optional(),
  execution_count: count.optional(),
  interpreters: z.array(interpreter).optional(),
  variables: z.array(variable).optional(),
  running: z.boolean().optional().describe('Whether the detached run goes on.'),
  started_at: text.optional(),
  duration_ms: number.optional(),
  outcome: z.enum(['stopped', 'ended', 'still_running', 'killed', 'died']).optional(),
  state: state.optional(),
  message: text.optional(),
} satisfies Partial<Record<keyof Managed, z.ZodType>>

/** What `manage_interpreters` answers: the fields of the operation that was asked for. */
export const manageOutput = z.object({
  success: z.boolean(),
  error: text.optional().describe('Why it could not be done.'),
  ...managedFields,
  run: runOutput.optional().describe('The result of a detached run that has ended.'),
  output: emitted.optional().describe('What a detached run has printed since the last look.'),
  notices,
})
