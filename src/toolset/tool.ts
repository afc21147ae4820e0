/** The small interfaces between a toolset and an agent, of whatever framework. */
import type { z } from 'zod'
import type { OnInput } from '../engine/engine.js'
import type { OnOutput } from './output-listener.js'

/** What an agent tells of the call beside its input; no model sees it. */
export interface ToolContext {
  /** Whose session it is: a conversation, thread or user. @default 'default' */
  readonly client_id?: string
  /** Aborts the call, interrupting the code that it runs. */
  readonly signal?: AbortSignal
  /** Hears what a run says, as it says it, for the person who watches. */
  readonly onOutput?: OnOutput
  /** Answers what the code asks by `input()` or `getpass.getpass()`: asks that person. */
  readonly onInput?: OnInput
}

/** One tool that a model can call. */
export interface Tool<Answer extends object = object> {
  readonly name: string
  /** What a model reads to decide when and how to call it. */
  readonly description: string
  readonly inputSchema: z.ZodType
  /** Answers a JSON value. Never rejects for what a model typed: mistakes are answered. */
  execute(input: unknown, context?: ToolContext): Promise<Answer>
  /** Renders such an answer as text for the model. */
  toModelText(answer: Answer): string
}

/** A named group of tools: what `agent.toolset()` takes. */
export interface ToolSet {
  readonly name: string
  /** Where relative paths in answers, such as those of figures, begin. */
  readonly workdir?: string
  tools(): readonly Tool[]
  close(): Promise<void>
}
