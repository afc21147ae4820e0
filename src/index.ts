/** The public door of the package. */
export { DEFAULT_INIT_CODE, PythonInterpreterToolSet } from './toolset/toolset.js'
export type {
  DetachedRunEndListener,
  JsRunOptions,
  PythonInterpreterToolSetOptions,
  RunOptions,
  Tier,
} from './toolset/options.js'
export type {
  BranchOptions,
  CheckpointAnswer,
  CheckpointInfo,
  CheckpointOptions,
  DropOptions,
  InterpreterInfo,
  ManageOptions,
  ManageResult,
  RollbackOptions,
} from './toolset/manage.js'
export type {
  DetachedAnswer,
  EndAnswer,
  ExecutionOptions,
  PeekAnswer,
  StopAnswer,
  WaitAnswer,
  WaitOptions,
} from './toolset/control.js'
export type { InterpreterOptions, WhenFull } from './toolset/interpreters.js'
export type {
  ErrorOutput,
  NoticeOutput,
  RefusedRun,
  RunOutput,
  RunResult,
  RunStream,
} from './toolset/result.js'
export type { LiveStream } from './live-stream.js'
export {
  CHART_MIME_TYPE,
  type BarSeries,
  type BoxSeries,
  type Chart,
  type ChartArtist,
  type ChartAxes,
  type ChartAxis,
  type ChartBox,
  type ChartSeries,
  type ChartValue,
  type ErrorRange,
  type HistogramSeries,
  type LineSeries,
  type Orientation,
  type PieSeries,
  type ScatterSeries,
} from './toolset/charts.js'
export {
  hostTool,
  type FrameworkTool,
  type HostTool,
  type HostToolContext,
} from './host-tools/host-tool.js'
export type { ApproveHostTool, HostToolCall, HostToolRules } from './host-tools/host-tools.js'
export type { AuditEvent, AuditListener, Logger } from './toolset/audit.js'
export type { ModulesOption } from './toolset/modules.js'
export type { OnOutput } from './toolset/output-listener.js'
export type { SecretValues } from './toolset/redaction.js'
export type { SetVariables, VariableInfo, VariableOptions } from './toolset/variables.js'
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
  ClearOutput,
  DisplayOutput,
  DisplayUpdate,
  EchoMode,
  Engine,
  Exit,
  FigureFormat,
  HostCall,
  HostFunction,
  Inputs,
  InterpreterSpec,
  JsonValue,
  LimitName,
  OnCall,
  OnInput,
  MimeBundle,
  ModuleRules,
  Output,
  OutputEvent,
  Question,
  ResourceLimits,
  Restored,
  ResultOutput,
  ResumeOptions,
  RunError,
  RunOutcome,
  RunReply,
  RunRequest,
  RunUsage,
  StartedBy,
  UnenforcedLimits,
  StreamOutput,
  ValueForm,
  VariablesRequest,
  Worker,
  WorkerListener,
} from './engine/engine.js'
export type { LateOutput, LiveOutput } from './interpreter/execution.js'
export type { KeptOutput } from './interpreter/output-log.js'
export type { ProgressOutput } from './interpreter/progress.js'
export type { InterpreterStatus } from './interpreter/interpreter.js'
export type { OnTimeout, SessionState } from './interpreter/run.js'
export type { FileChange } from './files/recording.js'
export type { FileEntry, ListOptions, ReadOptions, WorkdirFiles } from './files/workdir-files.js'
export type { ArrowTable, ArrowVector } from './values/arrow.js'
export type { JsValue } from './values/decode.js'
export { NdArray, type NdArrayOptions, type NumericArray } from './values/nd-array.js'
export * from './errors.js'
