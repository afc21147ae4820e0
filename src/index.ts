/** The public door of the package. */
export { DEFAULT_INIT_CODE, PythonInterpreterToolSet } from './toolset/toolset.js'
export type { PythonInterpreterToolSetOptions, RunOptions } from './toolset/options.js'
export type {
  BranchOptions,
  CheckpointAnswer,
  CheckpointInfo,
  CheckpointOptions,
  DropOptions,
  InterpreterInfo,
  InterpreterOptions,
  ManageOptions,
  ManageResult,
  RollbackOptions,
} from './toolset/manage.js'
export type { RefusedRun, RunResult } from './toolset/result.js'
export { toModelText, type ModelTextOptions, type ToolAnswer } from './toolset/model-text.js'
export type { Tool, ToolContext, ToolSet } from './toolset/tool.js'
export {
  DEFAULT_PRELOAD,
  LocalEngine,
  type LocalEngineOptions,
} from './engine/local/local-engine.js'
export type {
  Checkpoint,
  CheckpointPolicy,
  EchoMode,
  Engine,
  Exit,
  InterpreterSpec,
  JsonValue,
  Output,
  OutputEvent,
  Restored,
  ResumeOptions,
  RunError,
  RunOutcome,
  RunReply,
  RunRequest,
  StartedBy,
  Worker,
  WorkerListener,
} from './engine/engine.js'
export type { LateOutput } from './interpreter/execution.js'
export type { InterpreterStatus, SessionState } from './interpreter/interpreter.js'
export * from './errors.js'
